"""The probes that a learner and an export rest on notice what they are there for."""

import contextlib

import keras
import pytest
from keras import layers

import tfmeta
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.learners import network_function, network_run, second_derivatives


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(2)


def network_with(*middle):
    x = inputs = keras.Input((8, 8, 2))
    for layer in (layers.Conv2D(3, 3), *middle, layers.Flatten(), layers.Dense(3)):
        x = layer(x)
    return keras.Model(inputs, x)


WRONG = {
    "UpSampling2D": lambda: layers.UpSampling2D(2, interpolation="bilinear"),
    "Activation": lambda: layers.Activation("softsign"),
    "Resizing": lambda: layers.Resizing(4, 4, interpolation="bicubic"),
}


@pytest.mark.fault(
    "an operation whose gradient has no gradient, or a wrong one, in second-order MAML",
    "refused by the layer's name when the learner is made; first order takes it",
)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_second_derivative_is_refused_by_the_layers_name(name):
    before, after = layers.BatchNormalization(), layers.Conv2D(3, 3, activation="tanh")
    network = network_with(before, WRONG[name](), after)
    with pytest.raises(ValueError, match=rf"\({name}\) has no right second derivative"):
        tfmeta.MAML(network)
    tfmeta.MAML(network, first_order=True)


@pytest.mark.parametrize("kind", [layers.ReLU, layers.MaxPooling2D, layers.BatchNormalization])
def test_kinks_and_statistics_are_no_reason_to_refuse(kind):
    tfmeta.MAML(network_with(kind(), layers.Conv2D(3, 3, activation="relu")))


def network_of_volumes(*middle):
    """Its pooling has no kernel for float64, and its ReLUs leave ties."""
    x = inputs = keras.Input((8, 8, 8, 2))
    for layer in (layers.Conv3D(4, 3, activation="relu"), *middle, layers.MaxPooling3D(2)):
        x = layer(x)
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def test_kinks_are_no_reason_to_refuse_a_network_that_float64_cannot_compute():
    tfmeta.MAML(network_of_volumes(layers.BatchNormalization()))


def test_a_wrong_layer_of_a_network_that_float64_cannot_compute_is_refused_by_its_name():
    wrong = layers.Activation("softsign")
    with pytest.raises(ValueError, match=r"\(Activation\) has no right second derivative"):
        tfmeta.MAML(network_of_volumes(layers.BatchNormalization(), wrong))


@pytest.mark.fault(
    "a Keras whose normalisation no longer calls what makes its second derivative right",
    "refused by the layer's name",
)
def test_normalisation_by_tensorflows_own_moments_is_refused(monkeypatch):
    for module in (network_run, second_derivatives):
        monkeypatch.setattr(module, "exact_second_derivatives", contextlib.nullcontext)
    with pytest.raises(ValueError, match=r"\(BatchNormalization\) has no right second derivative"):
        tfmeta.MAML(network_with(layers.BatchNormalization(), layers.Activation("tanh")))


@pytest.mark.fault(
    "a learner whose answer is not that of its network", "its export is refused, with both apart"
)
def test_an_export_that_answers_other_than_keras_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(  # what told weights apart once
        network_function, "_unique_names", lambda variables: [v.path for v in variables]
    )
    inputs = keras.Input((4,))
    streams = [keras.Sequential([keras.Input((4,)), layers.Dense(3, name="one")]) for _ in "ab"]
    joined = layers.Concatenate()([stream(inputs) for stream in streams])
    for stream in streams:
        for variable in stream.variables:
            variable._path = variable.path.replace(stream.name, "stream")
    learner = tfmeta.MAML(keras.Model(inputs, layers.Dense(3)(joined)))
    assert len(set(learner.function.weight_names)) == 4
    with pytest.raises(tfmeta.UserError, match="the same weights, give different answers"):
        export_model(learner, tmp_path / "model")
    assert not list(tmp_path.rglob("saved_model.pb"))


def test_a_network_whose_units_are_all_off_is_taken():
    """Its next layer's ReLUs are exactly at zero, where their derivative jumps."""
    network = tfmeta.networks.mlp((1,), 1, units=(8, 8))
    kernel = network.get_layer("hidden1").kernel
    kernel.assign(-keras.ops.abs(kernel))
    assert not network.get_layer("hidden1")(keras.ops.ones((1, 1))).numpy().any()
    tfmeta.MAML(network, targets="values")
