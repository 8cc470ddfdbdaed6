"""What tfmeta takes from Keras's private side is there, and does what it is used for.

Each test tries one function of `tfmeta/keras_internals.py` by itself. When a newer Keras fails
one, that function is what must change, and nothing else.
"""

import contextlib
import importlib
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfmeta import keras_internals as internals
from tfmeta import keras_names

SEEN_ON = "3.15.1"


@contextlib.contextmanager
def seen(function: str):
    """Names the function that Keras changed below, whatever is raised inside."""
    try:
        yield
    except Exception as error:
        pytest.fail(
            f"tfmeta.keras_internals.{function} was seen on Keras {SEEN_ON}; Keras "
            f"{keras.__version__} is another there ({error!r}). Change that function",
            pytrace=False,
        )


class Outer(keras.Layer):
    def __init__(self):
        super().__init__(name="outer")
        self.inner = layers.Dense(2, name="inner")
        self.own = self.add_weight(shape=(1,), name="own")
        self.count = self.add_weight(shape=(), trainable=False, name="count")

    def build(self, shape):
        self.inner.build(shape)

    def call(self, x, training=False):
        return self.inner(x) * self.own + (1.0 if training else 0.0)


def model():
    inputs = keras.Input((3,), name="x")
    return keras.Model(inputs, Outer()(inputs))


def compiled():
    network = model()
    network.compile(
        "sgd", "mse", metrics=["mae"], weighted_metrics=[keras.metrics.MeanSquaredError(name="w")]
    )
    return network


def test_the_message_names_the_function_and_both_keras():
    message = r"internals\.x was seen on Keras 3.*KeyError"
    with pytest.raises(pytest.fail.Exception, match=message), seen("x"):
        raise KeyError("y")


def test_layers_are_listed_from_the_outside_in():
    with seen("layers_of"):
        network = model()
        names = [layer.name for layer in internals.layers_of(network)]
        assert names[0] == network.name
        assert names.index("outer") < names.index("inner")
        without = internals.layers_of(network, include_self=False)
        assert [layer.name for layer in without] == names[1:]


def test_models_that_are_only_their_layers_are_told():
    with seen("is_made_of_layers"):
        assert internals.is_made_of_layers(model())
        assert internals.is_made_of_layers(keras.Sequential([layers.Dense(2)]))
        for each in (Outer(), layers.Dense(2), keras.Model()):  # the last is no functional one
            assert not internals.is_made_of_layers(each)


def test_own_variables_are_without_those_of_inner_layers():
    with seen("own_trainable_variables, own_variables"):
        outer = model().get_layer("outer")
        assert [v.name for v in internals.own_trainable_variables(outer)] == ["own"]
        assert [v.name for v in internals.own_variables(outer)] == ["own", "count"]
        outer.trainable = False
        assert len(internals.own_trainable_variables(outer)) == 1


def test_random_generators_are_found_and_replaced():
    with seen("has_random_generator, own_variables, replace_random_generators"):
        dropout, dense = layers.Dropout(0.5), layers.Dense(2)
        dropout.build((None, 2))
        assert internals.has_random_generator(dropout)
        assert not internals.has_random_generator(dense)
        assert len(internals.own_variables(dropout)) == 1
        other = keras.random.SeedGenerator(7)
        internals.replace_random_generators(dropout, other)
        assert dropout.seed_generator is other


def test_the_generators_of_a_network_and_of_keras_are_found():
    with seen("generator_states, global_generator, random_seed"):
        network = keras.Sequential([keras.Input((2,)), layers.Dropout(0.5), layers.Dropout(0.5)])
        states = [layer.seed_generator.state for layer in network.layers]
        assert [id(each) for each in internals.generator_states(network)] == list(map(id, states))
        keras.utils.set_random_seed(5)
        assert internals.random_seed() == 5
        before = internals.global_generator().state.numpy()
        keras.random.normal((1,))
        assert (internals.global_generator().state.numpy() != before).any()


def test_whether_a_call_takes_training():
    with seen("takes_training"):
        assert internals.takes_training(Outer())
        assert not internals.takes_training(layers.Flatten())


def test_layers_that_add_losses_are_found_once():
    class Adding(keras.Layer):
        def call(self, x):
            self.add_loss(tf.reduce_mean(x))
            return x

    with seen("pop_layers_with_losses"):
        inputs = keras.Input((3,))
        network = keras.Model(inputs, Adding(name="adding")(inputs))
        internals.pop_layers_with_losses(network)
        with keras.StatelessScope(collect_losses=True):
            network(np.ones((2, 3)))
        assert [layer.name for layer in internals.pop_layers_with_losses(network)] == ["adding"]
        assert network.losses == []


def test_the_mask_that_a_layer_leaves():
    with seen("mask_of"):
        masked = layers.Masking()(np.array([[[1.0], [0.0]]]))
        assert internals.mask_of(masked).numpy().tolist() == [[True, False]]
        assert internals.mask_of(tf.zeros(2)) is None
    with seen("with_mask_of"):
        other = internals.with_mask_of(masked, tf.zeros((1, 2)))
        assert internals.mask_of(other) is internals.mask_of(masked)


def test_a_layer_computes_in_another_dtype_for_a_while():
    with seen("computing_in"):
        dense = layers.Dense(2)
        dense.build((None, 3))
        with internals.computing_in([dense], "float64"):
            assert dense(np.ones((1, 3))).dtype == tf.float64
        assert dense(np.ones((1, 3))).dtype == tf.float32


