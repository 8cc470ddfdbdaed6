"""What a network that searches has found: at each place one operation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np

from tfmeta.keras_internals import layers_of
from tfmeta.network_size import count_weights
from tfmeta.networks.mixed_operation import NONE, MixedOperation

PREFIX = "structure_"  # of the names of mixed operations; what follows is the place
_MOST_CHANNELS = 4096


class Choice(NamedTuple):
    """One operation at one place.

    Attributes:
        place: of the network, such as `input_node1`.
        operation: its name.
        share: in the weighted sum, from 0 to 1; of one that was drawn only what orders it.
    """

    place: str
    operation: str
    share: float


class Connection(NamedTuple):
    """A line of the picture: what leads from one box to another."""

    source: str
    target: str
    operation: str


@dataclass(frozen=True)
class SearchSpace:
    """What deriving needs to know of a network that searches.

    Attributes:
        build: `(choices, input_shape, *, parameters, **options)` -> the network of these choices,
            of plain Keras layers, without a head; `options` are those of the network that searches.
        reference: the network beside which its cost is shown, a function as in `NETWORKS`.
        kept: all choices -> those that the network has.
        connections: kept choices -> what the picture shows.
    """

    build: Callable[..., keras.Model]
    reference: Callable[..., keras.Model]
    kept: Callable[[Sequence[Choice]], list[Choice]]
    connections: Callable[[Sequence[Choice]], list[Connection]]


def mixed_operations(model: keras.Model) -> list[MixedOperation]:
    """The layers of a model that search, by their names: Keras's order is another when loaded."""
    found = [layer for layer in layers_of(model) if isinstance(layer, MixedOperation)]
    return sorted(found, key=lambda layer: layer.name)


def strongest(layers: Sequence[MixedOperation]) -> list[Choice]:
    """At each place the operation with the largest share, "none" left out (DARTS, section 2.4)."""
    return [_choice(layer, np.asarray(layer.shares())) for layer in layers]


def drawn(layers: Sequence[MixedOperation], seed: int) -> list[Choice]:
    """At each place an operation drawn uniformly, "none" left out; no weight counts.

    Their shares are drawn too, so that a choice between places is as random.
    """
    random = np.random.default_rng(seed)
    return [_choice(layer, random.random(len(layer.operations))) for layer in layers]


def is_untouched(layers: Sequence[MixedOperation]) -> bool:
    """Whether no structure weight has changed since it was made."""
    return not any(np.any(np.asarray(layer.structure)) for layer in layers)


def widest(make: Callable[[int], Any], parameters: int) -> int:
    """The largest width with which a network has so many parameters at most.

    Args:
        make: a width, from 1 -> the network.
        parameters: of it, those that are not trained included.

    Raises:
        ValueError: if it has more with a width of 1.
    """
    low, high = 0, 1
    while high <= _MOST_CHANNELS and _count(make, high) <= parameters:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _count(make, middle) <= parameters else (low, middle)
    if not low:
        raise ValueError(
            f"received parameters={parameters}; the network has {_count(make, 1)} with one channel"
        )
    return low


def _count(make: Callable[[int], Any], width: int) -> int:
    return count_weights(lambda: make(width))


def _choice(layer: MixedOperation, shares: Any) -> Choice:
    taken = [i for i, name in enumerate(layer.operations) if name != NONE]
    best = max(taken, key=lambda i: shares[i])
    place = layer.name.removeprefix(PREFIX)
    return Choice(place, layer.operations[best], float(shares[best]))
