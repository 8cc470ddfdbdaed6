"""DropBlock: the mask of the paper, worked out here square by square."""

import keras
import numpy as np
import pytest
from closeness import assert_close, assert_within_chance

from tfmeta.keras_files import load_model
from tfmeta.networks import resnet12
from tfmeta.networks.drop_block import DropBlock

RATE, SIZE = 0.2, 3


def dropped(maps, **options):
    return np.asarray(DropBlock(RATE, SIZE, seed=1, **options)(maps, training=True))


def test_squares_are_dropped_and_the_rest_of_each_example_is_scaled_up():
    maps = np.random.default_rng(0).random((4, 8, 7, 5), np.float32) + 0.1
    drawn = keras.random.uniform((4, 6, 5, 5), seed=keras.random.SeedGenerator(1))
    gamma = RATE / SIZE**2 * (8 * 7) / (6 * 5)
    kept = np.ones_like(maps)
    for example, row, column, channel in np.argwhere(np.asarray(drawn) < gamma):
        kept[example, row : row + SIZE, column : column + SIZE, channel] = 0
    assert 0 < kept.mean() < 1
    expected = maps * kept / kept.mean((1, 2, 3), keepdims=True)
    assert_close(dropped(maps), expected)


def test_about_the_rate_is_dropped_and_the_mean_stays():
    ones = np.ones((400, 9, 9, 4), np.float32)
    outputs = dropped(ones)
    shares = (outputs == 0).mean((1, 2, 3))
    # Squares that overlap drop less: of the positions, each begins one with gamma.
    gamma = RATE / SIZE**2 * 81 / 49
    places = np.minimum.reduce([np.arange(9) + 1, np.arange(9, 0, -1), np.full(9, SIZE)])
    expected = 1 - ((1 - gamma) ** np.outer(places, places)).mean()
    assert_within_chance(shares.mean(), expected, shares.std() / 20)
    assert_close(outputs.mean((1, 2, 3)), np.ones(400, np.float32))


def test_a_square_larger_than_the_map_drops_whole_channels():
    outputs = dropped(np.ones((50, 2, 2, 8), np.float32))
    assert (np.ptp(outputs, (1, 2)) == 0).all()


def test_in_inference_it_does_nothing_and_it_is_saved_with_its_options(tmp_path):
    maps = np.random.default_rng(0).random((1, 4, 4, 2), np.float32)
    inputs = keras.Input((4, 4, 2))
    network = keras.Model(inputs, DropBlock(RATE, SIZE)(inputs))
    np.testing.assert_array_equal(network(maps), maps)
    network.save(tmp_path / "network.keras")
    loaded = load_model(tmp_path / "network.keras").layers[-1]
    assert (loaded.rate, loaded.block_size) == (RATE, SIZE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 1}, "received rate=1; expected a number from 0 up to 1"),
        ({"rate": 0.1, "block_size": 0}, "received block_size=0; expected a whole number"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        DropBlock(**options)


def test_resnet12_has_dropout_after_two_blocks_and_drop_block_after_two():
    network = resnet12((16, 16, 1), 2, narrow=True, drop_rate=0.1, block_size=2)
    drops = [layer for layer in network.layers if layer.name.endswith("_drop")]
    assert [type(layer).__name__ for layer in drops] == ["Dropout"] * 2 + ["DropBlock"] * 2
    assert [layer.rate for layer in drops] == [0.1] * 4
    assert not any("drop" in layer.name for layer in resnet12((16, 16, 1), narrow=True).layers)
