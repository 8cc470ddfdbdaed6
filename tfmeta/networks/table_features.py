"""What a linear head learns a table from: its columns, and how alike rows are."""

import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from tfmeta.networks.beside_constant import BesideConstant
from tfmeta.networks.column_ranks import ColumnRanks
from tfmeta.networks.input_dtypes import full_dtype
from tfmeta.networks.laplace_features import LaplaceFeatures
from tfmeta.networks.on_sphere import OnSphere

# Features of likeness, and the most numbers that those of all rows may have together (64 MiB).
_NUMBER, _FEWEST, _MOST_NUMBERS = 1024, 64, 2**24


def features_of_classes(columns: keras.Model, rows: npt.NDArray[Any]) -> list[keras.Model]:
    """Two networks, on whose features, brought to unit length, a head tells classes apart.

    Those of the first are the columns, beside a constant that is as large as a row is long on
    average. The second has the columns on a sphere, with features of likeness beside them of the
    same length; see `_likeness`. What is far from all rows has features that are far from theirs.

    Args:
        columns: `(batch, ...) -> (batch, columns)`, of a mean near zero and a deviation near one.
        rows: those that are learned, `(rows, ...)`, as `columns` takes them.
    """
    scaled, full = columns(rows).numpy(), full_dtype()
    length = math.sqrt(_number_that_vary(scaled))
    plain = BesideConstant(length, name="beside_constant", **full)(columns.output)
    points = OnSphere(length, name="on_sphere", **full)(columns.output)
    return [_network(columns, plain), _network(columns, points, _likeness(columns, scaled))]


def features_of_values(columns: keras.Model, rows: npt.NDArray[Any]) -> keras.Model:
    """A network on whose features a linear regression learns values.

    Features of likeness, see `_likeness`, stand beside the columns, as long as a row on average.

    Args: see `features_of_classes`.
    """
    scaled = columns(rows).numpy()
    length = math.sqrt(_number_that_vary(scaled))
    as_long = layers.Rescaling(length, name="as_long", **full_dtype())
    return _network(columns, columns.output, as_long(_likeness(columns, scaled)))


def _likeness(columns: keras.Model, scaled: npt.NDArray[Any]) -> Any:
    """Features of length one, a linear function of which is one of a kernel machine.

    It has thresholds, and columns may count only together, which no linear function of the columns
    can learn. The kernel is Laplace's, of the columns' ranks.
    """
    ranks = ColumnRanks(name="ranks", **full_dtype())
    ranked = ranks(columns.output)
    ranks.fit(scaled)
    number = min(_NUMBER, max(_FEWEST, _MOST_NUMBERS // len(scaled) // 2 * 2))
    return LaplaceFeatures(number, _number_that_vary(scaled), name="likeness", **full_dtype())(
        ranked
    )


def _network(columns: keras.Model, *features: Any) -> keras.Model:
    beside = layers.Concatenate(name="beside_each_other", **full_dtype())
    outputs = beside(features) if len(features) > 1 else features[0]
    return keras.Model(columns.input, outputs, name="table")


def _number_that_vary(scaled: npt.NDArray[Any]) -> int:
    return int((np.ptp(scaled, 0) > 0).sum()) or 1
