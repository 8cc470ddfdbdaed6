"""Explains what an export answers, by asking it."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta import children
from tfmeta.explaining.explanation import Explanations, check_explainable
from tfmeta.reading.example_reader import SupportSet
from tfmeta.reading.in_memory import read_support
from tfmeta.runtime import start_tensorflow
from tfmeta.workflows.predict import check_support
from tfmeta.workflows.predictors import ExportPredictor
from tfmeta.workflows.queries import name_of_support, read_queries

_NO_LAYERS = (
    "an export holds the learner's answers and not its layers, so that what adaptation changes is "
    "not known. The run that an export was made of, if there is one, tells it"
)
_BAKED_IN = (
    "it is baked into the export, so that what the answer owes to each example is not known; "
    "explain the export of the kind learner that was made beside it, or the run, with --support"
)


def explained_export(
    model: Path,
    asked: Any,
    support: Any,
    *,
    of: str | int | None,
) -> Explanations:
    """Explains an export's answers; see `tfmeta.explain`.

    Args:
        model: `exported/NAME` or `exported/NAME/VERSION`.
        asked: what `data_or_paths` returned.
        support: as for `tfmeta.predict`.
        of: what is explained.
    """
    predictor = ExportPredictor(model, timeout=children.DEFAULT_TIMEOUT)
    manifest, reader = predictor.manifest, predictor.reader()
    check_explainable(manifest.target_kind, model)
    check_support(model, support, is_adapted=predictor.is_adapted, reader=reader)
    support_set = None if support is None else _support_set(predictor, support)
    queries = read_queries(reader, asked)
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
        "support": support_set
        and {"path": name_of_support(support), "examples": len(support_set.y)},
        "without": {**without, "adaptation": _NO_LAYERS},
    }
    return Explanations(
        facts, explainer.explain(queries.places, queries.x, of), explainer.support_pictures
    )


def _support_set(predictor: ExportPredictor, support: Any) -> SupportSet:
    """The support set, its examples prepared as the graph would."""
    found = read_support(predictor.reader(), support, num_classes=predictor.num_classes)
    start_tensorflow()
    from tfmeta.reading.support_arrays import prepared

    x = prepared(predictor.manifest.input_format, found.x, "the support set")
    return found._replace(x=np.asarray(x))
