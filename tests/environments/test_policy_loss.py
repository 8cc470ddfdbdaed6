"""The loss of policies beside NumPy, and its derivatives."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close, assert_derivative
from scipy import stats

import tfmeta
from tfmeta import UserError
from tfmeta.environments.policy_columns import PolicyColumns
from tfmeta.environments.policy_loss import PolicyLoss, Return
from tfmeta.environments.policy_targets import PolicyTargets, begins

RNG = np.random.default_rng(0)
ROWS, ACTIONS = 12, 2
OUTPUTS = RNG.normal(0, 0.5, (ROWS, 2 * ACTIONS))
DONE = RNG.normal(size=(ROWS, ACTIONS))
ADVANTAGE = RNG.normal(size=ROWS)


def log_density(outputs):
    mean, deviation = outputs[:, :ACTIONS], np.exp(outputs[:, ACTIONS:])
    return stats.norm.logpdf(DONE, mean, deviation).sum(1)


def targets(log_probability):
    """Two trajectories, of 5 and 7 steps, with a reward of 1 for each step."""
    steps = np.concatenate([np.arange(5), np.arange(7)])
    return np.column_stack([DONE, log_probability, np.ones(ROWS), steps, ADVANTAGE])


def test_rows_are_the_papers():
    ratio = np.exp(RNG.normal(0, 0.4, ROWS))
    assert len(np.unique(np.clip(ratio, 0.7, 1.3))) < ROWS  # several are clipped
    y = targets(log_density(OUTPUTS) - np.log(ratio))
    surrogate = np.minimum(ratio * ADVANTAGE, np.clip(ratio, 0.7, 1.3) * ADVANTAGE)
    received = PolicyLoss(ACTIONS, clip=0.3).call(tf.constant(y), tf.constant(OUTPUTS))
    assert_close(received, -surrogate)


def test_where_the_policy_acted_itself_the_gradient_is_the_policy_gradient():
    y, outputs = targets(log_density(OUTPUTS)), tf.constant(OUTPUTS)
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        loss = tf.reduce_mean(PolicyLoss(ACTIONS).call(tf.constant(y), outputs))
    direction = RNG.normal(size=OUTPUTS.shape)
    received = float(np.sum(tape.gradient(loss, outputs) * direction))

    def weighted(distance):
        return -float(np.mean(ADVANTAGE * log_density(OUTPUTS + distance * direction)))

    assert_derivative(weighted, received, step=1e-5)


def test_what_a_client_leaves_out_is_completed():
    loss = PolicyLoss(ACTIONS, discount=0.9, gae_lambda=0.5)
    y = targets(log_density(OUTPUTS)).astype(np.float32)
    given, x = y[:, :-1], RNG.normal(size=(ROWS, 3)).astype(np.float32)
    assert given.shape[1] == PolicyColumns(ACTIONS).given == len(PolicyColumns(ACTIONS).names)
    completed = loss.completed(tf.constant(x), tf.constant(given)).numpy()
    np.testing.assert_array_equal(completed[:, :-1], given)
    assert_close(completed[:, -1].mean(), 0.0, scale=1)
    assert_close(completed[:, -1].std(), np.float32(1.0))
    np.testing.assert_array_equal(loss.completed(tf.constant(x), tf.constant(y)), y)


def test_returns_are_means_over_trajectories():
    columns = PolicyTargets(ACTIONS)
    y = targets(np.zeros(ROWS))
    first, second = RNG.normal(size=(2, ROWS))
    y = np.column_stack([y, first, second])
    assert columns.num_tried(y) == 2
    assert_close(columns.mean_return(tf.constant(y)), (5 + 7) / 2)
    assert_close(columns.mean_return(tf.constant(y), 0), first.sum() / 2)
    assert_close(columns.mean_return(tf.constant(y), 1), second.sum() / 2)
    metric = Return(ACTIONS)
    metric.update_state(tf.constant(y, tf.float32), None)
    assert_close(metric.result(), np.float32(6))
    steps = tf.constant([0.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 4.0])
    received = begins(steps).numpy().tolist()
    assert received == [True, False, True, False, False, True, True, True]


@pytest.mark.parametrize(
    ("options", "name"),
    [({"clip": 0}, "clip"), ({"clip": True}, "clip"), ({"discount": 2}, "discount")],
)
def test_numbers_that_make_no_sense_are_refused(options, name):
    with pytest.raises(UserError, match=f"received {name}="):
        PolicyLoss(ACTIONS, **options)


def test_it_is_saved_with_its_numbers():
    loss = PolicyLoss(3, clip=0.1, discount=0.5, gae_lambda=0.25)
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == loss.get_config()


def policy_and_task():
    """A learner in float64 of one action, and trajectories of its own and of its adapted policy."""
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(3, "tanh")(inputs)
    network = keras.Model(inputs, keras.layers.Dense(2)(hidden))
    learner = tfmeta.MAML(network, inner_learning_rate=0.3, targets="actions")
    learner.compile(loss=PolicyLoss(1))

    def side(state):
        x = RNG.normal(size=(10, 2))
        outputs = network(x) if state is None else learner.predict_with(state, x)
        done = RNG.normal(size=(10, 1))
        density = stats.norm.logpdf(done, outputs[:, :1], np.exp(outputs[:, 1:]))
        rest = [density, RNG.normal(size=(10, 1)), np.arange(10)[:, np.newaxis]]
        return x, np.concatenate([done, *rest, RNG.normal(size=(10, 1))], 1)

    support = side(None)
    return learner, tfmeta.Episode(*support, *side(learner.adapt(*support)))


@pytest.mark.usefixtures("float64")
def test_second_order_gradients_through_a_step_of_a_policy():
    keras.utils.set_random_seed(1)
    learner, episode = policy_and_task()
    gradients, _ = learner.task_gradients(episode)
    weights = [variable.numpy() for variable in learner.trainable_variables]
    directions = [RNG.normal(size=weight.shape) for weight in weights]
    pairs = zip(gradients, directions, strict=True)
    received = float(sum(np.sum(gradient * direction) for gradient, direction in pairs))

    def outer(distance):
        for variable, weight, way in zip(
            learner.trainable_variables, weights, directions, strict=True
        ):
            variable.assign(weight + distance * way)
        state = learner.adapt(episode.support_x, episode.support_y)
        answers = learner.predict_with(state, episode.query_x).numpy()
        y = episode.query_y
        density = stats.norm.logpdf(y[:, :1], answers[:, :1], np.exp(answers[:, 1:]))[:, 0]
        return -float(np.mean(np.exp(density - y[:, 1]) * y[:, -1]))  # near 1 nothing is clipped

    assert_derivative(outer, received, step=1e-5)
