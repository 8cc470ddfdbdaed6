"""Tables of features with a column of values, which become a served regression."""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np

from tfmeta.episodes.target_numbers import scale_of
from tfmeta.errors import UserError, counted
from tfmeta.evaluation.intervals import Z90
from tfmeta.evaluation.leave_one_out_values import HeldOutValues, best_strength
from tfmeta.learners.bayes_linear import BayesLinear
from tfmeta.networks.in_parts import FittedFeatures, computed
from tfmeta.networks.mlp import mlp
from tfmeta.networks.table_features import TableNetworks
from tfmeta.reading.feature_columns import feature_names, input_scaling, prepared_columns
from tfmeta.reading.table_options import TableOptions
from tfmeta.reading.tables import find_file, read_table
from tfmeta.workflows.learn_exports import CHOSEN, export_both
from tfmeta.workflows.learnable.groups import Groups, groups_of
from tfmeta.workflows.learnable.kind import Learnable
from tfmeta.workflows.learnable.request import CHOOSING, GAPS, Request
from tfmeta.workflows.learnable.task import COLUMNS, LIKENESS, as_columns
from tfmeta.workflows.learned_values import LearnedValues, odd_rows

_LEAST_ROWS = 3
_MANY = 0.1  # of the intervals
_LARGEST = 1e15  # a variance is the square of such a value
_MOST_LOST = 1e-3  # of the deviation of the values, by rounding to float32


class Values(Learnable):
    """An NPZ, CSV or Parquet file of features, with a column of values."""

    what = "a table"
    not_for: ClassVar = {"skip_unreadable": "a folder", "network": "images"}

    def takes(self, request: Request) -> bool:
        return _column(request) is not None

    def learn(self, request: Request) -> LearnedValues:
        return learn_values(request, _column(request) or "")


def _column(request: Request) -> str | None:
    return value_column(request.place, request.reading.get("label"), request.reading.get("target"))


def value_column(place: Path, label: str | None, target: str | None) -> str | None:
    """The column of values that is to be learned; None if classes are.

    Args:
        place: the file.
        label: the column of the classes, if the user named one; its numbers may have fractions.
        target: the column of values, if the user named one.

    Raises:
        UserError: if the file can't be read.
    """
    if target:
        return target
    table = read_table(find_file("learn", place, None), text=())
    name = label or "label"
    if table.is_npz and name not in table.columns and "y" in table.columns:
        name = "y"
    try:
        numbers = table.numbers([name])
    except (UserError, KeyError):
        return None  # it holds names, or is not there, which whoever reads the classes says
    return name if np.any(numbers % 1) else None


def learn_values(request: Request, target: str) -> LearnedValues:
    """Learns the values in a column and exports models that answer with them.

    A value is a Bayesian linear regression on the standardised features, and the likeness of rows
    beside them; see `TableNetworks.of_values`. The strength of its prior is chosen by leaving out
    each row, or each group of rows; the variance of the noise is fitted on the same answers.

    Args:
        request: for an NPZ, CSV or Parquet file.
        target: the column of the values.

    Raises:
        UserError: if the file can't be read, a number is missing, or there are too few rows.
    """
    options = TableOptions(**request.options(*GAPS))
    chosen = request.options(*CHOOSING)
    row_format, x, y, names = _read(request.place, target, chosen, options)
    groups = groups_of(request, names)
    prepared = prepared_columns(x, scaling := input_scaling(x, True), row_format, y)
    scale = scale_of(y)
    centre, spread = (np.array(scale[f"target_{name}"]) for name in ("centre", "spread"))
    on, network, found = _chosen(x, scaling, (y - centre) / spread, groups)
    learner = _learner(network, found, scale)
    request.progress.advance(CHOSEN, f"strength {found.strength:g} chosen")
    adapted, taking_sets = export_both(
        learner,
        request.folder,
        shared={"input_format": row_format},
        baked_in={"support": (x, y)},
        progress=request.progress,
    )
    return LearnedValues(
        adapted=adapted,
        learner=taking_sets,
        target=target,
        num_examples=len(x),
        on=on,
        strength=found.strength,
        held_out_by=request.groups_called if groups is not None else None,
        rmse=float(np.sqrt(np.mean((found.errors * spread) ** 2))),
        rmse_of_mean=_error_of_mean(y, groups),
        coverage90=found.coverage90,
        odd_rows=odd_rows(found, names),
        warnings=(*_taken(x), *prepared.warnings(prepared.facts()), *_below_zero(found, y, spread)),
        seconds=time.monotonic() - request.started,
    )


