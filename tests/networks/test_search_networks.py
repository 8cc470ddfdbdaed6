"""Networks that search: with one choice left, they are the network that is derived from them."""

import numpy as np
import pytest
from closeness import assert_close

from tfmeta.networks import conv4, mlp, search_cells, search_units
from tfmeta.networks.found_structure import Choice, drawn, mixed_operations, strongest
from tfmeta.networks.network_cost import cost_of
from tfmeta.networks.search_cells import SPACE as CELLS
from tfmeta.networks.search_units import SPACE as UNITS
from tfmeta.networks.structure_picture import picture_of

SHAPE = (12, 10, 2)
SURE = 1e4  # a structure weight that leaves no other choice
CELL = {
    "input_node1": "sep_conv_5x5",
    "input_node2": "max_pool_3x3",
    "node1_node2": "dil_conv_3x3",
}
UNIT = {
    "hidden1_width": "4",
    "hidden1_activation": "tanh",
    "hidden2_width": "6",
    "hidden2_activation": "elu",
}


def decided(network, structure):
    """The network with all weights drawn, and no choice left."""
    rng = np.random.default_rng(0)
    for variable in network.variables:
        variable.assign(
            rng.uniform(0.5, 1.5, variable.shape) * np.sign(rng.normal(size=variable.shape))
        )
        if "variance" in variable.path:
            variable.assign(np.abs(variable))
    for layer in mixed_operations(network):
        layer.temperature.assign(1.0)
        choice = structure[layer.name.removeprefix("structure_")]
        layer.structure.assign([SURE * (name == choice) for name in layer.operations])
    return network


def with_weights_of(derived, network, names):
    """A derived network with the weights of the layers that it has from the other.

    Args:
        names: of a layer of the first -> that of the second.
    """
    for layer in derived.layers:
        for variable in layer.weights:
            own = network.get_layer(names(layer.name)).weights
            found = [each for each in own if each.name == variable.name]
            # Normalisation has no factor and no shift in a search; rows beyond a width meet zeros.
            value = found[0].numpy() if found else variable.numpy()
            variable.assign(value[: variable.shape[0]])
    return derived


def size_by_hand(width, num_cells):
    """The parameters of the network with `CELL`: kernels, and four numbers per normalised map."""
    stem, between = 9 * SHAPE[-1] * width + 4 * width, 2 * width**2 + 4 * width
    cell = (25 + 4) * width + width**2 + 4 * width + (9 + 4) * width + width**2
    return stem + (num_cells - 1) * between + num_cells * cell


def test_decided_cells_are_the_derived_network():
    network = decided(search_cells(SHAPE, None, channels=4, num_cells=2), CELL)
    choices = CELLS.kept(strongest(mixed_operations(network)))
    assert {each.place: each.operation for each in choices} == CELL
    derived = CELLS.build(choices, SHAPE, parameters=size_by_hand(4, 2), num_cells=2)
    with_weights_of(derived, network, lambda name: name)
    x = np.random.default_rng(1).random((3, *SHAPE), np.float32)
    assert_close(derived(x).numpy(), network(x).numpy(), roundings=1000)  # ten layers


def test_decided_units_are_the_derived_network():
    options = {"widths": (4, 6), "input_mean": [1.0, 2.0, 3.0], "input_scale": [2.0, 1.0, 4.0]}
    network = decided(search_units((3,), None, **options), UNIT)
    choices = UNITS.kept(strongest(mixed_operations(network)))
    assert [(each.place, each.operation) for each in choices] == list(UNIT.items())
    derived = UNITS.build(choices, (3,), **options)
    with_weights_of(derived, network, {"hidden1": "hidden1_4", "hidden2": "hidden2_6"}.get)
    x = np.random.default_rng(1).random((5, 3), np.float32)
    assert_close(derived(x).numpy(), network(x).numpy(), roundings=100)


@pytest.mark.parametrize(
    ("space", "shape", "search"), [(CELLS, SHAPE, search_cells), (UNITS, (3,), search_units)]
)
def test_what_is_derived_needs_no_layer_of_tfmeta(space, shape, search):
    choices = space.kept(drawn(mixed_operations(search(shape, None)), seed=1))
    size = {"parameters": 500, "num_cells": 1} if space is CELLS else {}
    layers = space.build(choices, shape, **size).layers
    assert all(type(layer).__module__.startswith("keras.") for layer in layers)


def test_cells_are_as_wide_as_conv4_allows():
    choices = [Choice(place, operation, 1.0) for place, operation in CELL.items()]
    budget, derived = conv4(SHAPE, None).count_params(), CELLS.build(choices, SHAPE)
    width = derived.get_layer("stem_conv").filters
    assert derived.count_params() == size_by_hand(width, 4) <= budget < size_by_hand(width + 1, 4)
    with pytest.raises(ValueError, match=r"parameters=20; the network has \d+ with one channel"):
        CELLS.build(choices, SHAPE, parameters=20)


def test_a_node_keeps_its_two_strongest_inputs():
    shares = {"node1_node3": 0.1, "input_node3": 0.9, "node2_node3": 0.5, "input_node1": 0.01}
    kept = CELLS.kept([Choice(place, "identity", share) for place, share in shares.items()])
    assert [each.place for each in kept] == ["input_node1", "input_node3", "node2_node3"]


def test_none_is_never_chosen_and_draws_are_of_every_other():
    layers = mixed_operations(search_cells(SHAPE, None, channels=2, num_cells=1))
    layers[0].structure.assign([9.0, *[0.0] * 6, 1.0])
    assert strongest(layers)[0].operation == "dil_conv_5x5"
    found = {choice.operation for seed in range(60) for choice in drawn(layers, seed)}
    assert found == set(layers[0].operations) - {"none"}
    assert drawn(layers, 3) == drawn(layers, 3)


def test_the_multiplications_are_those_of_the_formulas():
    assert cost_of(mlp((3,), 2, units=(5, 4)))[1] == 3 * 5 + 5 * 4 + 4 * 2
    by_hand = 14 * 14 * 9 * 64 + (7 * 7 + 4 * 4 + 2 * 2) * 9 * 64 * 64
    assert cost_of(conv4((28, 28, 1), None)) == (112_192, by_hand)


def test_the_picture_has_a_line_for_each_connection():
    choices = [Choice(place, operation, 1.0) for place, operation in CELL.items()]
    picture = picture_of(CELLS.connections(choices))
    assert picture.count("<path d=") == 1 + 5  # the tip of the arrows; two lead to the output
    assert all(
        f">{name}</text>" in picture for name in ("input", "node2", "output", *CELL.values())
    )


@pytest.mark.parametrize(
    ("make", "shape", "options", "message"),
    [
        (search_cells, (3,), {}, r"received input_shape=\(3,\); .*use networks.search_units"),
        (search_cells, SHAPE, {"channels": 0}, "received channels=0; expected a whole number"),
        (search_cells, SHAPE, {"operations": ["identity", "conv"]}, r"operations=\['conv'\]; exp"),
        (search_cells, SHAPE, {"operations": ["identity"]}, "expected two different names"),
        (search_units, (3,), {"widths": (4, -1)}, r"widths=\(4, -1\); expected whole numbers"),
        (search_units, (3,), {"activations": ["relu", "rely"]}, "rely"),
    ],
)
def test_options_that_make_no_sense_are_refused(make, shape, options, message):
    with pytest.raises(ValueError, match=message):
        make(shape, 5, **options)
