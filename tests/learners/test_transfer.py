"""The transfer learner against plain Keras, NumPy and scikit-learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_all_close, assert_close, assert_far_apart
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as TheirRidge

import tfmeta
from tfmeta.learners.draws import Draws
from tfmeta.learners.forward_pass import ForwardPass
from tfmeta.learners.task_heads import HEADS

RNG = np.random.default_rng(0)
SUPPORT, QUERIES, UNITS, WAYS = 9, 4, 6, 3
X, QUERY_X = (RNG.normal(size=(n, UNITS)) for n in (SUPPORT, QUERIES))
Y = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2], np.int32)
CLASSES = 7
NUMBERS, QUERY_NUMBERS = np.array([6, 6, 6, 6, 1, 1, 1, 4, 4], np.int32), np.array([6, 1, 4, 4])

pytestmark = pytest.mark.usefixtures("float64")  # the tests compare optima and gradients


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def as_they_are():
    inputs = keras.Input((UNITS,))
    return keras.Model(inputs, keras.layers.Identity()(inputs))


def learner(network=None, **options):
    options = {"num_training_classes": CLASSES, **options}
    return tfmeta.Transfer(network or as_they_are(), **options)


SCALE = 3.0


def answer(**options):
    ours = learner(**options)
    ours.log_scale.assign(np.log(SCALE))  # Keras's own constant is rounded to float32 on the way
    return ours.predict_with(ours.adapt(X, Y), QUERY_X).numpy()


# The heads


def their_logistic(strength):
    """scikit-learn's C multiplies the loss, ours the penalty."""
    theirs = LogisticRegression(C=1 / strength, fit_intercept=False, tol=1e-12, max_iter=10_000)
    return theirs.fit(unit(X), Y)


@pytest.mark.parametrize("strength", [0.1, 1.0, 5.0])
def test_logistic_regression_is_scikit_learns(strength):
    expected = their_logistic(strength).decision_function(unit(QUERY_X))
    received = answer(head="logistic", regularisation=strength)
    # Theirs stops when its gradient is small, so that its solution is right to fewer digits.
    assert_close(received, expected, dtype=np.float32)


def test_ridge_regression_is_scikit_learns():
    theirs = TheirRidge(alpha=0.7, fit_intercept=False).fit(unit(X), np.eye(WAYS)[Y])
    received = answer(head="ridge", regularisation=0.7)
    assert_close(received, SCALE * theirs.predict(unit(QUERY_X)))


def means():
    return np.stack([unit(X)[number == Y].mean(0) for number in range(WAYS)])


def test_the_nearest_mean_is_numpys():
    distances = ((unit(QUERY_X)[:, np.newaxis] - means()) ** 2).sum(-1)
    assert_close(answer(head="nearest-mean"), -SCALE * distances)


def test_the_cosines_are_numpys():
    assert_close(answer(head="cosine"), SCALE * unit(QUERY_X) @ unit(means()).T)


@pytest.mark.parametrize("head", HEADS)
def test_an_answer_is_the_same_to_the_bit_whatever_the_other_queries_are(head):
    ours, queries = learner(head=head), np.random.default_rng(4).normal(size=(75, UNITS))
    state = ours.adapt(X, Y)
    together = ours.predict_with(state, queries).numpy()
    for query in range(0, 75, 15):
        alone = ours.predict_with(state, queries[query : query + 1]).numpy()
        np.testing.assert_array_equal(alone[0], together[query])


# Its training


def conv4():
    keras.utils.set_random_seed(2)
    return tfmeta.networks.conv4((8, 8, 1), None, filters=4, num_blocks=2)


def minibatch():
    rng = np.random.default_rng(5)
    x, query_x = (rng.uniform(size=(n, 8, 8, 1)) for n in (SUPPORT, QUERIES))
    return tfmeta.Episode(x, NUMBERS, query_x, QUERY_NUMBERS)


