"""`adapted`: the model has adapted to one support set, which is baked in."""

from typing import Any

from tfmeta.errors import UserError
from tfmeta.exporting.contract import PREDICT
from tfmeta.exporting.kinds.export_kind import ExportKind, Part, Signature


def _check(learner: Any, task_state: dict[str, Any]) -> None:
    if learner.transductive:
        raise UserError(
            "an adapted model answers each example by itself, and this learner is transductive: "
            "its answer would depend on the other examples in the batch. Train with --inductive "
            "(transductive=False in Python), or export with kind learner"
        )


ADAPTED = ExportKind(
    name="adapted",
    summary="adapts once, to the support set that is given now",
    description="Its support set is baked in.",
    signatures=(Signature(PREDICT, (Part.EXAMPLES,), Part.ANSWER),),
    check=_check,
    instead_of_litert="a network of layers that LiteRT has",
)
