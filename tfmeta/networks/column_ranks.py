"""Where a number stands among those of its column."""

from typing import Any

import keras
import numpy.typing as npt
from keras import ops

from tfmeta.networks.fitted_layer import FittedLayer
from tfmeta.reading.row_likeness import KNOTS, ranks_of

_FARTHEST = 100.0  # ranges of a column beyond its ends, where what is farther is as far


@keras.saving.register_keras_serializable("tfmeta")
class ColumnRanks(FittedLayer):
    """The rank of each number in its column, centred and scaled to a deviation of one.

    So a few huge numbers do not set the scale of a column, and the logarithm or the square of a
    column has the same ranks. Between some quantiles of the column, ranks are on straight lines.
    Beyond the least and the greatest number they go on, as steeply as on average between the two,
    so that what is far from all that was seen stays far. Before `fit`, all are zero, as those of a
    constant column always are.
    """

    def build(self, input_shape: Any) -> None:
        shape = (KNOTS, input_shape[-1])
        options = {"initializer": "zeros", "trainable": False}
        self.knots = self.add_weight(shape=shape, name="knots", **options)
        self.heights = self.add_weight(shape=shape, name="heights", **options)
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        """`(batch, columns)` -> the same shape."""
        knots, heights = (ops.convert_to_tensor(each) for each in (self.knots, self.heights))
        least, greatest, span = knots[0], knots[-1], knots[-1] - knots[0]
        widths = knots[1:] - knots[:-1]  # 0 of those that fill up, which have no height either
        along = (ops.expand_dims(x, 1) - knots[:-1]) / ops.where(widths > 0, widths, 1.0)
        within = ops.sum(ops.clip(along, 0.0, 1.0) * (heights[1:] - heights[:-1]), 1) + heights[0]
        slope = (heights[-1] - heights[0]) / ops.where(span > 0, span, 1.0)
        below = ops.clip(x - least, -_FARTHEST * span, 0.0)
        above = ops.clip(x - greatest, 0.0, _FARTHEST * span)
        return within + slope * (below + above)

    def fit(self, x: npt.NDArray[Any]) -> None:
        """Takes the ranks from examples.

        Args:
            x: `(examples, columns)`.
        """
        self.assign(*ranks_of(x))

    def assign(self, knots: npt.NDArray[Any], heights: npt.NDArray[Any]) -> None:
        """Takes what `ranks_of` found."""
        self.knots.assign(knots)
        self.heights.assign(heights)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