def _taken(x: Any) -> Iterator[str]:
    """Says how examples that are no rows are taken."""
    if x.ndim > 2:
        yield as_columns(x.shape[1:])


def _below_zero(found: HeldOutValues, y: Any, spread: Any) -> Iterator[str]:
    """Says of values above zero, many of which are near it, what suits them better."""
    if y.min() <= 0:
        return
    lowest = y + spread * (found.errors - Z90 * np.sqrt(found.variances))
    if (share := float(np.mean(lowest < 0))) > _MANY:
        yield (
            f"{100 * share:.0f}% of the 90% intervals reach below zero, and no value does; answers "
            "may be better for a column of the values' logarithms"
        )


def _chosen(
    x: Any, scaling: dict[str, Any], targets: Any, groups: Groups | None
) -> tuple[str, keras.Model, HeldOutValues]:
    """What the regression takes of a row, the network that makes it, and what held-out rows say.

    It is the columns alone if the values are linear in them, or the likeness of rows beside them
    makes the answers surely worse.
    """
    columns = mlp(x.shape[1:], None, units=(), **scaling)
    fitted = FittedFeatures(partial(TableNetworks(columns, x).of_values, targets), x)
    alone = best_strength(computed(columns, x), targets, groups)
    both = best_strength(fitted, targets, groups)
    if alone.are_exact or both.is_surely_worse_than(alone):
        return COLUMNS, columns, alone
    return LIKENESS, fitted.network(), both


def _read(
    place: Path, target: str, chosen: Mapping[str, Any], options: TableOptions
) -> tuple[Any, ...]:
    """The format of the rows, `x`, `y`, and the names of the rows."""
    table = options.read(find_file("learn", place, None), ())
    names = feature_names(table, used={target: "target"}, **chosen)
    y = table.numbers([target], "target")
    x, row_format = options.applied(table, names, np.ones(len(y), bool), answers=(target,))
    y = y.reshape(len(y), -1)
    if len(x) < _LEAST_ROWS:
        raise UserError(
            f"{place} has {counted(len(x), 'row')}; expected {_LEAST_ROWS} or more, of which "
            "each is held out in turn"
        )
    values = np.asarray(table.columns[target], np.float64)
    if (values == values[0]).all():
        raise UserError(
            f"all {len(y)} values in the column {target} of {place} are {y[0, 0]:g}; expected "
            "values that differ"
        )
    _check_float32(values, f"the column {target} of {place}")
    return row_format, x, y, table.rows


def _check_float32(values: Any, where: str) -> None:
    """Refuses values that a model, which answers in float32, can't tell apart or not hold."""
    if np.abs(values).max() > _LARGEST:
        raise UserError(
            f"{where} has values up to {np.abs(values).max():.3g}; expected {_LARGEST:.0e} at "
            "most. Give them in a larger unit"
        )
    lost = np.abs(values - values.astype(np.float32)).max()
    if lost > _MOST_LOST * values.std():
        raise UserError(
            f"{where} has values near {values.mean():.3g} that differ by about {values.std():.3g}, "
            f"and answers are float32, which loses up to {lost:.3g} of them. Subtract what they "
            "have in common"
        )


def _learner(network: Any, found: HeldOutValues, scale: dict[str, Any]) -> BayesLinear:
    """With the prior that was chosen and the noise that was found."""
    learner = BayesLinear(network, num_outputs=len(found.noise), noise_variance=1.0, **scale)
    size = learner.prior_factor.shape[0]
    learner.prior_factor.assign(np.eye(size) * -0.5 * np.log(found.strength))
    learner.assign_noise(found.noise)
    return learner


def _error_of_mean(y: Any, groups: Groups | None) -> float:
    """How far the mean of all rows that are not held out with a row is off, root mean squared."""
    groups = np.arange(len(y)) if groups is None else groups
    counts, sums = np.bincount(groups), np.zeros((groups.max() + 1, y.shape[1]))
    np.add.at(sums, groups, y - y.mean(0))
    means = y.mean(0) - (sums / (len(y) - counts)[:, np.newaxis])[groups]
    return float(np.sqrt(np.mean((y - means) ** 2)))
