"""A map of features that is computed from labelled examples, not trained."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

SHRINKAGE = 10.0


@keras.saving.register_keras_serializable("tfmeta")
class WithinClassWhitening(layers.Layer):
    """Takes away the mean, and shrinks the directions in which examples of one class differ.

    With the mean m and the covariance within the classes S of training examples, features x become
    ((1 + a) s)^(1/2) (S + a s I)^(-1/2) (x - m), where s is the mean eigenvalue of S: the metric of
    linear discriminant analysis, drawn towards the features as they are. Before `fit`, it changes
    nothing.

    Args:
        shrinkage: a; the larger, the closer to the features as they are.
    """

    def __init__(self, shrinkage: float = SHRINKAGE, **kwargs: Any):
        super().__init__(**kwargs)
        self.shrinkage = shrinkage

    def build(self, input_shape: Any) -> None:
        size = input_shape[-1]
        options = {"trainable": False}
        self.centre = self.add_weight(shape=(size,), initializer="zeros", name="centre", **options)
        self.map = self.add_weight(
            shape=(size, size), initializer="identity", name="map", **options
        )
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        """`(batch, features)` -> the same shape."""
        return ops.matmul(x - self.centre, self.map)

    def fit(self, x: npt.NDArray[Any], labels: npt.NDArray[Any]) -> None:
        """Computes the map.

        Args:
            x: `(examples, features)`.
            labels: `(examples,)`, integers.
        """
        x = x.astype(np.float64)
        _, labels = np.unique(labels, return_inverse=True)
        counts = np.bincount(labels)
        sums = np.zeros((len(counts), x.shape[1]))
        np.add.at(sums, labels, x)
        within = x - (sums / counts[:, np.newaxis])[labels]
        values, directions = np.linalg.eigh(within.T @ within / len(x))
        level = values.mean()
        if level <= 0:  # one example per class says nothing of how they differ
            return
        sizes = np.sqrt((1 + self.shrinkage) * level / (values + self.shrinkage * level))
        self.centre.assign(x.mean(0))
        self.map.assign((directions * sizes) @ directions.T)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shrinkage": self.shrinkage}
