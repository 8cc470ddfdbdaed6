"""Random layers: in training what Keras draws for the same seeds, and at rest everywhere else."""

import random

import keras
import keras_layers
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_all_close, assert_close, assert_far_apart, assert_within_chance
from drawn_layers import WORDS, set_generators
from keras import layers
from keras.src.applications.convnext import StochasticDepth
from keras_layers import MOVES_PIXELS, RANDOM, network_with, shape_for
from nightly import crossed, rows

import tfmeta
from tfmeta.learners.draws import Draws, episode_words
from tfmeta.learners.network_function import NetworkFunction
from tfmeta.networks.drop_block import DropBlock

WAYS = 3


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(1)


def a_network(*inner, shape=(4,), outputs=WAYS):
    head = layers.Dense(outputs, name="head")
    return keras.Sequential([keras.Input(shape), *inner, layers.Flatten(), head])


def dropping():
    """Dropout before and after batch normalisation."""
    norm = layers.BatchNormalization()
    hidden = layers.Dense(8, "tanh")
    return a_network(hidden, layers.Dropout(0.3), norm, layers.GaussianDropout(0.2))


def episodes(tasks=4, shape=(4,)):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, tasks, 2 * WAYS, *shape)).astype(np.float32)
    y = np.tile(np.arange(WAYS, dtype=np.int32), (tasks, 2))
    return tfmeta.Episode(x[0], y, x[1], y)


def task_of(batch, number):
    return tfmeta.Episode(*(tf.constant(part[number]) for part in batch))


def attention():
    inputs = keras.Input((5, 4))
    x = layers.MultiHeadAttention(2, 2, dropout=0.5)(inputs, inputs)
    x = layers.Attention(dropout=0.3)([x, x])
    return keras.Model(inputs, layers.Dense(WAYS)(layers.Flatten()(x)))


STEPS, IMAGE = (5, 3), (8, 8, 3)
HOLDERS = {  # layers that draw with a generator of theirs, of a layer within, or of Keras's own
    "attention": attention,
    "LSTM": lambda: a_network(layers.LSTM(4, dropout=0.5, recurrent_dropout=0.5), shape=STEPS),
    "RNN": lambda: a_network(
        layers.RNN(layers.StackedRNNCells([layers.GRUCell(3, dropout=0.5)])), shape=STEPS
    ),
    "TimeDistributed": lambda: a_network(layers.TimeDistributed(layers.Dropout(0.5)), shape=STEPS),
    "Pipeline": lambda: a_network(
        layers.Pipeline([layers.RandomFlip(), layers.RandomRotation(0.2)]), shape=IMAGE
    ),
    "RandomColorJitter": lambda: a_network(
        layers.RandomColorJitter(brightness_factor=0.3, contrast_factor=0.3), shape=IMAGE
    ),
    "DropBlock": lambda: a_network(DropBlock(0.3, 3), shape=IMAGE),
    "StochasticDepth": lambda: a_network(layers.Dense(4), StochasticDepth(0.5)),
}


@pytest.mark.fault(
    "a layer that draws random numbers, in training",
    "it draws what Keras draws for seeds that the episode's number decides",
)
@rows("name", [*RANDOM, *HOLDERS], each_run=[*RANDOM[::3], *HOLDERS])
def test_it_draws_as_plain_keras_does_for_the_same_seeds(name):
    network = HOLDERS[name]() if name in HOLDERS else network_with(name)
    shape = network.input_shape[1:] if name in HOLDERS else shape_for(name)
    function = NetworkFunction(network)
    x = tf.constant(np.random.default_rng(0).random((4, *shape)), "float32")
    with Draws(tf.constant(WORDS)):
        support, _ = function.with_batch_statistics(function.weights(), x)
        query = function.with_statistics(function.weights(), function.moving_statistics(), x)
    set_generators(network, 0)
    assert_close(support, network(x, training=True))
    set_generators(network, 1)
    assert_close(query, network(x, training=True))
    at_rest, _ = function.with_batch_statistics(function.weights(), x)
    assert_close(at_rest, network(x, training=False))