def gradients_of_keras(ours, loss_of):
    """Of a loss of the features and labels of all examples, by Keras's network in training."""
    batch = minibatch()
    x = tf.concat([batch.support_x, batch.query_x], 0)
    y = tf.one_hot(tf.concat([batch.support_y, batch.query_y], 0), CLASSES, dtype=tf.float64)
    with tf.GradientTape() as tape:
        loss = loss_of(ours.network(x, training=True), y)
        matrices = [v.value for v in ours.trainable_variables if len(v.shape) > 1]
        loss += 0.01 / 2 * tf.add_n([tf.reduce_sum(each**2) for each in matrices])
    variables = [v.value for v in ours.trainable_variables]
    return loss, tape.gradient(loss, variables, unconnected_gradients="zero")


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_step_has_the_gradient_of_keras_with_a_linear_classifier(smoothing):
    ours = learner(conv4(), label_smoothing=smoothing, weight_decay=0.01)
    entropy = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)

    def loss_of(features, y):
        return entropy(y, features @ tf.transpose(ours.class_weights) + ours.class_biases)

    gradients, logs = ours.task_gradients(minibatch())
    loss, expected = gradients_of_keras(ours, loss_of)
    assert_close(logs["loss"], loss)
    assert_all_close(gradients, expected)
    assert logs["outputs"].shape == (QUERIES, CLASSES)


def test_a_step_has_the_gradient_of_keras_with_a_cosine_classifier():
    ours = learner(conv4(), classifier="cosine", scale=5.0, weight_decay=0.01)
    entropy = keras.losses.CategoricalCrossentropy(from_logits=True)

    def loss_of(features, y):
        features, weights = (
            tf.math.l2_normalize(each, 1) for each in (features, ours.class_weights)
        )
        return entropy(y, tf.exp(ours.log_scale.value) * features @ tf.transpose(weights))

    gradients, _ = ours.task_gradients(minibatch())
    assert_all_close(gradients, gradients_of_keras(ours, loss_of)[1])
    assert (
        float(gradients[[v is ours.log_scale for v in ours.trainable_variables].index(True)]) != 0
    )


def trained_before():
    """A teacher whose moving averages are those of no batch."""
    teacher = learner(conv4(), weight_decay=0.0)
    rng = np.random.default_rng(8)
    for variable in teacher.variables:
        variable.assign(np.abs(variable + 0.3 * rng.normal(size=variable.shape)))
    return teacher


def test_a_step_has_the_gradient_of_keras_with_a_teacher():
    teacher = trained_before()
    ours = learner(conv4(), weight_decay=0.01, teacher=teacher)
    entropy, divergence = (
        keras.losses.CategoricalCrossentropy(from_logits=True),
        keras.losses.KLDivergence(),
    )

    def softened(of, features):
        logits = features @ tf.transpose(of.class_weights) + of.class_biases
        return logits, tf.nn.softmax(logits / 4)

    def loss_of(features, y):
        batch = minibatch()
        x = tf.concat([batch.support_x, batch.query_x], 0)
        logits, soft = softened(ours, features)
        _, theirs = softened(teacher, teacher.network(x, training=False))
        return (entropy(y, logits) + 16 * divergence(theirs, soft)) / 2

    gradients, logs = ours.task_gradients(minibatch())
    loss, expected = gradients_of_keras(ours, loss_of)
    assert_close(logs["loss"], loss)
    assert_all_close(gradients, expected)


