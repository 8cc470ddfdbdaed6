"""`generator`: the model turns a support set into the weights of a task's network."""

from typing import Any

from tfmeta.errors import UserError
from tfmeta.exporting.contract import GENERATE, PREDICT
from tfmeta.exporting.kinds.export_kind import ExportKind, Part, Signature

_WEIGHTS = "weights"  # of a task state


def _check(learner: Any, task_state: dict[str, Any]) -> None:
    if _WEIGHTS not in task_state:
        kinds = "learner" if learner.transductive else "learner or adapted"
        raise UserError(
            f"{learner.method_name} makes no weights for a task (it keeps "
            f"{', '.join(task_state)}), so it can't be exported with kind generator; expected kind "
            f"{kinds}"
        )


GENERATOR = ExportKind(
    name="generator",
    summary="makes a task's weights",
    description="It turns a support set into a task's weights, and answers queries with those.",
    signatures=(
        Signature(GENERATE, (Part.SUPPORT,), Part.STATE),
        Signature(PREDICT, (Part.STATE, Part.QUERIES), Part.ANSWER),
    ),
    check=_check,
    notes=f"""\
`{PREDICT}` takes every tensor that `{GENERATE}` returns, under the same name: `{_WEIGHTS}_` and the
weight's own name, and whatever else the method keeps of a task. Weights that are the same for all
tasks are in the model.
""",
)