def test_the_queries_of_training_are_dropped_and_normalised_with_the_statistics_given():
    function = NetworkFunction(dropping())
    x = tf.constant(episodes().support_x[0])
    statistics = [tf.ones(8), 4 * tf.ones(8)]
    with Draws(tf.constant(WORDS)):
        answer = function.with_statistics(function.weights(), statistics, x)
    hidden, first, norm, second, _, head = function._network.layers
    set_generators(function._network, 0)
    expected = (first(hidden(x), training=True) - 1) / tf.sqrt(4 + norm.epsilon)
    assert_close(answer, head(second(expected, training=True)))


LEARNERS = {
    "MAML": lambda **options: tfmeta.MAML(dropping(), 2, **options),
    "Reptile": lambda **options: tfmeta.Reptile(dropping(), 2, **options),
    "Prototypical": lambda **options: tfmeta.Prototypical(dropping(), **options),
}


@pytest.mark.slow
@pytest.mark.fault(
    "random layers in a meta-batch of another size, or vectorised",
    "each episode draws what it draws alone",
)
@crossed("name, vectorised", list(LEARNERS), ["auto", True])
def test_a_step_is_the_mean_of_its_tasks_one_by_one(name, vectorised):
    learner, batch = LEARNERS[name](vectorised=vectorised), episodes()
    learner.compile(keras.optimizers.SGD(1.0))
    expected = []
    for number in range(4):  # as the only task of the step of its number
        with Draws(episode_words(learner.seed, number, 1)[0]):
            gradients, _ = learner.task_gradients(task_of(batch, number))
        expected.append(gradients)
    before = [v.numpy() for v in learner.trainable_variables]
    learner.train_on_batch(batch)
    steps = [b - v.numpy() for b, v in zip(before, learner.trainable_variables, strict=True)]
    means = [np.mean(each, 0) for each in zip(*expected, strict=True)]
    # The weights, of which these are differences, are larger.
    assert_all_close(steps, means, roundings=640)


def test_each_step_episode_and_seed_has_draws_of_its_own():
    words = [*episode_words(0, 0, 3).numpy(), *episode_words(0, 1, 3).numpy()]
    words += [*episode_words(1, 0, 3).numpy()]
    assert len({tuple(each) for each in words}) == 9
    with Draws(tf.constant(WORDS)) as draws:
        states = [tuple(np.array(state)) for _ in range(4) for state in draws.states(3)]
    assert len(set(states)) == 12


def test_the_seed_is_that_of_keras_and_is_kept():
    learner = LEARNERS["MAML"]()
    assert learner.seed == 1
    keras.utils.set_random_seed(2)
    assert tfmeta.MAML.from_config(learner.get_config()).seed == 1
    assert tfmeta.MAML(dropping(), seed=7).seed == 7


