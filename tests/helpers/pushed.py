"""A point that is pushed, by known equations: dynamics for controllers, and their best actions."""

import numpy as np
import tensorflow as tf

from tfmeta.control import Dynamics

A = np.array([[1.0, 0.5], [0.0, 0.9]])  # a place and a speed
B = np.array([[0.1, 0.0], [0.5, -0.3]])
TARGET = np.array([1.0, 0.0])


class Pushed(Dynamics):
    """`next = A observation + B action`; what it adapts to says how strong the push is."""

    input_size, observation_size = 4, 2

    def adapt(self, support_x, support_y):
        """The strength in the last transition, by what the speed became."""
        x, change = support_x[-1], support_y[-1]
        pushed = tf.linalg.matvec(tf.constant(B, tf.float32), x[2:])[1]
        drift = tf.linalg.matvec(tf.constant(A - np.eye(2), tf.float32), x[:2])[1]
        return (change[1] - drift) / pushed

    def changes(self, task_state, query_x):
        drift = tf.linalg.matmul(query_x[:, :2], tf.constant((A - np.eye(2)).T, tf.float32))
        return drift + task_state * tf.linalg.matmul(query_x[:, 2:], tf.constant(B.T, tf.float32))


def follow(state, action, strength=1.0):
    """The next observation, in NumPy."""
    return A @ state + strength * (B @ action)


def reward(observation, action, following):
    """The nearer to the target and the smaller the action, the better."""
    del observation
    away = tf.reduce_sum((following - tf.constant(TARGET, tf.float32)) ** 2, 1)
    return -away - 0.1 * tf.reduce_sum(action**2, 1)


def cost(actions, start):
    """Of a sequence `(horizon, 2)`, in NumPy: minus the sum of the rewards."""
    state, total = np.asarray(start, np.float64), 0.0
    for action in np.asarray(actions, np.float64):
        state = follow(state, action)
        total += ((state - TARGET) ** 2).sum() + 0.1 * (action**2).sum()
    return total


def best_actions(start, horizon):
    """The least of `cost`, by least squares: every state is linear in the actions."""
    rows, right = [], []
    for step in range(1, horizon + 1):
        drift = np.linalg.matrix_power(A, step) @ start
        parts = [np.linalg.matrix_power(A, step - 1 - i) @ B for i in range(step)]
        parts += [np.zeros((2, 2))] * (horizon - step)
        rows.append(np.hstack(parts))
        right.append(TARGET - drift)
    design = np.vstack([*rows, np.sqrt(0.1) * np.eye(2 * horizon)])
    answers = np.concatenate([*right, np.zeros(2 * horizon)])
    return np.linalg.lstsq(design, answers, rcond=None)[0].reshape(horizon, 2)
