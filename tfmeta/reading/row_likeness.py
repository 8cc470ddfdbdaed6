"""What the rows of a table say of the features of their likeness, by NumPy alone."""

from typing import Any

import numpy as np
import numpy.typing as npt

KNOTS = 17  # of each column, between which its ranks are on straight lines
# Features of likeness of a kind; the most numbers that those of all rows have together (64 MiB).
_NUMBER, _FEWEST, _MOST_NUMBERS = 1024, 64, 2**24
# Features of a row, where columns are not more: a map of them has their square. Likeness says less
# the more columns there are.
MOST_FEATURES = 2048


def table_options(
    rows: npt.NDArray[Any],
    *,
    input_mean: npt.ArrayLike = 0.0,
    input_scale: npt.ArrayLike = 1.0,
    input_dtype: str = "float32",
) -> dict[str, Any]:
    """The arguments of `table` that the rows of training decide, beside how they are scaled.

    Args:
        rows: `(rows, columns)`.
        input_mean, input_scale, input_dtype: as `table` takes them.
    """
    del input_dtype
    scaled = (rows.astype(np.float64) - np.asarray(input_mean)) / np.asarray(input_scale)
    knots, heights = ranks_of(scaled)
    ranks = {"rank_knots": knots.tolist(), "rank_heights": heights.tolist()}
    most = max(_FEWEST, (MOST_FEATURES - rows.shape[1]) // 2 * 2)
    return {**ranks, "likeness": min(most, likeness_of(len(rows)))}


def likeness_of(rows: int, kinds: int = 1) -> int:
    """How many features of likeness so many rows have, of each kind."""
    most = _MOST_NUMBERS // kinds // rows
    return min(_NUMBER, max(_FEWEST, most // 2 * 2))


def ranks_of(x: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The knots between which ranks are on straight lines, and the ranks at these.

    Args:
        x: `(examples, columns)`.

    Returns:
        Two arrays `(knots, columns)`.
    """
    knots, heights = zip(*map(_knots, x.T), strict=True)
    return np.stack(knots, 1), np.stack(heights, 1)


def _knots(column: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Numbers of a column in order, the last one repeated to fill up, and their scaled ranks."""
    values, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - counts / 2
    deviation = ranks[place].std()
    heights = (ranks - ranks[place].mean()) / (deviation if deviation > 0 else 1)
    if len(values) > KNOTS:
        # Those that divide the examples evenly, the ends among them.
        even = np.linspace(ranks[0], ranks[-1], KNOTS)
        chosen = np.unique(np.abs(ranks - even[:, np.newaxis]).argmin(1))
        values, heights = values[chosen], heights[chosen]
    missing = (0, KNOTS - len(values))
    return np.pad(values, missing, "edge"), np.pad(heights, missing, "edge")
