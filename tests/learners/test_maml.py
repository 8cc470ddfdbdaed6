"""MAML's numbers: second derivatives against finite differences, each mode against a reference.

Everything is float64, where rounding and central differences leave next to nothing.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_all_close, assert_close, assert_far_apart, assert_gradients
from keras import layers
from nightly import crossed

import tfmeta

pytestmark = pytest.mark.usefixtures("float64")

WAYS, SHOTS, QUERIES = 3, 2, 3


def conv_batch_norm():
    image = keras.Input((6, 6, 1))
    x = layers.Conv2D(3, 3, strides=2, activation="tanh")(image)
    x = layers.BatchNormalization()(x)
    x = layers.Conv2D(3, 2, activation="tanh")(x)
    x = layers.BatchNormalization()(x)
    return keras.Model(image, layers.Dense(WAYS)(layers.Flatten()(x)))


def conv_group_norm():
    image = keras.Input((6, 6, 1))
    x = layers.Conv2D(4, 3, strides=2)(image)
    x = layers.Activation("tanh")(layers.GroupNormalization(2)(x))
    return keras.Model(image, layers.Dense(WAYS)(layers.Flatten()(x)))


def dense_layer_norm():
    x = image = keras.Input((6, 6, 1))
    x = layers.Dense(8, activation="tanh")(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(WAYS)(layers.LayerNormalization()(x)))


def conv4():
    return tfmeta.networks.conv4((6, 6, 1), WAYS, filters=4, num_blocks=2)


def sinusoid():
    return tfmeta.networks.mlp((1,), 1, units=(8, 8), activation="tanh")


def episode_for(network, seed=0):
    rng = np.random.default_rng(seed)
    shape = network.input_shape[1:]

    def part(number):
        if network.output_shape[-1] == 1:
            return rng.normal(size=(number, *shape)), rng.normal(size=(number, 1))
        return rng.normal(size=(WAYS * number, *shape)), np.repeat(
            np.arange(WAYS, dtype=np.int32), number
        )

    return tfmeta.Episode(*(tf.constant(v) for v in (*part(SHOTS), *part(QUERIES))))


def query_loss(learner, episode):
    state = learner.adapt(episode.support_x, episode.support_y)
    return learner.task_loss(episode.query_y, learner.predict_with(state, episode.query_x))


def check_meta_gradient(learner, episode, step=2e-5):
    """Compares the meta-gradient, along a random direction of each variable."""
    gradients, _ = learner.task_gradients(episode)
    loss = tf.function(lambda: query_loss(learner, episode))
    assert_gradients(loss, learner.trainable_variables, gradients, step=step)


@crossed(
    "make, transductive, inner_steps",
    [conv_batch_norm, conv_group_norm, dense_layer_norm, conv4, sinusoid],
    [False, True],
    [1, 2, 3],
)
def test_the_meta_gradient_equals_finite_differences(make, transductive, inner_steps):
    network = make()
    learner = tfmeta.MAML(network, inner_steps, inner_learning_rate=0.2, transductive=transductive)
    step = 1e-6 if make is conv4 else 2e-5  # so small that no ReLU turns over on the way
    check_meta_gradient(learner, episode_for(network), step)


def test_the_meta_gradient_of_the_head_alone_equals_finite_differences():
    network = conv_batch_norm()
    learner = tfmeta.MAML(network, 2, inner_learning_rate=0.2, adapt_layers="head")
    check_meta_gradient(learner, episode_for(network))


def test_tensorflows_own_moments_would_fail_it(monkeypatch):
    """What `exact_moments` is there for; if this fails, TensorFlow is mended and it may go."""
    from tfmeta.learners import exact_moments

    network = conv_batch_norm()
    learner = tfmeta.MAML(network, 1, inner_learning_rate=0.2)
    episode = episode_for(network)
    original = tf.nn.moments.__wrapped__
    monkeypatch.setattr(
        exact_moments, "exact_moments", lambda x, a, *, keepdims: original(x, a, keepdims=keepdims)
    )
    with pytest.raises(AssertionError, match="finite differences"):
        check_meta_gradient(learner, episode)


def test_moments_outside_a_learner_are_tensorflows_own():
    x = tf.random.normal((4, 5))
    mean, variance = tf.nn.moments(x, [0])
    assert_close(mean, x.numpy().mean(0))
    assert_close(variance, x.numpy().var(0))


@pytest.mark.parametrize("make", [conv_batch_norm, sinusoid])
def test_first_order_is_the_query_gradient_at_the_adapted_weights(make):
    network = make()
    episode = episode_for(network)
    options = {"inner_steps": 2, "inner_learning_rate": 0.2, "transductive": True}
    first, _ = tfmeta.MAML(network, first_order=True, **options).task_gradients(episode)
    second, _ = tfmeta.MAML(network, **options).task_gradients(episode)

    learner = tfmeta.MAML(network, **options)
    state = learner.adapt(episode.support_x, episode.support_y)
    start = [v.numpy() for v in network.trainable_variables]
    for variable, value in zip(network.trainable_variables, state["weights"].values(), strict=True):
        variable.assign(value)
    with tf.GradientTape() as tape:
        loss = learner.task_loss(episode.query_y, network(episode.query_x, training=True))
    expected = tape.gradient(loss, network.trainable_variables)
    for variable, value in zip(network.trainable_variables, start, strict=True):
        variable.assign(value)

    assert_all_close(first, expected)
    assert_far_apart(first[-1], second[-1])


class Reference:
    """The network conv_batch_norm written out, with statistics as plain numbers in the open."""

    def __init__(self, network):
        self.layers = [layer for layer in network.layers if layer.weights]
        self.start = [tf.constant(v.numpy()) for v in network.trainable_variables]

    def forward(self, weights, x, statistics=None):
        """Logits, and the statistics used: the batch's own unless others are given."""
        (k1, b1, gamma1, beta1, k2, b2, gamma2, beta2, head, bias), used = weights, []

        def normalise(x, gamma, beta):
            axes = (0, 1, 2)
            if statistics is None:
                mean = tf.reduce_mean(x, axes)
                variance = tf.reduce_mean(x * x, axes) - mean * mean
            else:
                mean, variance = statistics[len(used)]
            used.append((mean, variance))
            return (x - mean) / tf.sqrt(variance + 1e-3) * gamma + beta

        x = normalise(tf.tanh(tf.nn.conv2d(x, k1, 2, "VALID") + b1), gamma1, beta1)
        x = normalise(tf.tanh(tf.nn.conv2d(x, k2, 1, "VALID") + b2), gamma2, beta2)
        return tf.reshape(x, (tf.shape(x)[0], -1)) @ head + bias, used

    def adapted(self, x, y, steps, rate):
        weights = self.start
        for _ in range(steps):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                logits = self.forward(weights, x)[0]
                log_p = tf.nn.log_softmax(logits)
                loss = -tf.reduce_mean(tf.gather(log_p, y, batch_dims=1))
            weights = [
                w - rate * g for w, g in zip(weights, tape.gradient(loss, weights), strict=True)
            ]
        return weights


