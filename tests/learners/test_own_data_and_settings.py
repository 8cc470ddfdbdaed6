"""What a Keras user passes to a learner of their own: it counts, or is refused by its name."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

import tfmeta
from tfmeta.learners import ALGORITHMS

RNG = np.random.default_rng(0)
X = np.float32(RNG.random((4, 6, 5)))
Y = np.tile(np.int32([0, 0, 1, 1, 2, 2]), (4, 1))
LABELS = tfmeta.Episode(X, Y, X, Y)
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network(outputs=3, **options):
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(6, "tanh", **options), keras.layers.Dense(outputs, **options)]
    return keras.Sequential([keras.Input((5,)), *layers])


def dataset(episodes):
    return tf.data.Dataset.from_tensors(episodes)


def fit_all(learner, episodes, steps):
    learner.fit(episodes.repeat(), steps_per_epoch=steps, verbose=0)


def compiled(learner, loss=CROSS_ENTROPY, **options):
    learner.compile("sgd", loss, **options)
    return learner


def episodes_of(values):
    return tfmeta.Episode(X, values, X, values)


@pytest.mark.parametrize("targets", ["values", None])
def test_counts_are_values_as_floats_are(targets):
    counts = RNG.integers(-3, 50, (4, 6, 2))
    trained = []
    for values in (counts, np.float32(counts)):
        learner = compiled(tfmeta.MAML(network(2), targets=targets), "mse", metrics=["mae"])
        learner.fit(dataset(episodes_of(values)), verbose=0)
        trained.append(
            [
                *learner.get_weights(),
                learner.evaluate(
                    dataset(LABELS._replace(support_y=values, query_y=values)), verbose=0
                ),
            ]
        )
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.fault(
    "labels as floats or one-hot, with a loss and a metric of labels", "refused as what they are"
)
@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.float32(Y), "support_y of type float32 and shape .4, 6.; expected integer labels"),
        (
            np.eye(3, dtype=np.float32)[Y],
            "which is for targets that are values; this learner's are",
        ),
    ],
)
def test_labels_that_are_none_are_refused_and_not_the_metric(labels, words):
    learner = compiled(tfmeta.MAML(network()), metrics=["accuracy"])
    with pytest.raises(tfmeta.UserError, match=words):
        learner.fit(dataset(episodes_of(labels)), verbose=0)


@pytest.mark.fault(
    "validation data of another shape in a later fit", "refused by its shape, as in the first one"
)
def test_validation_of_another_shape_is_refused_each_time():
    learner, other = compiled(tfmeta.MAML(network())), LABELS._replace(query_x=X[..., :4])
    learner.fit(dataset(LABELS), validation_data=dataset(LABELS), verbose=0)
    with pytest.raises(tfmeta.UserError, match=r"query_x of shape \(4, 6, 4\); this network takes"):
        learner.fit(dataset(LABELS), validation_data=dataset(other), verbose=0)


def test_xla_compiles_episodes_of_one_size_alone():
    """Of twelve sizes it compiled twelve steps, 68 seconds in place of 3."""
    learner = compiled(tfmeta.MAML(network()))
    assert learner.jit_compile
    spec = tf.TensorSpec((None, None, 5)), tf.TensorSpec((None, None), tf.int32)
    sizes = [LABELS, LABELS._replace(support_x=X[:, ::2], support_y=Y[:, ::2])]
    varying = tf.data.Dataset.from_generator(
        lambda: iter(map(tuple, sizes)), output_signature=2 * spec
    )
    varying = varying.map(tfmeta.Episode)
    fit_all(learner, varying, 2)
    assert not learner.jit_compile
    other = compiled(tfmeta.MAML(network()), jit_compile=False)
    fit_all(other, varying, 2)
    for one, another in zip(learner.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, another)
    learner.fit(dataset(LABELS), verbose=0)
    assert learner.jit_compile
    assert compiled(tfmeta.MAML(network()), jit_compile=True).jit_compile
    learner.evaluate(varying.repeat(), steps=2, verbose=0)
    assert not learner.jit_compile


@pytest.mark.parametrize("name", ["maml", "reptile", "meta-sgd", "meta-lstm", "prototypical"])
def test_a_network_of_float64_is_trained_in_float64(name):
    learner = ALGORITHMS[name].load()(network(dtype="float64"))
    assert learner.variable_dtype == "float64"
    compiled(learner).fit(dataset(LABELS), verbose=0)
    state = learner.adapt(X[0], Y[0])
    assert learner.predict_with(state, X[0]).dtype == tf.float64
    assert {v.dtype for v in learner.trainable_variables} == {"float64"}


def test_float64_takes_the_step_of_plain_tensorflow():
    learner = compiled(tfmeta.MAML(network(dtype="float64"), inner_learning_rate=0.3))
    plain = network(dtype="float64")

    def loss_of(y, outputs):  # Keras's loss computes in float32
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(y, outputs)
        return tf.reduce_mean(each)

    with tf.GradientTape() as outer:
        losses = []
        for x, y in zip(X, Y, strict=True):
            with tf.GradientTape() as inner:
                support_loss = loss_of(y, plain(x))
            gradients = inner.gradient(support_loss, plain.trainable_variables)
            fast = [v - 0.3 * g for v, g in zip(plain.trainable_variables, gradients, strict=True)]
            losses.append(loss_of(y, plain.stateless_call(fast, [], x)[0]))
        loss = tf.reduce_mean(losses)
    gradients = outer.gradient(loss, plain.trainable_variables)
    keras.optimizers.SGD().apply_gradients(zip(gradients, plain.trainable_variables, strict=True))
    learner.fit(dataset(LABELS), verbose=0)
    for one, other in zip(learner.get_weights(), plain.get_weights(), strict=True):
        assert_close(one, other)


@pytest.mark.fault("fit before compile", "refused, with what to call first")
def test_fit_comes_after_compile():
    with pytest.raises(ValueError, match=r"before compile; call learner.compile"):
        tfmeta.MAML(network()).fit(dataset(LABELS))


@pytest.mark.fault("an option of a learner of another type", "refused by its name")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"transductive": "no"}, "transductive='no'; expected True or False"),
        ({"first_order": "no"}, "first_order='no'; expected True or False"),
        ({"learn_rates": 1}, "learn_rates=1; expected True or False"),
        ({"seed": "a"}, "seed='a'; expected a whole number"),
        ({"inner_learning_rate": "0.1"}, "inner_learning_rate='0.1'; expected a finite number"),
        (
            {"targets": "classes", "target_centre": 3.0},
            "received a target scale, which is for",
        ),
    ],
)
def test_options_of_another_type_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        tfmeta.MAML(network(), **options)


@pytest.mark.fault("a learner of something that is no network", "refused: expected a keras.Model")
@pytest.mark.parametrize("given", [None, "conv4", network])
def test_what_is_no_network_is_refused(given):
    with pytest.raises(TypeError, match=r"as the network; expected a built keras.Model"):
        tfmeta.Prototypical(given)
