"""A network of images that searches for its own cells."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from tfmeta.networks.cell_operations import OPERATIONS
from tfmeta.networks.conv4 import conv4
from tfmeta.networks.found_structure import PREFIX, Choice, Connection, SearchSpace, widest
from tfmeta.networks.image_input import with_head
from tfmeta.networks.mixed_operation import NONE, MixedOperation

_INPUTS_PER_NODE = 2  # that a derived cell keeps (DARTS, section 2.4)
_NAMES = tuple(OPERATIONS)


def search_cells(
    input_shape: tuple[int, ...] = (28, 28, 1),
    num_outputs: int | None = 5,
    *,
    channels: int = 16,
    num_cells: int = 4,
    num_nodes: int = 2,
    operations: Sequence[str] = _NAMES,
    final_temperature: float = 0.1,
) -> keras.Model:
    """Cells whose connections are weighted sums of operations: `tfmeta derive` takes the best.

    The search space of Liu, Simonyan and Yang 2019 (DARTS, https://arxiv.org/abs/1806.09055),
    smaller: a cell has one input, its nodes add up one operation on each node before them and on
    the input, and its output is all nodes side by side. Between two cells are 2x2 max-pooling and a
    1x1 convolution. All cells have the same structure weights, one layer `structure_SOURCE_TARGET`
    for each connection (`MixedOperation`). A separable convolution is applied once, and not twice.

    Every learner trains the structure with the other weights. Learners with an inner loop adapt it
    to each task too, as in Lian et al. 2020 (T-NAS, https://openreview.net/forum?id=r1eowANFvr) and
    Elsken et al. 2020 (MetaNAS, https://arxiv.org/abs/1911.11090); with `adapt_layers=["stem*",
    "cell*", "head"]` they adapt the other weights alone.

    Args:
        input_shape: `(height, width, channels)`.
        num_outputs: units of the head (classes, or regression outputs); None for no head: the
            model then ends with its features.
        channels: of each operation.
        num_cells: how many cells; each has half of the height and width of the one before.
        num_nodes: of a cell, besides its input.
        operations: the candidates, among "none", "identity", "max_pool_3x3", "avg_pool_3x3",
            "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3" and "dil_conv_5x5".
        final_temperature: of the softmax over the candidates at the end of a run; it is 1 at the
            start.

    Returns:
        A model `(batch, height, width, channels) -> (batch, num_outputs)`, logits or features.

    Raises:
        ValueError: if the input is no image, an operation is unknown, there are fewer than two of
            them, or a number is not positive.

    Example:

    >>> search_cells((28, 28, 1), num_outputs=5, channels=4).output_shape
    (None, 5)
    """
    _check(channels=channels, num_cells=num_cells, num_nodes=num_nodes)
    unknown = [name for name in operations if name not in OPERATIONS]
    if unknown:
        raise ValueError(f"received operations={unknown}; expected some of: {', '.join(_NAMES)}")
    mixed = {
        f"{source}_{target}": MixedOperation(
            operations, final_temperature=final_temperature, name=f"{PREFIX}{source}_{target}"
        )
        for source, target in _connections(num_nodes)
    }

    def connect(x: Any, place: str, cell: str) -> Any:
        made = [OPERATIONS[name] for name in operations if name != NONE]
        names = [f"{cell}_{place}_{name}" for name in operations if name != NONE]
        pairs = zip(made, names, strict=True)
        return mixed[place]([make(x, channels, name, False) for make, name in pairs if make])

    inputs, x = _features(input_shape, _connections(num_nodes), connect, (channels, num_cells))
    return keras.Model(inputs, with_head(x, num_outputs), name="search_cells")


def _derived(
    choices: Sequence[Choice],
    input_shape: tuple[int, ...],
    *,
    parameters: int | None = None,
    num_cells: int = 4,
    **options: Any,
) -> keras.Model:
    """The network of a found cell, without a head, as wide as the parameters allow.

    Args:
        choices: those that are kept.
        input_shape: `(height, width, channels)`.
        parameters: at most so many; None for as many as `conv4` has without a head.
        num_cells: as in the search.
        **options: of the search; the others don't matter here.
    """
    _check(num_cells=num_cells)
    if parameters is None:
        parameters = conv4(input_shape, None).count_params()
    chosen = {choice.place: choice.operation for choice in choices}
    pairs = [(each.source, each.target) for each in _drawn(choices)]

    def made(channels: int) -> keras.Model:
        def connect(x: Any, place: str, cell: str) -> Any:
            operation = OPERATIONS[chosen[place]]
            assert operation is not None  # "none" is never chosen
            return operation(x, channels, f"{cell}_{place}_{chosen[place]}", True)

        inputs, x = _features(input_shape, pairs, connect, (channels, num_cells))
        return keras.Model(inputs, x, name="derived_cells")

    return made(widest(made, parameters))


def _kept(choices: Sequence[Choice]) -> list[Choice]:
    """Of the connections into each node the two with the largest shares, by node."""
    into: dict[str, list[Choice]] = {}
    for choice in choices:
        into.setdefault(_ends(choice.place)[1], []).append(choice)
    kept = [
        each
        for of_node in into.values()
        for each in sorted(of_node, key=lambda c: -c.share)[:_INPUTS_PER_NODE]
    ]
    return sorted(kept, key=lambda choice: [_number(end) for end in _ends(choice.place)[::-1]])


def _drawn(choices: Sequence[Choice]) -> list[Connection]:
    return [Connection(*_ends(choice.place), choice.operation) for choice in choices]


def _shown(choices: Sequence[Choice]) -> list[Connection]:
    """What the picture shows: the choices, and that the output has all nodes side by side."""
    found = _drawn(choices)
    nodes = dict.fromkeys(each.target for each in found)
    return [*found, *(Connection(node, "output", "") for node in nodes)]


def _number(node: str) -> int:
    return int(node.removeprefix("node")) if node.startswith("node") else 0


def _ends(place: str) -> tuple[str, str]:
    source, _, target = place.partition("_")
    return source, target


def _connections(num_nodes: int) -> list[tuple[str, str]]:
    """`(source, target)` of each connection of a cell, by target."""
    nodes = ["input", *(f"node{number}" for number in range(1, num_nodes + 1))]
    return [(source, nodes[n]) for n in range(1, len(nodes)) for source in nodes[:n]]


def _features(
    input_shape: tuple[int, ...],
    connections: Sequence[tuple[str, str]],
    connect: Callable[[Any, str, str], Any],
    size: tuple[int, int],
) -> tuple[Any, Any]:
    """The input, and the features of the last cell.

    Args:
        input_shape: `(height, width, channels)`.
        connections: of a cell, `(source, target)`.
        connect: `(x, place, cell)` -> what the operation at a place of a cell makes of x.
        size: channels, and the number of cells.
    """
    if len(input_shape) != 3:
        raise ValueError(
            f"received input_shape={tuple(input_shape)}; search_cells takes (height, width, "
            "channels). For vectors use networks.search_units"
        )
    channels, num_cells = size
    inputs = keras.Input(tuple(input_shape), name="image")
    x = layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(
        inputs
    )
    x = layers.BatchNormalization(name="stem_norm")(x)
    for number in range(1, num_cells + 1):
        cell = f"cell{number}"
        if number > 1:
            x = layers.MaxPooling2D(padding="same", name=f"{cell}_pool")(x)
            x = layers.ReLU(name=f"{cell}_relu")(x)
            x = layers.Conv2D(channels, 1, use_bias=False, name=f"{cell}_narrow")(x)
            x = layers.BatchNormalization(name=f"{cell}_norm")(x)
        states = {"input": x}
        for source, target in connections:
            made = connect(states[source], f"{source}_{target}", cell)
            states[target] = made if target not in states else layers.Add()([states[target], made])
        nodes = [state for name, state in states.items() if name != "input"]
        x = layers.Concatenate(name=f"{cell}_nodes")(nodes) if len(nodes) > 1 else nodes[0]
    x = layers.ReLU(name="relu")(x)
    return inputs, layers.Flatten(name="flatten")(x)


def _check(**numbers: Any) -> None:
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"received {name}={value!r}; expected a whole number from 1 up")


SPACE = SearchSpace(build=_derived, reference=conv4, kept=_kept, connections=_shown)
