"""tfmeta: few-shot learning, from a labelled dataset to a model that adapts inside its graph.

The public names are imported on first use, so that `import tfmeta` and `tfmeta --help` do not
wait for TensorFlow.
"""

import importlib
import os
import sys

from tfmeta.own_path import leave_working_folder

# Before anything is imported from there. Python itself has imported the modules above.
leave_working_folder()

from typing import Any  # noqa: E402

from tfmeta.deprecation import keep_old_names  # noqa: E402
from tfmeta.network_registry import MODULES  # noqa: E402
from tfmeta.registration import find_our_classes  # noqa: E402

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

__version__ = "0.1.0"

_HOMES = {
    "ANIL": "tfmeta.learners.maml",
    "BayesLinear": "tfmeta.learners.bayes_linear",
    "Episode": "tfmeta.episodes.episode",
    "EpisodeShape": "tfmeta.episodes.episode_shape",
    "FOMAML": "tfmeta.learners.maml",
    "HyperNetwork": "tfmeta.learners.hypernetwork",
    "MAML": "tfmeta.learners.maml",
    "Matching": "tfmeta.learners.matching",
    "MetaLSTM": "tfmeta.learners.meta_lstm",
    "MetaLearner": "tfmeta.learners.meta_learner",
    "MetaSGD": "tfmeta.learners.meta_sgd",
    "OnFeatures": "tfmeta.learners.on_features",
    "Prototypical": "tfmeta.learners.prototypical",
    "Relation": "tfmeta.learners.relation",
    "Reptile": "tfmeta.learners.reptile",
    "Ridge": "tfmeta.learners.ridge",
    "Transfer": "tfmeta.learners.transfer",
    "Siamese": "tfmeta.learners.siamese",
    "UserError": "tfmeta.errors",
    "configure_runtime": "tfmeta.runtime",
    "load": "tfmeta.training.loading",
    "predict": "tfmeta.workflows.predict",
    "runs": "tfmeta.workflows.runs",
    "score": "tfmeta.workflows.score",
    "verify": "tfmeta.workflows.verify",
}
# These start TensorFlow as the commands do, so that the same settings give the same numbers.
_STARTING = {
    name: f"tfmeta.workflows.{name}"
    for name in (
        *("compare", "derive", "evaluate", "explain", "export", "inspect", "learn", "report"),
        *("robustness", "train"),
    )
} | {
    "write_episodes": "tfmeta.workflows.episodes",
    "write_optima": "tfmeta.workflows.optima",
}
_HOMES |= _STARTING

keep_old_names()
# Keras saves a learner by the name of its class.
find_our_classes(sorted({home for home in _HOMES.values() if "learners" in home} | MODULES))

__all__ = [*sorted(_HOMES), "networks"]


def __getattr__(name: str) -> Any:
    if name == "networks":
        return importlib.import_module("tfmeta.networks")
    if name in _STARTING and "tensorflow" not in sys.modules:
        importlib.import_module("tfmeta.runtime").configure_runtime()
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tfmeta' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[Any]:
    return [*__all__, "__version__"]
