"""What a run's learner is to be good at, by what the targets of its source are."""

from dataclasses import dataclass
from functools import partial

import keras

from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.learners.targets import CLASSES, VALUES


@dataclass(frozen=True)
class Objective:
    """What a learner is compiled with.

    Attributes:
        targets: "classes" or "values", for the learner's constructor.
        loss: makes the loss, of an episode's queries.
        metric: makes the metric.
        metric_name: in the lines of metrics; with `validation_` before it, of validation.
        best: "max" or "min", which values of the metric are good ones.
    """

    targets: str
    loss: type | partial
    metric: partial
    metric_name: str
    best: str

    @property
    def validation_name(self) -> str:
        """The metric's name in lines of metrics, of the validation episodes."""
        return f"validation_{self.metric_name}"

    @classmethod
    def of(cls, source: EpisodeSource) -> "Objective":
        """The objective for a source's targets."""
        return _VALUES if source.is_regression else _CLASSES


_VALUES = Objective(
    VALUES,
    keras.losses.MeanSquaredError,
    partial(keras.metrics.MeanSquaredError, "mse"),
    "mse",
    "min",
)
_CLASSES = Objective(
    CLASSES,
    partial(keras.losses.SparseCategoricalCrossentropy, from_logits=True),
    partial(keras.metrics.SparseCategoricalAccuracy, "accuracy"),
    "accuracy",
    "max",
)
