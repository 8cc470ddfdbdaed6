"""Figures of each channel of a window of sensor data: its level, spread and changes."""

from itertools import combinations
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from tfmeta.networks.fitted_layer import FittedLayer

_OF_A_CHANNEL = 12
_QUARTERS = (1, 2, 3)  # of the steps, in the order of their values
_LEAST = 1e-3  # of a deviation of about one: below this, a channel stands still
_MOST_CHANNELS = 16  # of which all pairs are compared
_FARTHEST = 5.0  # deviations from the mean, where what is farther is as far


@keras.saving.register_keras_serializable("tfmeta")
class WindowFigures(FittedLayer):
    """Windows `(batch, time, channels)` -> figures `(batch, number)`.

    Of each channel the mean, the deviation, the least and the greatest value and the quartiles; of
    its changes from step to step the deviation, the mean size, the least and the greatest; the
    correlation of neighbouring steps. Of up to sixteen channels also the correlation of each pair.
    A channel that stands still has correlations of zero. Convolutions that are zero for what is
    constant, as MiniRocket's, miss the level: how a wrist is turned, or that a machine is warm.

    After `fit` figures are centred and scaled, and cut where a window is far from all that were
    seen. They are computed in float64, so that they do not depend on how many windows are in a
    batch, by which sums are added up in other parts.
    """

    def build(self, input_shape: Any) -> None:
        shape = self.compute_output_shape(input_shape)[1:]
        options = {"shape": shape, "dtype": "float64", "trainable": False}
        self.centre = self.add_weight(name="centre", initializer="zeros", **options)
        self.scale = self.add_weight(name="scale", initializer="ones", **options)
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        """As the class says; the figures of one kind stand beside each other."""
        figures = self._figures(ops.cast(x, "float64"))
        centre, scale = (ops.convert_to_tensor(each) for each in (self.centre, self.scale))
        return ops.cast(
            ops.clip((figures - centre) / scale, -_FARTHEST, _FARTHEST), self.compute_dtype
        )

    def fit(self, x: npt.NDArray[Any]) -> None:
        """Takes the mean and the deviation of each figure from windows.

        Args:
            x: `(windows, time, channels)`.
        """
        figures = ops.convert_to_numpy(self._figures(ops.cast(x, "float64")))
        deviation = figures.std(0)
        self.centre.assign(figures.mean(0))
        self.scale.assign(np.where(deviation > 0, deviation, 1.0))

    def _figures(self, x: Any) -> Any:
        change = x[:, 1:] - x[:, :-1]
        mean, deviation = ops.mean(x, 1), ops.std(x, 1)
        by_size, time = ops.sort(x, 1), x.shape[1]
        figures = [mean, deviation, by_size[:, 0], by_size[:, -1]]
        figures += [by_size[:, quarter * time // 4] for quarter in _QUARTERS]
        figures += [ops.std(change, 1), ops.mean(ops.abs(change), 1)]
        figures += [ops.min(change, 1), ops.max(change, 1)]
        scaled = (x - mean[:, None]) / (deviation[:, None] + _LEAST)
        figures.append(ops.mean(scaled[:, 1:] * scaled[:, :-1], 1))
        if pairs := _pairs(channels := x.shape[2]):
            together = ops.matmul(ops.swapaxes(scaled, 1, 2), scaled) / time
            places = [one * channels + other for one, other in pairs]
            figures.append(ops.take(ops.reshape(together, (-1, channels**2)), places, 1))
        return ops.concatenate(figures, -1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        channels = input_shape[2]
        return (input_shape[0], _OF_A_CHANNEL * channels + len(_pairs(channels)))


def _pairs(channels: int) -> list[tuple[int, int]]:
    return [*combinations(range(channels), 2)] if channels <= _MOST_CHANNELS else []
