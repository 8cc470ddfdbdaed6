"""The columns of a table, and how alike its rows are: features that nothing trains."""

import math

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from tfmeta.networks.column_ranks import ColumnRanks
from tfmeta.networks.input_dtypes import full_dtype
from tfmeta.networks.laplace_features import LaplaceFeatures
from tfmeta.networks.on_sphere import OnSphere
from tfmeta.networks.scaled_input import scaled_input


def table(
    input_shape: tuple[int, ...] = (4,),
    num_outputs: int | None = 5,
    *,
    input_mean: npt.ArrayLike | None = None,
    input_scale: npt.ArrayLike | None = None,
    input_dtype: str = "float32",
    rank_knots: npt.ArrayLike | None = None,
    rank_heights: npt.ArrayLike | None = None,
    likeness: int = 1024,
) -> keras.Model:
    """Scaled columns as a point of a sphere, and beside it random features of likeness.

    The inner products of the features of likeness say how near two rows are in the ranks of their
    columns, so that a linear head learns thresholds, and that two columns count only together.

    Args:
        input_shape: of one example; more than one dimension is flattened.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        input_mean, input_scale, input_dtype: see `mlp`.
        rank_knots: scaled numbers of each column in order, `(knots, columns)`, between which its
            ranks are on straight lines; see `ColumnRanks`. None: the scaled numbers are the ranks.
        rank_heights: the ranks of the knots, of the same shape.
        likeness: features of likeness, an even number.

    Returns:
        A model `(batch, *input_shape) -> (batch, num_outputs)`, without a head
        `(batch, columns + 1 + likeness)`.

    Raises:
        ValueError: if there is not one mean, one positive scale and one list of knots per column,
            knots have no heights, or `likeness` is odd.

    Example:

    >>> table((3,), None, likeness=64).output_shape
    (None, 68)
    """
    inputs, columns = scaled_input(input_shape, input_mean, input_scale, input_dtype)
    ranks, varying = columns, columns.shape[-1]
    if (rank_knots is None) != (rank_heights is None):
        raise ValueError("received one of rank_knots and rank_heights; expected both or neither")
    if rank_knots is not None:
        layer = ColumnRanks(name="ranks", **full_dtype())
        layer.build(columns.shape)
        layer.assign(np.asarray(rank_knots), np.asarray(rank_heights))
        ranks, varying = layer(columns), int((np.ptp(rank_knots, 0) > 0).sum()) or 1
    point = OnSphere(math.sqrt(varying), name="on_sphere", **full_dtype())(columns)
    alike = LaplaceFeatures(likeness, varying, name="alike", **full_dtype())(ranks)
    x = layers.Concatenate(name="beside_each_other", **full_dtype())([point, alike])
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="table")
