"""The numbers of gradient learners against their papers' equations, in NumPy, in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import SHOTS, WAYS, classifier, episode, gate, loss_gradients, lstm, preprocessed
from closeness import assert_close

import tfmeta
from tfmeta.episodes.episode import Episode

pytestmark = pytest.mark.usefixtures("float64")


# Gradient learners


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_reptiles_inner_loop_is_the_optimizers(optimizer):
    """On the minibatches that training deals out; Adam by its paper's algorithm 1, beta1 = 0."""
    network, task, rate, number = classifier(), episode(), 0.05, 2
    learner = tfmeta.Reptile(
        network, 4, inner_learning_rate=rate, inner_optimizer=optimizer, num_minibatches=number
    )
    got, _ = learner.task_gradients(task)
    phi = [v.numpy() for v in network.trainable_variables]
    theta, moments = phi, [np.zeros_like(value) for value in phi]
    for step in range(4):
        share = slice(step % number, None, number)
        _, gradients = loss_gradients(network, theta, task.support_x[share], task.support_y[share])
        if optimizer == "adam":
            pairs = zip(moments, gradients, strict=True)
            moments = [0.999 * v + 0.001 * g**2 for v, g in pairs]
            roots = [np.sqrt(v / (1 - 0.999 ** (step + 1))) for v in moments]
            gradients = [g / (r + 1e-8) for g, r in zip(gradients, roots, strict=True)]
        theta = [t - rate * g for t, g in zip(theta, gradients, strict=True)]
    for difference, start, end in zip(got, phi, theta, strict=True):
        assert_close(difference, start - end)


def test_reptiles_update_is_the_mean_of_theta_minus_phi_to_the_last_bit():
    tasks = [episode(seed) for seed in range(4)]
    batch = Episode(*(tf.stack(parts) for parts in zip(*tasks, strict=True)))
    network = classifier()
    learner = tfmeta.Reptile(network, 3, inner_learning_rate=0.05, vectorised=False)
    phi = [v.numpy() for v in network.trainable_variables]
    steps = [learner.task_gradients(task)[0] for task in tasks]  # phi - theta of each
    learner.compile(keras.optimizers.SGD(1.0), run_eagerly=True)
    learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
    for i, variable in enumerate(network.trainable_variables):
        total = np.zeros_like(phi[i])
        for step in steps:
            total = total + step[i].numpy()
        np.testing.assert_array_equal(variable.numpy(), phi[i] - total / 4)


def test_reptile_with_one_task_a_step_and_rate_one_ends_at_the_tasks_weights():
    """Serial Reptile (algorithm 1) with epsilon = 1."""
    network, task = classifier(), episode()
    learner = tfmeta.Reptile(network, 2, inner_learning_rate=0.1, num_minibatches=1)
    theta = learner.adapt(task.support_x, task.support_y, inner_steps=2)["weights"]
    learner.compile(keras.optimizers.SGD(1.0))
    batch = Episode(*(t[tf.newaxis] for t in task))
    learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
    for variable, value in zip(network.trainable_variables, theta.values(), strict=True):
        assert_close(variable.numpy(), value)


def test_a_long_inner_loop_is_that_of_as_many_steps():
    """More than ten steps run as a loop of the graph."""
    network, task = classifier(), episode()
    learner = tfmeta.Reptile(network, 12, inner_learning_rate=0.05, num_minibatches=1)
    *_, unrolled = learner.states(task.support_x, task.support_y, inner_steps=12)
    looped = tf.function(learner.adapt)(task.support_x, task.support_y)
    for name, value in unrolled["weights"].items():
        assert_close(looped["weights"][name], value)
    assert list(learner.adaptation_path(task.support_x, task.support_y)) == [0, 12]


@pytest.mark.parametrize("learner", [tfmeta.MetaSGD, tfmeta.MetaLSTM, tfmeta.Reptile])
def test_training_takes_more_than_ten_steps_vectorised(learner):
    learner = learner(classifier(), 11, inner_learning_rate=0.01, vectorised=True)
    learner.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    batch = Episode(*(t[tf.newaxis] for t in episode()))
    before = [v.numpy() for v in learner.network.trainable_variables]
    learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
    after = [v.numpy() for v in learner.network.trainable_variables]
    assert any((a != b).any() for a, b in zip(after, before, strict=True))


def test_reptile_deals_no_empty_share():
    network, task = classifier(), episode()
    few = task._replace(support_x=task.support_x[::SHOTS], support_y=task.support_y[::SHOTS])
    learner = tfmeta.Reptile(network, 3, num_minibatches=5)
    gradients, _ = learner.task_gradients(few)
    same, _ = tfmeta.Reptile(network, 3, num_minibatches=WAYS).task_gradients(few)
    for got, want in zip(gradients, same, strict=True):
        np.testing.assert_array_equal(got, want)


