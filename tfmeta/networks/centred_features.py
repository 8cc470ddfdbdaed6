"""Features of a mean of zero and a deviation of about one."""

from typing import Any

import keras
import numpy.typing as npt
from keras import ops

from tfmeta.networks.fitted_layer import FittedLayer

_LEAST = 0.03  # of a deviation: a share that hardly differs among the examples says little


@keras.saving.register_keras_serializable("tfmeta")
class CentredFeatures(FittedLayer):
    """Features x -> (x - m) / (s + least), with their mean m and deviation s. Before `fit`, x.

    Args:
        least: what a deviation is enlarged by, so that features that hardly differ count little.
        **options: of a Keras layer.
    """

    def __init__(self, least: float = _LEAST, **options: Any):
        super().__init__(**options)
        self.least = least

    def build(self, input_shape: Any) -> None:
        options = {"shape": (input_shape[-1],), "trainable": False}
        self.centre = self.add_weight(name="centre", initializer="zeros", **options)
        self.scale = self.add_weight(name="scale", initializer="ones", **options)
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        """`(batch, features)` -> the same shape."""
        return (x - self.centre) / ops.convert_to_tensor(self.scale)

    def fit(self, x: npt.NDArray[Any]) -> None:
        """Takes the mean and the deviation of each feature.

        Args:
            x: `(examples, features)`.
        """
        self.centre.assign(x.mean(0))
        self.scale.assign(x.std(0) + self.least)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "least": self.least}
