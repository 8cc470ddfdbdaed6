"""A map of features that is computed from labelled examples, not trained."""

from typing import Any, cast

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

SHRINKAGE = 10.0
# Of the directions in which the means of the training classes differ. See docs/decisions.md.
_POWER = 0.15
_FLOOR = 0.15  # of their mean variance


@keras.saving.register_keras_serializable("tfmeta")
class WithinClassWhitening(layers.Layer):
    """Shrinks the directions within classes, and stretches those between them.

    With the mean m of the classes' means and the mean S of the classes' covariances, features x
    become y = ((1 + a) s)^(1/2) (S + a s I)^(-1/2) (x - m), where s is the mean eigenvalue of S:
    the metric of linear discriminant analysis, drawn towards the features as they are. Then the
    directions in which the means of the K classes differ are stretched: with the eigenvalues b of
    the covariance of the means of y, the largest K - 1 of mean size c, each eigenvector's direction
    is multiplied by (1 + b / (0.15 c))^0.15. Before `fit`, it changes nothing.

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
        _, labels, numbers = np.unique(labels, return_inverse=True, return_counts=True)
        means = np.zeros((len(numbers), x.shape[1]))
        np.add.at(means, labels, x)
        means /= numbers[:, np.newaxis]
        # A class of many examples says no more of the others than a class of few.
        weights = 1 / np.maximum(numbers - 1, 1)
        within = (x - means[labels]) * np.sqrt(weights[labels, np.newaxis])
        whitening = _whitening(within, self.shrinkage)
        if whitening is None:  # one example per class says nothing of how they differ
            return
        self.centre.assign(means.mean(0))
        self.map.assign(whitening @ _stretching(means @ whitening))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shrinkage": self.shrinkage}


def _whitening(within: npt.NDArray[Any], shrinkage: float) -> npt.NDArray[Any] | None:
    """What makes one size of the differences within classes, or None if there are none."""
    values, directions = np.linalg.eigh(within.T @ within / len(within))
    level = values.mean()
    if level <= 0:
        return None
    sizes = np.sqrt((1 + shrinkage) * level / (values + shrinkage * level))
    return cast(npt.NDArray[Any], (directions * sizes) @ directions.T)


def _stretching(means: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What stretches the directions in which the classes' means differ."""
    _, sizes, directions = np.linalg.svd(means - means.mean(0), full_matrices=False)
    variances = sizes**2 / len(means)
    level = variances.sum() / max(len(means) - 1, 1)
    if level <= 0:  # one class
        return np.eye(means.shape[1])
    more = (1 + variances / (_FLOOR * level)) ** _POWER - 1
    return cast(npt.NDArray[Any], np.eye(means.shape[1]) + (directions.T * more) @ directions)
