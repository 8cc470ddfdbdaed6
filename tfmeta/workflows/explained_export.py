"""Explains what an export answers, by asking it."""

from functools import partial
from pathlib import Path

import numpy as np

from tfmeta import children
from tfmeta.explaining.explanation import Explanations, check_explainable
from tfmeta.reading.example_reader import NamedColumns, SupportSet
from tfmeta.runtime import start_tensorflow
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import path
from tfmeta.workflows.predict import check_support
from tfmeta.workflows.predictors import ExportPredictor

_NO_LAYERS = (
    "an export holds the learner's answers and not its layers, so that what adaptation changes is "
    "not known; if it was exported from a run, explain that"
)
_BAKED_IN = (
    "it is baked into the export, so that what the answer owes to each example is not known; "
    "explain the export of the kind learner that was made beside it, or the run, with --support"
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
    predictor = ExportPredictor(model, timeout=children.DEFAULT_TIMEOUT)
    manifest, reader = predictor.manifest, predictor.reader()
    check_explainable(manifest.target_kind, model)
    place = None if support is None else path("support", support)
    check_support(model, place, is_adapted=predictor.is_adapted)
    support_set = None if place is None else _support_set(predictor, place)
    files, named = queries
    read = reader.queries(files) if named is None else reader.named(named)
    start_tensorflow()
    from tfmeta.explaining.export_explainer import ExportExplainer

    explainer = ExportExplainer(
        partial(predictor.answers_without, support_set),
        manifest.input_format,
        support_set,
        class_names=(support_set or manifest).class_names,
        num_outputs=manifest.num_outputs,
    )
    without = {"support": _BAKED_IN} if support_set is None else {}
    facts = {
        "export": predictor.name,
        "kind": manifest.kind,
        "algorithm": manifest.algorithm,
        "mode": manifest.mode,
        "support": support_set and {"path": str(place), "examples": len(support_set.y)},
        "without": {**without, "adaptation": _NO_LAYERS},
    }
    return Explanations(facts, explainer.explain(*read, of), explainer.support_pictures)


def _support_set(predictor: ExportPredictor, place: Path) -> SupportSet:
    """The support set, its examples prepared as the graph would."""
    found = predictor.reader().support(place, num_classes=predictor.num_classes)
    start_tensorflow()
    from tfmeta.reading.support_arrays import prepared

    x = prepared(predictor.manifest.input_format, found.x, "the support set")
    return found._replace(x=np.asarray(x))