@pytest.mark.fault("random layers in adapt, predict_with and evaluation", "they do nothing")
@pytest.mark.parametrize("name", LEARNERS)
def test_outside_training_they_do_nothing(name):
    learner, batch = LEARNERS[name](), episodes()
    quiet = LEARNERS[name]()
    for layer in quiet.network.layers:
        layer.rate = 0.0
    quiet.network.set_weights(learner.network.get_weights())
    answers = [each.predict_on_batch(batch) for each in (learner, quiet, learner)]
    assert_close(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


def test_the_mean_over_many_draws_is_what_comes_of_none():
    function = NetworkFunction(a_network(layers.Dropout(0.5)))
    x = tf.constant(episodes().support_x[0])

    @tf.function
    def drawn(words):
        with Draws(words):
            return function.with_batch_statistics(function.weights(), x)[0]

    outputs = np.stack([drawn(words) for words in episode_words(0, 0, 400)])
    at_rest, _ = function.with_batch_statistics(function.weights(), x)
    error = outputs.std(0).max() / np.sqrt(len(outputs))
    assert_within_chance(outputs.mean(0), at_rest, error)
    assert_far_apart(outputs[0], outputs[1])


@pytest.mark.fault("frozen dropout", "rests in training too")
def test_frozen_layers_that_draw_rest_in_training_too():
    network = a_network(layers.Dense(5), layers.Dropout(0.9, name="drop"), StochasticDepth(0.5))
    for layer in network.layers[1:3]:
        layer.trainable = False
    function, x = NetworkFunction(network), tf.constant(episodes().support_x[0])
    assert not function.draws
    with Draws(tf.constant(WORDS)):
        outputs, _ = function.with_batch_statistics(function.weights(), x)
    np.testing.assert_array_equal(outputs, network(x, training=False))


class Noise(layers.Layer):
    """Adds what `draw` gives, in training only or always."""

    def __init__(self, draw, *, always=False, **options):
        super().__init__(**options)
        self.draw, self.mine, self.always = draw, keras.random.SeedGenerator(1), always

    def call(self, x, training=None):
        return x + self.draw(self, tf.shape(x)) if training or self.always else x


class DrawsAndNormalises(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.norm, self.mine = layers.BatchNormalization(), keras.random.SeedGenerator(1)

    def call(self, x, training=None):
        x = keras.random.dropout(x, 0.5, seed=self.mine) if training else x
        return self.norm(x, training=training)


STRAY = keras.random.SeedGenerator(3)
REFUSED = {
    "TensorFlow": (
        lambda **o: Noise(lambda self, s: tf.random.normal(s), **o),
        r"draws random numbers from a generator that isn't Keras's",
    ),
    "Python": (
        lambda **o: Noise(lambda self, s: random.choice([0.0, 0.0]), **o),
        r"draws random numbers from a generator that isn't Keras's",
    ),
    "a generator of nobody": (
        lambda **o: Noise(lambda self, s: keras.random.normal(s, seed=STRAY), **o),
        "assigns a variable that isn't the network's: it .* draws random numbers from a generator",
    ),
    "always": (
        lambda **o: Noise(lambda self, s: keras.random.normal(s, seed=self.mine), always=True, **o),
        "draws random numbers outside training too",
    ),
    "always, from Keras's": (
        lambda **o: Noise(lambda self, s: keras.random.normal(s), always=True, **o),
        "draws random numbers outside training too",
    ),
    "normalises too": (DrawsAndNormalises, "draws random numbers itself and holds layers that"),
}


@pytest.mark.fault(
    "a layer that draws where no seed decides, or outside training", "refused by the layer's name"
)
@pytest.mark.parametrize("name", REFUSED)
def test_what_no_seed_decides_is_refused_by_the_layers_name(name):
    make, message = REFUSED[name]
    with pytest.raises(ValueError, match=rf"'mine' \(\w+\) {message}"):
        tfmeta.Prototypical(a_network(layers.Dense(4), make(name="mine")))


@pytest.mark.fault(
    "an augmentation layer after weights, through which TensorFlow's gradient is an approximation",
    "refused by the layer's name; before all weights it is taken",
)
@pytest.mark.parametrize("name", sorted(MOVES_PIXELS - {"RandAugment"}))
def test_a_layer_with_a_wrong_gradient_is_refused_after_weights(name):
    options = keras_layers.ARGUMENTS.get(name, {})
    layer = getattr(layers, name)(**options, name="mine")
    before = layers.Conv2D(3, 1, activation="sigmoid")
    with pytest.raises(
        ValueError, match=rf"'mine' \({name}\) has no right gradient \(off by \d+%\)"
    ):
        tfmeta.Prototypical(a_network(before, layer, shape=(8, 8, 3)))


def test_a_network_that_fails_in_inference_is_refused():
    crops = layers.RandomCrop(4, 4)  # leaves images as they are in inference
    with pytest.raises(ValueError, match=r"which runs in training and fails in inference: Input 0"):
        tfmeta.Prototypical(keras.Model(*_of(crops)))


def _of(layer):
    inputs = keras.Input((8, 8, 3))
    return inputs, layers.Dense(WAYS)(layers.Flatten()(layer(inputs)))


def test_xla_which_draws_other_numbers_is_refused():
    learner = tfmeta.MAML(dropping(), vectorised=True)
    learner.compile()
    assert not learner.jit_compile
    with pytest.raises(ValueError, match="jit_compile=True and a network with layers that draw"):
        learner.compile(jit_compile=True)
