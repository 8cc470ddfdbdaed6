"""Explains what an export answers, by asking it."""

from pathlib import Path
from typing import Any

import numpy as np

from tfmeta import children
from tfmeta.explaining.explanation import Explanations
from tfmeta.reading.example_reader import NamedColumns
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import path
from tfmeta.workflows.predict import check_support
from tfmeta.workflows.predictors import ExportPredictor

_NO_LAYERS = (
    "an export holds the learner's answers and not its layers, so that what adaptation changes is "
    "not known; explain the run that it was exported from"
)
_BAKED_IN = (
    "it is baked into the export, so that what the answer owes to each example is not known; "
    "explain the run, or its export of the kind learner, with --support"
)


def explained_export(
    model: Path,
    queries: tuple[list[str], NamedColumns | None],
    support: AnyPath | None,
    *,
    of: str | int | None,
) -> Explanations:
    """Explains an export's answers; see `tfmeta.explain`.

    Args:
        model: `exported/NAME` or `exported/NAME/VERSION`.
        queries: paths, or else columns by their names.
        support: the support set; None if it is baked in.
        of: what is explained.
    """
    from tfmeta.runtime import start_tensorflow

    predictor = ExportPredictor(model, timeout=children.DEFAULT_TIMEOUT)
    manifest, reader = predictor.manifest, predictor.reader()
    place = None if support is None else path("support", support)
    check_support(model, place, is_adapted=predictor.is_adapted)
    support_set = None
    if place is not None:
        support_set = reader.support(place, num_classes=predictor.num_classes)
    files, named = queries
    read = reader.queries(files) if named is None else reader.named(named)
    names = manifest.class_names if support_set is None else support_set.class_names
    start_tensorflow()
    from tfmeta.explaining.export_explainer import ExportExplainer
    from tfmeta.reading.support_arrays import prepared

    as_taken = support_set
    if support_set is not None:
        x = prepared(manifest.input_format, support_set.x, "the support set")
        as_taken = support_set._replace(x=np.asarray(x))

    def ask(x: Any, left_out: Any) -> Any:
        return predictor.answers_without(as_taken, x, left_out)

    explainer = ExportExplainer(
        ask,
        manifest.input_format,
        support_set,
        class_names=names,
        num_outputs=manifest.num_outputs,
    )
    facts = {
        "export": predictor.name,
        "kind": manifest.kind,
        "algorithm": manifest.algorithm,
        "mode": manifest.mode,
        "support": support_set and {"path": str(place), "examples": len(support_set.y)},
        "without": {
            **({"support": _BAKED_IN} if support_set is None else {}),
            "adaptation": _NO_LAYERS,
        },
    }
    return Explanations(facts, explainer.explain(*read, of), explainer.support_pictures)