def test_meta_sgd_moves_each_weight_at_its_own_rate():
    network, task = classifier(), episode()
    learner = tfmeta.MetaSGD(network, inner_learning_rate=0.1)
    rng = np.random.default_rng(0)
    for rate in learner.rates:
        rate.assign(rng.normal(size=rate.shape))
    start = [v.numpy() for v in network.trainable_variables]
    _, gradients = loss_gradients(network, start, task.support_x, task.support_y)
    state = learner.adapt(task.support_x, task.support_y)["weights"].values()
    for got, theta, rate, gradient in zip(state, start, learner.rates, gradients, strict=True):
        assert_close(got, theta - rate.numpy() * gradient)


def test_mamls_learned_rates_are_one_for_each_layer_and_step():
    network, task = classifier(), episode()
    learner = tfmeta.MAML(network, 2, inner_learning_rate=0.1, learn_rates=True)
    assert learner.rates.shape == (2, 2)  # steps, layers
    learner.rates.assign([[0.3, 0.5], [0.7, 0.0]])
    weights = [v.numpy() for v in network.trainable_variables]
    for step in learner.rates.numpy():
        _, gradients = loss_gradients(network, weights, task.support_x, task.support_y)
        by_weight = [step[0], step[0], step[1], step[1]]  # kernel and bias of each layer
        weights = [w - r * g for w, r, g in zip(weights, by_weight, gradients, strict=True)]
    state = learner.adapt(task.support_x, task.support_y)["weights"].values()
    for got, want in zip(state, weights, strict=True):
        assert_close(got, want)


def test_the_multi_step_loss_fades_into_that_of_the_last_step():
    learner = tfmeta.MAML(classifier(), 3, multi_step_loss_steps=10, inner_learning_rate=0.2)
    learner.compile(keras.optimizers.SGD(0.0))
    learner.optimizer.build(learner.trainable_variables)
    task = episode()
    losses = [
        float(learner.task_loss(task.query_y, learner.predict_with(state, task.query_x)))
        for state in learner.states(task.support_x, task.support_y, inner_steps=3, first=1)
    ]
    for iterations, others in ((0, 1 / 3), (5, 1 / 6), (10, 0.01), (1000, 0.01)):
        learner.optimizer.iterations.assign(iterations)
        shares = [others, others, 1 - 2 * others]
        _, logs = learner.task_gradients(task)
        assert_close(float(logs["loss"]), np.dot(shares, losses))


def test_per_step_statistics_follow_the_support_sets_of_training():
    network = tfmeta.networks.conv4((8, 8, 1), WAYS, filters=3, num_blocks=1)
    learner = tfmeta.MAML(network, 2, inner_learning_rate=0.1, per_step_statistics=True)
    rng = np.random.default_rng(0)
    x = tf.constant(rng.uniform(size=(WAYS, 8, 8, 1)))
    y = tf.range(WAYS)
    seen = []
    learner.adapt(x, y, inner_steps=2, seen=seen)
    batch = Episode(*(t[tf.newaxis] for t in (x, y, x, y)))
    learner.compile(keras.optimizers.SGD(0.0))
    before = [v.numpy() for v in learner.moving_averages.variables]
    learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
    rows = zip(*seen, strict=True)  # of each statistic: before the first step, after each
    for variable, start, of_step in zip(
        learner.moving_averages.variables, before, rows, strict=True
    ):
        expected = start + 0.9 * (np.stack(of_step) - start)  # the first step's momentum is 1/10
        assert_close(variable.numpy(), expected)
    state = learner.adapt(x, y)
    for name, variable in zip(
        learner.function.statistic_names, learner.moving_averages.variables, strict=True
    ):
        np.testing.assert_array_equal(state["statistics"][name], variable.numpy()[2])


def test_meta_lstms_step_is_equations_2_to_4():
    network, task = classifier(), episode()
    learner = tfmeta.MetaLSTM(network, 2, inner_learning_rate=0.2, hidden_units=3)
    rng = np.random.default_rng(0)
    for variable in (*learner.forget_gate.weights, *learner.input_gate.weights):
        variable.assign(rng.normal(size=variable.shape))
    theta = [v.numpy() for v in network.trainable_variables]
    size = sum(t.size for t in theta)
    hidden = cell = np.zeros((size, 3))
    forget, learn = np.ones((size, 1)), np.zeros((size, 1))
    for _ in range(2):
        loss, gradients = loss_gradients(network, theta, task.support_x, task.support_y)
        flat = np.concatenate([t.reshape(-1, 1) for t in theta])
        gradient = np.concatenate([g.reshape(-1, 1) for g in gradients])
        inputs = np.hstack([*preprocessed(gradient), *preprocessed(np.full_like(gradient, loss))])
        hidden, cell = lstm(learner.cell, inputs, hidden, cell)
        forget = gate(learner.forget_gate, hidden, flat, forget)
        learn = gate(learner.input_gate, hidden, flat, learn)
        flat = forget * flat - learn * gradient
        splits = np.cumsum([t.size for t in theta])[:-1]
        parts = np.split(flat[:, 0], splits)
        theta = [part.reshape(t.shape) for part, t in zip(parts, theta, strict=True)]
    state = learner.adapt(task.support_x, task.support_y)["weights"].values()
    for got, want in zip(state, theta, strict=True):
        assert_close(got, want)
