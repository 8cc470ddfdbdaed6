"""Networks that Keras allows: told apart by position, examined by running them, or refused by name.

What is expected is worked out by Keras alone: a gradient step on the network's own variables.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from keras import layers
from model_answers import checked

import tfmeta
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.learners.network_function import NetworkFunction

RATE = 0.2


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(2)


def task(shape, seed=0, number=6):
    """`(support_x, support_y, query_x)` of three classes."""
    rng = np.random.default_rng(seed)
    x = [tf.constant(rng.random((number, *shape)), "float32") for _ in range(2)]
    return x[0], tf.constant([0, 1, 2] * (number // 3)), x[1]


def by_keras(network, support_x, support_y, query_x, *, training):
    """One step on the network's variables, its answer, and everything as it was before."""
    before = [v.numpy() for v in network.variables]
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        loss = loss_of(support_y, network(support_x, training=True))
    variables = network.trainable_variables
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        variable.assign_sub(RATE * tf.convert_to_tensor(gradient))
    answer = network(query_x, training=training)
    for variable, value in zip(network.variables, before, strict=True):
        variable.assign(value)
    return answer


def by_maml(network, support_x, support_y, query_x, **options):
    learner = tfmeta.MAML(network, inner_learning_rate=RATE, **options)
    return learner.predict_with(learner.adapt(support_x, support_y), query_x)


def two_streams():
    """Two networks of one name, so that their weights' paths are the same."""
    inputs = keras.Input((8, 8, 1))
    streams = []
    for name in ("left", "right"):
        stream = tfmeta.networks.conv4((8, 8, 1), None, filters=3, num_blocks=2)
        streams.append(keras.Model(stream.input, stream.output, name=name)(inputs))
    outputs = layers.Dense(3, name="head")(layers.Concatenate()(streams))
    return keras.Model(inputs, outputs)


@pytest.mark.fault(
    "two streams of one network, whose weights have the same paths", "each weight is adapted"
)
def test_weights_of_the_same_path_are_told_apart(tmp_path):
    network = two_streams()
    assert len({v.path for v in network.trainable_variables}) < len(network.trainable_variables)
    names = NetworkFunction(network).weight_names
    assert len(set(names)) == len(network.trainable_variables)
    given = task((8, 8, 1))
    answer = by_maml(network, *given, transductive=True)
    assert_close(answer, by_keras(network, *given, training=True))
    report = checked(export_model(tfmeta.MAML(network), tmp_path / "model"))
    assert report["ok"], report["checks"]


class Pretrained(keras.Model):
    """Normalises with the statistics that it came with, whatever it is called with."""

    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()
        self.head = layers.Dense(3)

    def call(self, x, training=None):
        return self.head(self.norm(x, training=False))


def pretrained():
    network = Pretrained()
    network(np.zeros((2, 4), "float32"))
    network.norm.moving_mean.assign([3.0, -2.0, 5.0, 1.0])
    network.norm.moving_variance.assign([4.0, 9.0, 1.0, 0.5])
    return network


@pytest.mark.fault(
    "a network that calls its batch normalisation in inference", "its own statistics are kept"
)
def test_statistics_that_a_network_does_not_change_are_its_own():
    network, given = pretrained(), task((4,))
    assert_close(by_maml(network, *given), by_keras(network, *given, training=False))


@pytest.mark.fault("the same in a metric learner's training", "they are not written over")
def test_a_metric_learner_writes_over_no_statistics():
    network, (x, y, q) = pretrained(), task((4,))
    learner = tfmeta.Prototypical(network)
    learner.compile()
    before = [v.numpy() for v in (network.norm.moving_mean, network.norm.moving_variance)]
    batch = tfmeta.Episode(*(t[tf.newaxis] for t in (x, y, q, y)))
    learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
    after = [v.numpy() for v in (network.norm.moving_mean, network.norm.moving_variance)]
    np.testing.assert_array_equal(before, after)


class Plain(keras.Model):
    """Its `call` has no `training`, which Keras hands down to the layers all the same."""

    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()
        self.head = layers.Dense(3)

    def call(self, x):
        return self.head(self.norm(x))


@pytest.mark.fault("a network whose call has no argument `training`", "runs as in Keras")
def test_a_call_without_training_normalises_as_in_keras(tmp_path):
    network, given = Plain(), task((4,))
    network(given[0])
    answer = by_maml(network, *given, transductive=True)
    assert_close(answer, by_keras(network, *given, training=True))
    report = checked(export_model(tfmeta.MAML(network), tmp_path / "model"))
    assert report["ok"], report["checks"]


