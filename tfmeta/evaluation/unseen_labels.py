"""Features by a network that was fitted on labels, of examples whose labels it has not seen.

A network that has seen an example's label makes features that tell too much of it. So where some
examples are held out, the network is fitted anew on the labels of the others. It is not for each
example, but for each of five groups.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

GROUPS = 5
Array = npt.NDArray[Any]
# Those of a network that knows no label; or numbers of examples -> the features of all examples
# `(examples, units)` by a network that was fitted without the labels of these.
Comparable = Array | Callable[[Array], Array]


def without_labels(features: Comparable, rows: Array) -> Array:
    """The features of all examples, by a network that has not seen the labels of some."""
    return features(rows) if callable(features) else features


def groups_of_rows(features: Comparable, number: int, groups: Array | None = None) -> list[Array]:
    """The numbers of so many examples; in groups, if the features' network is to be fitted anew.

    Args:
        features: see `without_labels`.
        number: of the examples.
        groups: `(examples,)` from 0: those of one number stay together.
    """
    if not callable(features):
        return [np.arange(number)]
    if groups is None:
        groups = np.arange(number)
    order = np.random.default_rng(0).permutation(groups.max() + 1)
    parts = np.array_split(order, min(GROUPS, len(order)))
    return [np.flatnonzero(np.isin(groups, part)) for part in parts]


def groups_of_blocks(features: Comparable, blocks: Sequence[Array]) -> Iterator[Sequence[Array]]:
    """Blocks of numbers of examples; in groups, if the features' network is to be fitted anew."""
    number = min(GROUPS, len(blocks)) if callable(features) else 1
    for group in np.array_split(np.arange(len(blocks)), number):
        yield [blocks[each] for each in group]
