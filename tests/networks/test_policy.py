"""The network of a policy, beside NumPy, and its meta-gradient beside finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close, assert_gradients, assert_uniform

import tfmeta
from tfmeta.environments.gaussian_policy import log_probability
from tfmeta.networks import policy

RNG = np.random.default_rng(0)


def test_its_outputs_are_means_and_the_deviations_that_it_has():
    network = policy((3,), 4, hidden=(5, 6), initial_deviation=0.5, input_scale=[1.0, 2.0, 4.0])
    names = [v.path for v in network.trainable_variables]
    assert names[-3:] == ["head/kernel", "head/bias", "head/log_deviation"]
    weights = network.get_weights()
    assert_close(weights[-1], np.full(2, np.log(0.5), np.float32))
    weights = [RNG.normal(size=each.shape) for each in weights]
    network.set_weights(weights)
    observations = RNG.normal(size=(7, 3))
    x = observations / [1, 2, 4]
    for kernel, bias in (weights[:2], weights[2:4]):
        x = np.maximum(x @ kernel + bias, 0)
    expected = np.column_stack([x @ weights[4] + weights[5], np.tile(weights[6], (7, 1))])
    assert_close(network(np.float32(observations)), expected, dtype=np.float32, roundings=64)


def test_actions_have_the_unit_of_their_bounds():
    options = {"action_centre": [1.0, -2.0], "action_scale": [0.1, 3.0]}
    plain, scaled = policy((3,), 4), policy((3,), 4, **options)
    scaled.set_weights(plain.get_weights())
    x = RNG.normal(size=(7, 3)).astype("float32")
    mean, log_deviation = np.split(plain(x).numpy(), 2, 1)
    expected = [mean * [0.1, 3.0] + [1.0, -2.0], log_deviation + np.log([0.1, 3.0])]
    assert_close(scaled(x), np.concatenate(expected, 1), dtype=np.float32)
    again = keras.models.model_from_json(scaled.to_json())
    again.set_weights(plain.get_weights())
    np.testing.assert_array_equal(again(x), scaled(x))
    for wrong in ({"action_scale": [1.0]}, {"action_scale": [0.0, 1.0]}, {"action_centre": [1.0]}):
        with pytest.raises(ValueError, match=r"received (scale|centre)="):
            policy((3,), 4, **wrong)


def test_it_is_the_papers_by_default():
    keras.utils.set_random_seed(1)
    network = policy((2,), 4)
    assert [layer.units for layer in network.layers[1:-1]] == [100, 100]
    assert {layer.activation for layer in network.layers[1:-1]} == {keras.activations.relu}
    assert not network.get_weights()[-1].any()  # a deviation of 1
    kernel = network.layers[-1].kernel.numpy()
    bound = np.sqrt(6 / (100 + 2))  # Glorot and Bengio 2010, equation 16
    assert_uniform(kernel, -bound, bound)
    assert policy((2,), None).output_shape == (None, 100)


def test_keras_saves_and_loads_it(tmp_path):
    network, x = policy((3,), 2, initial_deviation=0.25), RNG.normal(size=(4, 3)).astype("float32")
    network.save(tmp_path / "policy.keras")
    loaded = keras.models.load_model(tmp_path / "policy.keras")
    np.testing.assert_array_equal(loaded(x), network(x))
    assert loaded.get_layer("head").get_config() == network.get_layer("head").get_config()


class Unlikely(keras.losses.Loss):
    """Minus the logarithm of the density of the actions, which the first half of a target is."""

    def call(self, y_true, y_pred):
        return -log_probability(y_pred, y_true[:, :2])


def task():
    x, y = RNG.normal(size=(2, 5, 3)), RNG.normal(size=(2, 5, 4))
    return tfmeta.Episode(*map(tf.constant, (x[0], y[0], x[1], y[1])))


@pytest.mark.usefixtures("float64")
def test_the_meta_gradient_equals_finite_differences():
    """Of second order, through the density; of the deviations too."""
    network = policy((3,), 4, hidden=(4, 4), activation="tanh", initial_deviation=0.7)
    learner = tfmeta.MAML(network, inner_steps=2, inner_learning_rate=0.1)
    learner.compile(loss=Unlikely())
    episode = task()
    gradients, _ = learner.task_gradients(episode)

    def loss():
        state = learner.adapt(episode.support_x, episode.support_y)
        return learner.task_loss(episode.query_y, learner.predict_with(state, episode.query_x))

    assert_gradients(tf.function(loss), learner.trainable_variables, gradients, step=1e-5)


def test_an_inner_loop_on_the_head_adapts_means_and_deviations():
    learner = tfmeta.MAML(policy((3,), 4, hidden=(4,)), adapt_layers="head")
    learner.compile(loss=Unlikely())
    episode = tf.nest.map_structure(lambda t: tf.cast(t, "float32"), task())
    adapted = learner.adapt(episode.support_x, episode.support_y)["weights"]
    before = learner.network.get_layer("head").get_weights()
    for one, other in zip(adapted.values(), before, strict=True):
        assert np.all(one.numpy() != other)


def test_its_second_derivatives_are_no_loops_over_the_tasks():
    network = policy((3,), 4, hidden=(5,))
    weights = [tf.constant(v) for v in network.get_weights()]

    def of_a_task(x):
        with tf.GradientTape() as outer:
            outer.watch(weights)
            with tf.GradientTape() as inner:
                inner.watch(weights)
                outputs, _ = network.stateless_call(weights, [], x)
                loss = tf.reduce_sum(outputs**2)
            gradients = inner.gradient(loss, weights)
            length = tf.add_n([tf.reduce_sum(g**2) for g in gradients])
        return outer.gradient(length, weights)

    by_xla = tf.function(of_a_task, jit_compile=True, autograph=False)
    graph = by_xla.get_concrete_function(tf.TensorSpec((7, 3))).graph
    # `vectorized_map` knows no other way for it than a loop, which it warns of.
    assert "XlaDynamicUpdateSlice" not in {op.type for op in graph.get_operations()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_outputs": 3}, "received num_outputs=3 .*2, 4, .*--network mlp"),
        ({"num_outputs": 0}, "received num_outputs=0 "),
        ({"initial_deviation": 0}, "initial_deviation=0; expected a positive number"),
        ({"initial_deviation": float("inf")}, "initial_deviation=inf"),
        ({"input_scale": [0.0, 1.0]}, "expected positive numbers"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        policy((2,), **options)