def test_a_teacher_is_saved_with_its_pupil_and_served_with_none(tmp_path):
    ours = learner(conv4(), teacher=trained_before())
    ours.save(tmp_path / "pupil.keras")
    loaded = keras.models.load_model(tmp_path / "pupil.keras")
    theirs = [v.numpy() for v in trained_before().variables]
    for one, other in zip(loaded.teacher.variables, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    alone = learner(conv4())
    assert len(ours.trainable_variables) == len(alone.trainable_variables)
    assert len(ours.served_variables) == len(alone.served_variables) == len(alone.variables) - 2
    batch = minibatch()
    one, other = (each.task_gradients(batch)[0] for each in (loaded, ours))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_then_the_last_steps_are_episodes_of_cosines():
    ours = learner(conv4(), then="meta", num_steps=10, meta_share=0.3, weight_decay=0.01)
    ours.compile("sgd")
    ours.optimizer.build(ours.trainable_variables)

    def loss_of(features, y):
        features = tf.math.l2_normalize(features, 1)
        support, query = features[:SUPPORT], features[SUPPORT:]
        used = [6, 1, 4]  # the classes of the episode
        members = tf.gather(y[:SUPPORT], used, axis=1)
        centres = tf.transpose(members) @ support / tf.reduce_sum(members, 0)[:, tf.newaxis]
        logits = query @ tf.transpose(tf.math.l2_normalize(centres, 1))
        labels = tf.gather(y[SUPPORT:], used, axis=1)
        entropy = keras.losses.CategoricalCrossentropy(from_logits=True)
        return entropy(labels, tf.exp(ours.log_scale.value) * logits)

    of_minibatch = learner(conv4(), weight_decay=0.01)
    for mine, other in zip(of_minibatch.variables, ours.variables, strict=False):
        mine.assign(other)
    ours.optimizer.iterations.assign(6)
    assert_all_close(
        ours.task_gradients(minibatch())[0], of_minibatch.task_gradients(minibatch())[0]
    )
    ours.optimizer.iterations.assign(7)
    gradients, logs = ours.task_gradients(minibatch())
    loss, expected = gradients_of_keras(ours, loss_of)
    assert_close(logs["loss"], loss)
    assert_all_close(gradients, expected)


# What it refuses


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "svm"}, r"received head='svm'; expected one of: 'nearest-mean', 'cosine', 'ri"),
        ({"classifier": "mlp"}, r"received classifier='mlp'; expected one of: 'linear', 'cosine'"),
        ({"then": "more"}, r"received then='more'; expected one of: None, 'meta'"),
        ({"head": "cosine", "regularisation": 1.0}, r"head='cosine', which has none"),
        ({"regularisation": 0}, r"received regularisation=0; expected a positive number"),
        ({"scale": -1}, r"received scale=-1; expected a positive number"),
        ({"label_smoothing": 1}, r"received label_smoothing=1; expected a number from 0 up to 1"),
        ({"meta_share": -0.1}, r"received meta_share=-0.1; expected a number from 0 up to 1"),
        ({"weight_decay": -1}, r"received weight_decay=-1; expected 0 or more"),
        ({"teacher": "nothing.keras"}, r"cannot load the teacher 'nothing.keras' \(.*; expected a"),
        ({"teacher": 5}, r"received as teacher a int; expected a Transfer"),
        ({"targets": "values"}, r"Transfer tells classes apart"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        learner(**options)


def test_a_network_that_ends_with_maps_is_refused():
    maps = tfmeta.networks.conv4((8, 8, 1), None, filters=4, num_blocks=2, features="map")
    with pytest.raises(ValueError, match=r"outputs of shape \(None, 2, 2, 4\); expected"):
        learner(maps)


def test_a_teacher_of_other_classes_or_examples_is_refused():
    ours = r"a learner of 7 training classes and examples of shape \(8, 8, 1\); expected the same"
    with pytest.raises(ValueError, match=rf"7 training .* of shape \(6,\) for {ours}"):
        learner(conv4(), teacher=learner())
    with pytest.raises(ValueError, match=rf"3 training .* of shape \(8, 8, 1\) for {ours}"):
        learner(conv4(), teacher=learner(conv4(), num_training_classes=3))


def test_training_that_would_change_no_answer_is_refused():
    with pytest.raises(tfmeta.UserError, match="num_training_classes=None, so it has no class"):
        learner(conv4(), num_training_classes=None).task_gradients(minibatch())
    frozen = conv4()
    frozen.trainable = False
    with pytest.raises(tfmeta.UserError, match="no weight of the network is to be trained"):
        learner(frozen).task_gradients(minibatch())
    with pytest.raises(tfmeta.UserError, match=r"then='meta' without a number of steps; expected"):
        learner(conv4(), then="meta").task_gradients(minibatch())


def test_a_teachers_dropout_rests_while_its_pupil_is_trained():
    inputs = keras.Input((UNITS,))
    dropping = keras.Model(inputs, keras.layers.Dropout(0.5)(keras.layers.Dense(4)(inputs)))
    ours = learner(keras.models.clone_model(dropping), teacher=learner(dropping))
    with Draws(tf.constant([3, 4], tf.int64)):
        taught = ours.teacher.features(tf.constant(X))
        drawn = ForwardPass(batch_statistics=True)(ours.function, tf.constant(X))
    assert_close(taught, dropping(X, training=False))
    assert_far_apart(drawn, ours.network(X, training=False))
