"""Networks from `.keras` files: as Keras answers with them, or refused in one line."""

import keras
import numpy as np
import pytest
from closeness import assert_close
from keras import layers

import tfmeta
from tfmeta.networks.saved_network import saved_network
from tfmeta.pipelines import build
from tfmeta.training.network_choice import network_function

X = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)


def saved(path, *end, shape=(28, 28, 1)):
    keras.utils.set_random_seed(1)
    network = keras.Sequential(
        [keras.Input(shape), layers.Flatten(), layers.Dense(6, name="features"), *end]
    )
    network.save(path)
    return network


def test_its_answers_are_those_of_the_saved_network(tmp_path):
    plain = saved(tmp_path / "net.keras", layers.Dense(4, name="classes"))
    np.testing.assert_array_equal(saved_network(tmp_path / "net.keras")(X), plain(X))
    whole = saved_network(tmp_path / "net.keras", (28, 28, 1), 2, layer="features")
    kernels = [plain.get_layer("features").kernel, whole.get_layer("head").kernel]
    features, head = (np.asarray(kernel.value) for kernel in kernels)
    assert_close(whole(X).numpy(), X.reshape(3, -1) @ features @ head)


def test_a_run_trains_it_by_its_path(tmp_path):
    plain = saved(tmp_path / "net.keras")
    options = {"steps": 1, "meta_batch": 1, "validation_tasks": 0, "train_ways": 5, "queries": 1}
    run = tmp_path / "run"
    path = str(tmp_path / "net.keras")
    options |= {"algorithm": "prototypical", "outer_lr": 1e-30}
    tfmeta.train("glyphs", run_dir=run, network=path, **options)
    (tmp_path / "net.keras").unlink()  # the checkpoint has it now
    learner = tfmeta.load(run)
    np.testing.assert_array_equal(learner.network(X), plain(X))
    tfmeta.evaluate(run, tasks=2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot read the network in .*none"),
        (lambda path: path.write_bytes(b"no archive"), r"net\.keras cannot be loaded"),
        (lambda path: saved(path, shape=(8,)), r"takes examples of shape \(8,\), and the data has"),
        (
            lambda path: saved(path, layers.Lambda(lambda x: x)),
            r"asks for .*Lambda.*; it is not tfmeta's",
        ),
        (
            lambda path: tfmeta.Prototypical(tfmeta.networks.mlp((2,), None)).save(path),
            r"holds a Prototypical without one keras\.Input",
        ),
    ],
)
def test_what_is_no_such_network_is_refused(make, message, tmp_path):
    path = tmp_path / ("none.keras" if "none" in message else "net.keras")
    make(path)
    with pytest.raises(tfmeta.UserError, match=message):
        network_function(str(path), build("glyphs"))((28, 28, 1), 5)


def test_an_unknown_layer_is_refused_with_those_there_are(tmp_path):
    saved(tmp_path / "net.keras")
    with pytest.raises(tfmeta.UserError, match=r"no layer 'top'; expected one of: .*, features"):
        saved_network(tmp_path / "net.keras", layer="top")
