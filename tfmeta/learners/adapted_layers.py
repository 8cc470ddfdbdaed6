"""Which layers of a network an inner loop adapts."""

import fnmatch
from collections.abc import Iterable, Sequence

import keras

from tfmeta.keras_internals import layers_of, own_trainable_variables


def adapted_positions(network: keras.Model, adapt_layers: str | Sequence[str]) -> list[int]:
    """The positions of the adapted layers' weights among the network's trainable variables."""
    are_names = isinstance(adapt_layers, Sequence) and all(isinstance(n, str) for n in adapt_layers)
    if not are_names:
        raise ValueError(
            f"received adapt_layers={adapt_layers!r}; expected 'all', 'head' or a list of layers"
        )
    if adapt_layers == "all":
        return list(range(len(network.trainable_variables)))
    layers = layers_of(network, include_self=False)
    layers = [layer for layer in layers if own_trainable_variables(layer)]
    chosen = layers[-1:] if adapt_layers == "head" else _named(layers, adapt_layers)
    adapted = {id(v) for layer in chosen for v in layer.trainable_variables}
    if not adapted:
        raise ValueError(
            f"received adapt_layers={adapt_layers!r}, which are frozen; expected layers with "
            "trainable weights"
        )
    return [i for i, v in enumerate(network.trainable_variables) if id(v) in adapted]


def _named(layers: Iterable[keras.layers.Layer], names: Sequence[str]) -> list[keras.layers.Layer]:
    """The layers with these names; a name must be one layer's, a pattern may be several layers'."""
    layers = [layer for layer in layers if layer.trainable]
    known = [layer.name for layer in layers]
    meant = {name: [name] if name in known else _matching(known, name) for name in names}
    if not meant or not all(meant.values()):
        raise ValueError(
            f"received adapt_layers={names!r}; expected 'all', 'head' or a list of layers with "
            "trainable weights, in which * stands for any part of a name: "
            f"{', '.join(dict.fromkeys(known))}"
        )
    several = [name for name in names if known.count(name) > 1]
    if several:
        raise ValueError(
            f"received adapt_layers={names!r}, but {known.count(several[0])} layers are called "
            f"{several[0]!r}; give each a name of its own"
        )
    chosen = {name for found in meant.values() for name in found}
    return [layer for layer in layers if layer.name in chosen]


def _matching(known: Sequence[str], pattern: str) -> list[str]:
    return fnmatch.filter(known, pattern) if "*" in pattern else []
