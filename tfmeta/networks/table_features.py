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

# Features of likeness, and the most numbers that those of all rows may have together (64 MiB).
_NUMBER, _FEWEST, _MOST_NUMBERS = 1024, 64, 2**24


def table_features(columns: keras.Model, rows: npt.NDArray[Any]) -> list[keras.Model]:
    """Two networks, on whose features a linear head learns a table.

    The features of the first are the columns and a constant, which is as large as a row is long on
    average. The second has features of likeness beside them, as long again: a linear function of
    these is one of a kernel machine, which has thresholds, and two columns may count only together.
    The kernel is Laplace's, of the columns' ranks.

    Args:
        columns: `(batch, ...) -> (batch, columns)`, of a mean near zero and a deviation near one.
        rows: those that are learned, `(rows, ...)`, as `columns` takes them.
    """
    scaled, full = columns(rows).numpy(), full_dtype()
    vary = int((np.ptp(scaled, 0) > 0).sum()) or 1
    length = math.sqrt(vary)
    linear = BesideConstant(length, name="beside_constant", **full)(columns.output)
    ranks = ColumnRanks(name="ranks", **full)
    ranked = ranks(columns.output)
    ranks.fit(scaled)
    number = min(_NUMBER, max(_FEWEST, _MOST_NUMBERS // len(scaled)))
    likeness = LaplaceFeatures(number, vary, name="likeness", **full)(ranked)
    as_long = layers.Rescaling(length, name="as_long", **full)(likeness)
    both = layers.Concatenate(name="beside_likeness", **full)([linear, as_long])
    return [keras.Model(columns.input, outputs, name="table") for outputs in (linear, both)]
