"""Layers that change with the progress of a run."""

from typing import Any

from tfmeta.keras_internals import layers_of
from tfmeta.learners.meta_learner import MetaLearner

_METHOD = "training_progress"


def scheduled_layers(learner: MetaLearner) -> list[Any]:
    """The layers that have a method `training_progress(done)`, `done` from 0 to 1."""
    return [layer for layer in layers_of(learner) if callable(getattr(layer, _METHOD, None))]


def tell_progress(learner: MetaLearner, done: float | None) -> None:
    """Tells these layers how much of a run is done; None is not told."""
    if done is not None:
        for layer in scheduled_layers(learner):
            getattr(layer, _METHOD)(done)