@pytest.mark.fault(
    "one batch normalisation called twice in a network", "its statistics are those of Keras"
)
def test_a_shared_normalisation_counts_its_momentum_twice():
    norm, inputs = layers.BatchNormalization(momentum=0.8), keras.Input((4,))
    network = keras.Model(inputs, layers.Dense(3)(norm(layers.Dense(4)(norm(inputs)))))
    given = task((4,))
    function = NetworkFunction(network)
    _, statistics = function.with_batch_statistics(function.weights(), given[0])
    answer = function.with_statistics(function.weights(), statistics, given[2])
    for _ in range(200):  # until Keras's own averages have settled
        network(given[0], training=True)
    assert_close(answer, network(given[2], training=False))


class Counter(layers.Layer):
    def build(self, shape):
        self.seen = self.add_weight(shape=(), dtype="int32", trainable=False, name="seen")

    def call(self, x):
        self.seen.assign_add(1)
        return x


STATEFUL = {
    "Counter": ((4,), Counter, "keeps a state"),
    "LSTM": ((2, 4), lambda: layers.LSTM(3, stateful=True), "assigns a variable"),
    "BatchNormalization": ((4,), lambda: layers.BatchNormalization(renorm=True), "keeps a state"),
}


@pytest.mark.fault("a layer that keeps another state than averages", "refused by the layer's name")
@pytest.mark.parametrize("name", STATEFUL)
def test_other_state_is_refused_by_the_layers_name(name):
    shape, make, what = STATEFUL[name]
    inputs = keras.Input(shape, batch_size=4)
    network = keras.Model(inputs, layers.Dense(3)(make()(inputs)))
    with pytest.raises(ValueError, match=rf"\({name}\) {what}"):
        tfmeta.MAML(network)


@pytest.mark.slow
@pytest.mark.fault("layers that are frozen after the learner was made", "they stay as they are")
def test_layers_may_be_frozen_later():
    network = tfmeta.networks.conv4((8, 8, 1), 3, filters=3, num_blocks=2)
    learner = tfmeta.MAML(network, inner_learning_rate=RATE)
    for name in ("conv1", "norm1", "norm2"):
        network.get_layer(name).trainable = False
    x, y, q = task((8, 8, 1))
    answer = learner.predict_with(learner.adapt(x, y), q)
    assert_close(answer, by_keras(network, x, y, q, training=False))
    learner.compile(keras.optimizers.SGD(0.1))
    frozen = network.get_layer("conv1").kernel.numpy()
    thawed = network.get_layer("conv2").kernel.numpy()
    batch = tfmeta.Episode(*(t[tf.newaxis] for t in (x, y, q, y)))
    learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
    np.testing.assert_array_equal(network.get_layer("conv1").kernel, frozen)
    assert (network.get_layer("conv2").kernel.numpy() != thawed).any()


@pytest.mark.fault("the same where the learner keeps something for each layer", "refused, with why")
@pytest.mark.parametrize(
    "make",
    [
        tfmeta.MetaSGD,
        lambda network: tfmeta.MAML(network, learn_rates=True),
        lambda network: tfmeta.MAML(network, per_step_statistics=True),
    ],
    ids=["MetaSGD", "learn_rates", "per_step_statistics"],
)
def test_a_learner_with_something_for_each_layer_refuses_later_freezing(make):
    network = tfmeta.networks.conv4((8, 8, 1), 3, filters=3, num_blocks=2)
    learner = make(network)
    network.get_layer("conv1").trainable = False
    with pytest.raises(ValueError, match="frozen or thawed after the learner was made"):
        learner.adapt(*task((8, 8, 1))[:2])


@pytest.mark.fault("a network of two inputs or two outputs", "refused when the learner is made")
@pytest.mark.parametrize("learner", [tfmeta.MAML, tfmeta.Prototypical])
def test_a_network_of_two_inputs_or_outputs_is_refused(learner):
    one, two = keras.Input((4,)), keras.Input((4,))
    joined = layers.Dense(3)(layers.Add()([one, two]))
    with pytest.raises(ValueError, match="expected one input"):
        learner(keras.Model([one, two], joined))
    with pytest.raises(ValueError, match="expected one output"):
        learner(keras.Model(one, [layers.Dense(3)(one), layers.Dense(2)(one)]))


@pytest.mark.fault("a name in adapt_layers that two layers have", "refused by that name")
def test_a_layers_name_must_be_one_layers():
    with pytest.raises(ValueError, match="2 layers are called 'conv1'"):
        tfmeta.MAML(two_streams(), adapt_layers=["conv1"])


@pytest.mark.fault("a weight that the loss doesn't depend on", "a gradient of zero")
def test_a_weight_without_a_gradient_has_zeros():
    inputs = keras.Input((4,))
    steps = layers.Lambda(lambda x: tf.round(x))(layers.Dense(4)(inputs))
    learner = tfmeta.MAML(keras.Model(inputs, layers.Dense(3)(steps)))
    x, y, q = task((4,))
    gradients, _ = learner.task_gradients(tfmeta.Episode(x, y, q, y))
    assert not np.any(gradients[0])
    assert np.any(gradients[2])
