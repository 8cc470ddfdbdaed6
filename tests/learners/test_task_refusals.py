"""What a task is refused for: numbers of steps, one-hot labels, states of other learners."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

import tfmeta
from tfmeta import Episode, UserError

X = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
Y = np.array([0, 1, 1, 2], np.int32)


def maml(**options):
    return tfmeta.MAML(tfmeta.networks.mlp((2,), 3), inner_steps=3, **options)


@pytest.mark.parametrize("recompute", [False, True])
def test_as_many_steps_are_taken_as_are_asked_for(recompute):
    learner = maml(inner_learning_rate=0.1, recompute=recompute)
    reference = keras.models.clone_model(learner.network)
    reference.set_weights(learner.network.get_weights())
    for steps in range(4):
        found = learner.predict_with(learner.adapt(X, Y, inner_steps=steps), X)
        assert_close(found, reference(X), roundings=1000)
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(Y, reference(X))
            loss = tf.reduce_mean(losses)
        variables = reference.trainable_variables
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.1 * gradient)


@pytest.mark.parametrize(
    ("steps", "message"),
    [(-1, "expected a whole number from 0 up"), (2.5, "expected a whole number"), (True, "whole")],
)
def test_other_numbers_of_steps_are_refused(steps, message):
    with pytest.raises(ValueError, match=message):
        maml().adapt(X, Y, inner_steps=steps)


def test_one_hot_labels_are_refused_unless_they_are_said_to_be_values():
    one_hot = np.eye(3, dtype=np.float32)[Y]
    with pytest.raises(UserError, match=r"look like one-hot labels; expected integer labels"):
        maml().adapt(X, one_hot)
    values = maml(targets="values").adapt(X, one_hot)
    assert_close(maml().predict_with(values, X).shape, (4, 3))
    maml().adapt(X, one_hot + 0.5)  # any values but these


def test_boolean_labels_are_labels_in_a_dataset_too():
    labels = np.stack([Y > 0] * 2)
    x = np.stack([X] * 2)
    losses = []
    for y in (labels, labels.astype(np.int32)):
        learner = tfmeta.Prototypical(tfmeta.networks.mlp((2,), None), seed=0)
        learner.network.set_weights([np.full(w.shape, 0.1) for w in learner.network.get_weights()])
        learner.compile("sgd")
        dataset = tf.data.Dataset.from_tensors(Episode(x, y, x, y))
        losses.append(learner.fit(dataset, verbose=0).history["loss"])
    assert losses[0] == losses[1]


def test_a_state_of_another_learner_is_refused():
    prototypical = tfmeta.Prototypical(tfmeta.networks.mlp((2,), None))
    state = maml().adapt(X, Y)
    with pytest.raises(UserError, match=r"without 'prototypes', with weights; .*this Prototypical"):
        prototypical.predict_with(state, X)
    with pytest.raises(UserError, match=r"without 'weights', with prototypes"):
        maml().predict_with(prototypical.adapt(X, Y), X)


def test_digits_that_float32_loses_are_named():
    learner = tfmeta.Prototypical(tfmeta.networks.mlp((2,), None))
    times = np.array([[1.7e9 + n, 0.5 * n] for n in range(4)])
    with pytest.warns(UserWarning, match=r"support_x: 1 feature of float64 .*number 0, from 0"):
        learner.adapt(times, Y)
    learner.adapt(times - [1.7e9, 0], Y)
    with pytest.raises(UserError, match=r"support_x of type complex64; expected real numbers"):
        learner.adapt(X.astype(np.complex64), Y)


@pytest.mark.parametrize("empty", ["support", "query"])
def test_episodes_without_examples_are_refused_before_they_train(empty):
    x, y = np.stack([X] * 2), np.stack([Y] * 2)
    parts = {"support": (x, y), "query": (x, y)} | {empty: (x[:, :0], y[:, :0])}
    learner = maml()
    learner.compile("sgd")
    with pytest.raises(UserError, match=rf"received an empty {empty}_x of shape \(2, 0, 2\)"):
        learner.fit(tf.data.Dataset.from_tensors(Episode(*parts["support"], *parts["query"])))
