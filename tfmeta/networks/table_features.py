"""What a linear head learns a table from: its columns, and how alike rows are."""

import math
from functools import cached_property
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from tfmeta.networks.beside_constant import BesideConstant
from tfmeta.networks.column_ranks import ColumnRanks
from tfmeta.networks.column_relevance import Relevance, relevance_of
from tfmeta.networks.input_dtypes import full_dtype
from tfmeta.networks.laplace_features import LaplaceFeatures
from tfmeta.networks.on_sphere import OnSphere
from tfmeta.networks.within_range import BeyondRange, WithinRange
from tfmeta.reading.row_likeness import likeness_of

_MARGIN = 0.5  # beyond a column's range, as a share of it, where a line ends
Array = npt.NDArray[Any]


class TableNetworks:
    """Makes networks of the columns of a table, on whose features a linear head learns.

    Features of likeness are of length one; a linear function of them is one of a kernel machine.
    It has thresholds, and columns may count only together, which no linear function of the columns
    can learn. The kernel is Laplace's, of the columns' ranks.

    Args:
        columns: `(batch, ...) -> (batch, columns)`, of a mean near zero and a deviation near one.
        rows: those that are learned, `(rows, ...)`, as `columns` takes them.
    """

    def __init__(self, columns: keras.Model, rows: Array):
        self._columns, self._scaled = columns, columns(rows).numpy()
        self._number = int((np.ptp(self._scaled, 0) > 0).sum()) or 1  # of the columns that vary
        self._length = math.sqrt(self._number)  # of a row, on average

    def plain(self) -> keras.Model:
        """The columns, beside a constant that is as large as a row is long on average.

        A head tells classes apart by features of unit length.
        """
        made = BesideConstant(self._length, name="beside_constant", **full_dtype())
        return self._network(made(self._columns.output))

    def alike(self) -> keras.Model:
        """The columns on a sphere, with features of likeness beside them of the same length.

        What is far from all rows has features that are far from theirs.
        """
        return self._network(self._on_sphere(), self._likeness())

    def telling_apart(self, labels: Array, seen: Any = slice(None)) -> keras.Model:
        """The same, but in half of the likeness the columns that tell the classes apart count more.

        In the other half all count the same, for what few rows say of the columns may be chance.
        Where each class has one row, they say nothing.

        Args:
            labels: `(rows,)`, from 0.
            seen: numbers of the rows whose labels say so; the others' are not used.
        """
        if np.bincount(labels[seen]).max(initial=0) < 2:
            return self.alike()
        one_hot = np.eye(labels.max() + 1)[labels]
        weights = self._relevance(one_hot, seen, labels[seen]).weights
        alike, weighed = self._likeness(kinds=2), self._likeness(weights, "weighed", kinds=2)
        return self._network(
            self._on_sphere(),
            _times(0.5**0.5, alike, "half_alike"),
            _times(0.5**0.5, weighed, "half_weighed"),
        )

    def of_values(self, targets: Array, seen: Any = slice(None)) -> keras.Model:
        """The columns, with features of likeness beside them, for a regression.

        The columns that say more of the targets count more in the likeness, and of columns and
        likeness what says more of them is longer. Columns end half their range beyond it,
        and how far a row is beyond that has a feature of its own, so that its answer is less sure.

        Args:
            targets: `(rows, outputs)`.
            seen: numbers of the rows whose targets say so; the others' are not used.
        """
        found = self._relevance(targets, seen)
        shares = [2 * each / (found.linear + found.alike) for each in (found.linear, found.alike)]
        within = WithinRange(_MARGIN, name="within_range", **full_dtype())
        points = within(self._columns.output)
        within.fit(self._scaled)
        beyond = BeyondRange(name="beyond_range", **full_dtype())
        return self._network(
            _times(shares[0] ** 0.5, points, "linear"),
            _times(shares[1] ** 0.5 * self._length, self._likeness(found.weights), "as_long"),
            beyond([self._columns.output, points]),
        )

    def _relevance(self, targets: Array, seen: Any, labels: Array | None = None) -> Relevance:
        return relevance_of(self._ranks_of_rows[seen], self._scaled[seen], targets[seen], labels)

    @cached_property
    def _ranks(self) -> ColumnRanks:
        """The layer, which all the networks share."""
        ranks = ColumnRanks(name="ranks", **full_dtype())
        ranks.build(self._scaled.shape)
        ranks.fit(self._scaled)
        return ranks

    @cached_property
    def _ranks_of_rows(self) -> Array:
        ranks: Array = self._ranks(self._scaled).numpy()
        return ranks

    def _on_sphere(self) -> Any:
        layer = OnSphere(self._length, name="on_sphere", **full_dtype())
        return layer(self._columns.output)

    def _likeness(self, weights: Any = None, name: str = "alike", *, kinds: int = 1) -> Any:
        """Features, of which there are so many kinds side by side; of ranks times weights."""
        ranked = self._ranks(self._columns.output)
        if weights is not None:
            ranked = _times(weights.tolist(), ranked, "weights")
        size = likeness_of(len(self._scaled), kinds)
        return LaplaceFeatures(size, self._number, name=name, **full_dtype())(ranked)

    def _network(self, *features: Any) -> keras.Model:
        beside = layers.Concatenate(name="beside_each_other", **full_dtype())
        outputs = beside(features) if len(features) > 1 else features[0]
        return keras.Model(self._columns.input, outputs, name="table")


def _times(factor: Any, features: Any, name: str) -> Any:
    return layers.Rescaling(factor, name=name, **full_dtype())(features)
