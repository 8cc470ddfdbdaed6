"""How much better than expected each action of some trajectories was, in the graph.

Everything is of one task: K trajectories of at most T steps, of which the first ones are valid.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.errors import UserError

RIDGE = 1e-5  # of the least squares; Duan et al.'s code, as the two below
MOST_OBSERVED = 10.0  # observations are clipped to it
TIME_UNIT = 100.0  # steps
# A deviation below this share of the largest return is the rounding of rewards in float32.
_LEAST_DEVIATION = 1e-6


def discounted_returns(rewards: Any, valid: Any, discount: float = 0.99) -> tf.Tensor:
    """The sum of the rewards from each step on, each discounted by its distance.

    Args:
        rewards: `(K, T)`.
        valid: `(K, T)`, bool; the valid steps of a trajectory come first.
        discount: from 0 to 1.

    Returns:
        `(K, T)`, float64, 0 where a step is not valid.
    """
    _check(discount=discount)
    valid = tf.convert_to_tensor(valid)
    return _discounted_sums(_only(valid, rewards), valid, discount)


def linear_baseline(observations: Any, returns: Any, valid: Any) -> tf.Tensor:
    """The returns that a linear function of observation and time expects, fitted to them.

    Least squares on the valid steps, with a ridge of 1e-5, of the features `o, o^2, t/100,
    (t/100)^2, (t/100)^3, 1`, where `o` is the observation clipped to [-10, 10] and `t` the step
    from 0. Duan et al. 2016, https://arxiv.org/abs/1604.06778, section 6.2, and their code.

    Args:
        observations: `(K, T, size)`.
        returns: `(K, T)`.
        valid: `(K, T)`, bool.

    Returns:
        `(K, T)`, float64, 0 where a step is not valid.
    """
    valid = tf.convert_to_tensor(valid)
    observed = _only(valid[:, :, tf.newaxis], observations)
    observed = tf.clip_by_value(observed, -MOST_OBSERVED, MOST_OBSERVED)
    time = tf.cast(tf.range(tf.shape(valid)[1]), tf.float64) / TIME_UNIT
    powers = tf.stack([time, time**2, time**3, tf.ones_like(time)], 1)
    powers = tf.tile(powers[tf.newaxis], [tf.shape(valid)[0], 1, 1])
    features = tf.concat([observed, observed**2, powers], 2)
    features = _only(valid[:, :, tf.newaxis], features)
    rows = tf.reshape(features, [-1, tf.shape(features)[2]])
    targets = tf.reshape(_only(valid, returns), [-1, 1])
    squares = tf.matmul(rows, rows, transpose_a=True)
    squares += RIDGE * tf.eye(tf.shape(squares)[0], dtype=tf.float64)
    weights = tf.linalg.solve(squares, tf.matmul(rows, targets, transpose_a=True))
    return tf.reshape(tf.matmul(rows, weights), tf.shape(valid))


def advantages(
    observations: Any, rewards: Any, valid: Any, *, discount: float = 0.99, gae_lambda: float = 1.0
) -> tf.Tensor:
    """Generalised advantages over the linear baseline, normalised over the valid steps of the task.

    The sum over later steps of `(discount * gae_lambda)^k * (reward + discount * next value -
    value)`, where the values are `linear_baseline`'s, and 0 after the last valid step: Schulman et
    al. 2016, https://arxiv.org/abs/1506.02438, equation 16. Then mean 0 and deviation 1. It is
    computed in float64, because the squares of the features have no float32 solution. No gradient
    flows through it.

    Args:
        observations: `(K, T, size)`.
        rewards: `(K, T)`.
        valid: `(K, T)`, bool: whether a step was taken. What is not valid may be any number.
        discount, gae_lambda: from 0 to 1.

    Returns:
        `(K, T)`, float32; 0 where a step is not valid, and everywhere if the advantages differ by
        no more than rounding.

    Raises:
        UserError: if the discount or `gae_lambda` is out of its range.
    """
    _check(discount=discount, gae_lambda=gae_lambda)
    valid = tf.convert_to_tensor(valid)
    returns = discounted_returns(rewards, valid, discount)
    values = linear_baseline(observations, returns, valid)
    following = tf.pad(values[:, 1:], [[0, 0], [0, 1]])
    errors = _only(valid, rewards) + discount * following - values
    found = _discounted_sums(errors, valid, discount * gae_lambda)
    least = _LEAST_DEVIATION * tf.reduce_max(tf.abs(tf.pad(returns, [[0, 1], [0, 0]])))
    return tf.stop_gradient(tf.cast(_normalised(found, valid, least), tf.float32))


def _normalised(values: tf.Tensor, valid: tf.Tensor, least: tf.Tensor) -> tf.Tensor:
    number = tf.reduce_sum(tf.cast(valid, tf.float64))
    mean = tf.math.divide_no_nan(tf.reduce_sum(_only(valid, values)), number)
    apart = _only(valid, values - mean)
    deviation = tf.sqrt(tf.math.divide_no_nan(tf.reduce_sum(apart**2), number))
    scaled = tf.math.divide_no_nan(apart, deviation)
    return tf.where(deviation > least, scaled, tf.zeros_like(scaled))


def _discounted_sums(values: tf.Tensor, valid: tf.Tensor, discount: float) -> tf.Tensor:
    """One product with the powers of the discount: a loop over steps would not be vectorised."""
    steps = tf.range(tf.shape(valid)[1])
    later = steps[:, tf.newaxis] - steps  # how far the row's step is after the column's
    powers = tf.constant(discount, tf.float64) ** tf.cast(tf.maximum(later, 0), tf.float64)
    powers = tf.where(later >= 0, powers, tf.zeros_like(powers))
    return _only(valid, tf.matmul(values, powers))


def _only(valid: tf.Tensor, values: Any) -> tf.Tensor:
    values = tf.cast(values, tf.float64)
    return tf.where(valid, values, tf.zeros_like(values))


def _check(**shares: float) -> None:
    for name, share in shares.items():
        is_number = isinstance(share, int | float | np.number) and not isinstance(share, bool)
        if not is_number or not 0 <= share <= 1:
            raise UserError(f"received {name}={share!r}; expected a number from 0 to 1")