@pytest.mark.parametrize("steps", [1, 3])
def test_both_modes_equal_a_network_written_by_hand(steps):
    network = conv_batch_norm()
    episode, reference = episode_for(network), Reference(network)
    weights = reference.adapted(episode.support_x, episode.support_y, steps, 0.3)
    own, _ = reference.forward(weights, episode.query_x)
    _, support = reference.forward(weights, episode.support_x)
    of_support, _ = reference.forward(weights, episode.query_x, support)

    for transductive, expected in ((True, own), (False, of_support)):
        learner = tfmeta.MAML(network, steps, inner_learning_rate=0.3, transductive=transductive)
        state = learner.adapt(episode.support_x, episode.support_y)
        answers = learner.predict_with(state, episode.query_x)
        assert_close(answers, expected)
    assert_far_apart(own, of_support)


@pytest.mark.slow
def test_mapped_and_compiled_tasks_give_the_same_numbers():
    tasks = [episode_for(sinusoid(), seed) for seed in range(4)]
    batch = tfmeta.Episode(*(tf.stack(parts) for parts in zip(*tasks, strict=True)))
    results = []
    for compiled in (False, True):
        keras.utils.set_random_seed(1)
        learner = tfmeta.MAML(sinusoid(), 2, inner_learning_rate=0.1, vectorised=compiled)
        learner.compile(keras.optimizers.SGD(0.1), jit_compile=compiled)
        learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
        results.append([v.numpy() for v in learner.trainable_variables] + [learner(batch)])
    assert_all_close(*results)


def test_anil_keeps_the_body_and_its_state_holds_the_head_alone():
    network = conv_batch_norm()
    learner = tfmeta.MAML(network, 2, adapt_layers="head")
    episode = episode_for(network)
    state = learner.adapt(episode.support_x, episode.support_y)
    assert [tuple(t.shape) for t in state["weights"].values()] == [(3, 3), (3,)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inner_steps": 0}, "inner_steps=0; expected a whole number from 1 up"),
        ({"test_inner_steps": 1.5}, "test_inner_steps=1.5; expected a whole number"),
        ({"inner_learning_rate": -1}, "inner_learning_rate=-1; expected a positive number"),
        ({"adapt_layers": ["nowhere"]}, "expected 'all', 'head' or a list of layers"),
        ({"vectorised": "often"}, "vectorised='often'; expected True, False or 'auto'"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        tfmeta.MAML(sinusoid(), **options)


def test_an_unbuilt_network_is_refused():
    with pytest.raises(ValueError, match="before it was built"):
        tfmeta.MAML(keras.Sequential([layers.Dense(2)]))