def test_a_layer_runs_as_in_inference_for_a_while():
    with seen("running_as"):
        outer = model().get_layer("outer")
        before = outer(np.ones((1, 3)), training=True).numpy()
        with internals.running_as([outer], training=False):
            during = outer(np.ones((1, 3)), training=True).numpy()
        with internals.running_as([outer], training=True):
            np.testing.assert_array_equal(outer(np.ones((1, 3))).numpy(), before)
        np.testing.assert_array_equal(during, outer(np.ones((1, 3))).numpy())
        np.testing.assert_array_equal(before, outer(np.ones((1, 3)), training=True).numpy())
        assert (before != during).all()


def test_every_call_of_a_layer_is_seen():
    names = []

    def note(call, layer, *args, **kwargs):
        names.append(layer.name)
        return call(layer, *args, **kwargs)

    with seen("every_call_through"):
        network = model()
        with internals.every_call_through(note):
            network(np.ones((1, 3)))
        assert {"outer", "inner"} <= set(names)
        number = len(names)
        network(np.ones((1, 3)))
        assert len(names) == number


def test_values_stand_in_for_variables_in_their_own_dtype():
    with seen("scope_with, assigned_in"):
        variable, other = keras.Variable([1.0]), keras.Variable([5.0])
        value = tf.constant([0.1], tf.float64)
        with internals.scope_with([variable], [value]) as scope:
            assert scope.get_current_value(variable) is value
            other.assign([2.0])
        assert internals.assigned_in(scope) == {id(variable), id(other)}
        assert [float(v.numpy()[0]) for v in (variable, other)] == [1.0, 5.0]


def test_what_is_made_for_a_look_leaves_no_trace():
    with seen("leaving_no_trace"):
        keras.utils.set_random_seed(4)
        expected = layers.Dense(3)
        expected.build((None, 2))
        keras.utils.set_random_seed(4)
        keras.backend.clear_session()
        with internals.leaving_no_trace(), keras.StatelessScope(initialize_variables=False):
            layers.Dense(3).build((None, 2))
        received = layers.Dense(3)
        received.build((None, 2))
        np.testing.assert_array_equal(received.kernel.numpy(), expected.kernel.numpy())
        assert received.name == "dense"


def test_a_function_becomes_a_loss():
    with seen("LossFunction"):
        loss = internals.LossFunction(lambda y, outputs: (y - outputs) ** 2, name="own")
        assert isinstance(loss, keras.losses.Loss)
        assert loss.name == "own"
        assert loss.call(tf.zeros((2, 1)), tf.fill((2,), 3.0)).shape == (2, 1)


def test_what_compile_was_given():
    with seen("remember_compiled, compiled_metrics, given_metrics, report_losses"):
        assert internals.compiled_metrics(model()) is None
        network = compiled()
        assert internals.given_metrics(network)[0] == ["mae"]
        assert internals.compiled_metrics(network).built is False
        internals.remember_compiled(network, "auto_scale_loss", False)
        assert network.get_compile_config()["auto_scale_loss"] is False
        internals.report_losses(network, tf.constant([1.0, 3.0]))
        assert float(network.metrics[0].result()) == 2.0


def test_fit_says_that_it_evaluates_and_asks_a_built_model_to_build():
    heard = {}

    class Hearing(keras.Model):
        def evaluate(self, *args, **kwargs):
            heard.update(kwargs)
            return super().evaluate(*args, **kwargs)

    with seen("WITHIN_FIT, WithoutSymbolicBuild"):
        inputs = keras.Input((3,))
        network = Hearing(inputs, layers.Dense(1)(inputs))
        network.compile("sgd", "mse")
        data = tf.data.Dataset.from_tensors((np.ones((2, 3)), np.ones((2, 1))))
        network.fit(data, validation_data=data, verbose=0, shuffle=False)
        assert heard[internals.WITHIN_FIT] is True
        for name in vars(internals.WithoutSymbolicBuild):
            assert name.startswith("__") or callable(getattr(keras.Model, name))


def test_the_home_folder_is_where_a_download_goes(monkeypatch, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "home").mkdir()
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path / "home"))
    with seen("home_folder"):
        path = keras.utils.get_file("b.txt", (tmp_path / "a.txt").as_uri(), cache_subdir="models")
        assert internals.home_folder() / "models" / "b.txt" == Path(path)


def test_the_private_modules_are_where_they_were():
    with seen("the names in tfmeta/keras_names.py"):
        assert callable(getattr(importlib.import_module(keras_names.REGISTRY), keras_names.LOOK_UP))
        for name in keras_names.MODULES_OF_CLASSES:
            importlib.import_module(name.removesuffix("."))
        for each in (keras.Model, keras.layers.Dense, keras.optimizers.Adam, keras.losses.Huber):
            assert each.__module__.startswith(keras_names.MODULES_OF_CLASSES)
        assert keras.layers.Lambda.__module__ in keras_names.MODULES_OF_CODE


def test_nothing_else_of_the_package_touches_what_keras_keeps_private():
    import re

    import tfmeta
    from tfmeta import pipelines

    names = re.compile(
        r"keras\.src|\._flatten_layers|\._(non_)?trainable_variables|\._seed_generators|"
        r"\._call_has_training_arg|\._clear_losses|\._loss_ids|_keras_mask|\._dtype_policy|"
        r"state_mapping|_compile_config|_compile_metrics|\._user_|_loss_tracker|"
        r"_maybe_symbolic_build|_use_cached_eval|GLOBAL_STATE"
    )
    folders = [Path(each.__file__).parent for each in (tfmeta, pipelines)]
    files = {path for folder in folders for path in folder.rglob("*.py")}
    touching = {path.name for path in files if names.search(path.read_text())}
    assert touching == {"keras_internals.py", "keras_names.py"}
