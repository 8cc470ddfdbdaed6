"""Where a number stands among those of its column."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

_KNOTS = 17
_FARTHEST = 100.0  # ranges of a column beyond its ends, where what is farther is as far


@keras.saving.register_keras_serializable("tfmeta")
class ColumnRanks(layers.Layer):
    """The rank of each number in its column, centred and scaled to a deviation of one.

    So a few huge numbers do not set the scale of a column, and the logarithm or the square of a
    column has the same ranks. Between some quantiles of the column, ranks are on straight lines.
    Beyond the least and the greatest number they go on, as steeply as on average between the two,
    so that what is far from all that was seen stays far. Before `fit`, all are zero, as those of a
    constant column always are.
    """

    def build(self, input_shape: Any) -> None:
        shape, columns = (_KNOTS - 1, input_shape[-1]), (input_shape[-1],)
        self.starts = self._constants("starts", shape)
        self.widths = self._constants("widths", shape, "ones")
        self.rises = self._constants("rises", shape)
        self.lowest = self._constants("lowest", columns)
        self.least = self._constants("least", columns)
        self.greatest = self._constants("greatest", columns)
        self.slopes = self._constants("slopes", columns)
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        """`(batch, columns)` -> the same shape."""
        along = (ops.expand_dims(x, 1) - self.starts) / self.widths
        within = ops.sum(ops.clip(along, 0.0, 1.0) * self.rises, 1) + self.lowest
        farthest = _FARTHEST * (self.greatest - self.least)
        below = ops.clip(x - self.least, -farthest, 0.0)
        above = ops.clip(x - self.greatest, 0.0, farthest)
        return within + self.slopes * (below + above)

    def fit(self, x: npt.NDArray[Any]) -> None:
        """Takes the ranks from examples.

        Args:
            x: `(examples, columns)`.
        """
        knots, heights = (np.stack(each, 1) for each in zip(*map(_knots, x.T), strict=True))
        widths, rises = np.diff(knots, axis=0), np.diff(heights, axis=0)
        self.starts.assign(knots[:-1])
        self.widths.assign(np.where(widths > 0, widths, 1))
        self.rises.assign(np.where(widths > 0, rises, 0))
        self.lowest.assign(heights[0])
        self.least.assign(knots[0])
        self.greatest.assign(knots[-1])
        span = knots[-1] - knots[0]
        self.slopes.assign((heights[-1] - heights[0]) / np.where(span > 0, span, 1))

    def _constants(self, name: str, shape: tuple[int, ...], start: str = "zeros") -> Any:
        return self.add_weight(shape=shape, initializer=start, trainable=False, name=name)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def _knots(column: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Numbers of a column in order, the last one repeated to fill up, and their scaled ranks."""
    values, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - counts / 2
    deviation = ranks[place].std()
    heights = (ranks - ranks[place].mean()) / (deviation if deviation > 0 else 1)
    if len(values) > _KNOTS:
        # Those that divide the examples evenly, the ends among them.
        even = np.linspace(ranks[0], ranks[-1], _KNOTS)
        chosen = np.unique(np.abs(ranks - even[:, np.newaxis]).argmin(1))
        values, heights = values[chosen], heights[chosen]
    missing = (0, _KNOTS - len(values))
    return np.pad(values, missing, "edge"), np.pad(heights, missing, "edge")
