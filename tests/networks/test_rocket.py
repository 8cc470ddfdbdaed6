"""The network of windows, and layers that are fitted to examples."""

import keras
import numpy as np
import pytest
from closeness import assert_close

from tfmeta import networks
from tfmeta.networks.centred_features import CentredFeatures
from tfmeta.networks.fitted_layer import fit_layers, is_fitted
from tfmeta.networks.mini_rocket import MiniRocket
from tfmeta.networks.window_figures import WindowFigures

SHAPE = (30, 2)


def windows(number=40):
    rng = np.random.default_rng(number)
    return rng.normal(size=(number, *SHAPE)).cumsum(1).astype(np.float32)


def fitted(x, num_outputs=None, **options):
    network = networks.rocket(SHAPE, num_outputs, **options)
    fit_layers(network, x)
    return network


def test_its_features_are_shares_and_figures_of_their_lengths():
    x = windows()
    found = fitted(x, thresholds=3, figures=0.5)(x).numpy()
    rocket, figures = MiniRocket(3), WindowFigures()
    rocket.build(x.shape)
    rocket.fit(x)
    figures.build(x.shape)
    figures.fit(x)
    shares = rocket(x).numpy()
    shares = (shares - shares.mean(0)) / (shares.std(0) + 0.03) / np.sqrt(84 * 3)
    beside = 0.5 * figures(x).numpy() / np.sqrt(12 * 2 + 1)
    assert_close(found, np.concatenate([shares, beside], 1))


def test_each_layer_is_fitted_on_what_the_fitted_ones_before_it_make():
    x = windows()
    network = fitted(x)
    assert is_fitted(network)
    assert not is_fitted(networks.conv1d(SHAPE))
    shares = keras.Model(network.input, network.get_layer("centred").output)(x).numpy()
    assert_close(shares.mean(0), np.zeros(84 * 12, np.float32), scale=1.0)
    differ = shares.std(0) > 0.05
    assert differ.mean() > 0.9
    assert np.all(shares.std(0) < 1)


def test_of_many_examples_some_of_all_are_taken():
    class Kept(CentredFeatures):
        def fit(self, x):
            self.seen = x

    inputs = keras.Input((1,))
    layer = Kept(0.1)
    network = keras.Model(inputs, layer(inputs))
    x = np.arange(2500, dtype=np.float32)[:, np.newaxis]
    fit_layers(network, x)
    assert len(layer.seen) == 1000
    assert (layer.seen[0, 0], layer.seen[-1, 0]) == (0, 2499)
    assert set(np.diff(layer.seen[:, 0])) == {2, 3}


def test_examples_that_say_nothing_are_refused():
    x = windows()
    network = networks.rocket(SHAPE, None)
    x[3, 2, 1] = np.nan
    for wrong, message in ((x, "some that are not finite"), (x[:0], "no examples")):
        with pytest.raises(ValueError, match=f"received {message}; expected finite examples"):
            fit_layers(network, wrong)
    fit_layers(network, windows().tolist())


def test_it_comes_back_from_its_file(tmp_path):
    x = windows()
    network = fitted(x, 3, thresholds=5)
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    assert_close(again(x).numpy(), network(x).numpy())
    assert again.get_layer("mini_rocket").number == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thresholds": 0}, "received 0 thresholds; expected a whole number, 1 or more"),
        ({"thresholds": 2.5}, "received 2.5 thresholds; expected a whole number"),
        ({"figures": float("nan")}, "figures=nan; expected a finite number"),
        ({"input_shape": (None, 2)}, r"expected windows, \(time, channels\)"),
        ({"figures": -1.0}, r"figures=-1.0; expected a finite number, 0 or more"),
        ({"input_shape": (8, 2)}, "windows of 8 steps; expected 9 or more"),
        ({"input_shape": (30,)}, r"expected windows, \(time, channels\)"),
    ],
)
def test_what_it_can_not_be_made_for_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        networks.rocket(**{"input_shape": SHAPE, **options})
