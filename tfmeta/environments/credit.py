"""How much better than expected each action of some trajectories was, in the graph."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.environments.policy_targets import begins
from tfmeta.errors import UserError

RIDGE = 1e-5  # of the least squares; Duan et al.'s code, as the two below
MOST_OBSERVED = 10.0  # observations are clipped to it
TIME_UNIT = 100.0  # steps
# A deviation below this share of the largest return is the rounding of rewards in float32.
_LEAST_DEVIATION = 1e-6


def advantages(
    observations: Any,
    rewards: Any,
    steps: Any,
    *,
    happened: Any = None,
    discount: float = 0.99,
    gae_lambda: float = 1.0,
) -> tf.Tensor:
    """Generalised advantages over a linear baseline, normalised over the steps of each task.

    The sum over later steps of `(discount * gae_lambda)^k * (reward + discount * next value -
    value)`, where the values are `linear_baseline`'s, and 0 after the last step of a trajectory:
    Schulman et al. 2016, https://arxiv.org/abs/1506.02438, equation 16. Then mean 0 and deviation
    1. It is computed in float64, because the squares of the features have no float32 solution. No
    gradient flows through it.

    Args:
        observations: `(..., rows, size)`: the trajectories of a task one after the other, each in
            the order of time. What comes before are tasks.
        rewards: `(..., rows)`.
        steps: `(..., rows)`, the number of each step in its trajectory, from 0.
        happened: `(..., rows)`, bool: False for rows after the end of a trajectory, which may be
            any numbers and count for nothing. None: all rows happened.
        discount, gae_lambda: from 0 to 1.

    Returns:
        `(..., rows)`, float32; 0 where nothing happened, and everywhere in a task if the advantages
        differ by no more than rounding. They are divided by the share of the rows that happened, so
        that a mean over all rows is one over those.

    Raises:
        UserError: if the discount or `gae_lambda` is out of its range.
    """
    check_shares(discount=discount, gae_lambda=gae_lambda)
    steps = tf.cast(steps, tf.float64)
    valid = tf.ones_like(steps, tf.bool) if happened is None else tf.convert_to_tensor(happened)
    goes_on = tf.concat([~begins(steps)[..., 1:], tf.zeros_like(valid[..., :1])], -1)
    goes_on = tf.cast(goes_on, tf.float64)
    returns = discounted_sums(_only(valid, rewards), discount * goes_on)
    values = linear_baseline(observations, returns, steps, valid)
    errors = _only(valid, rewards) + discount * goes_on * _later(values, 1) - values
    found = discounted_sums(errors, discount * gae_lambda * goes_on)
    least = _LEAST_DEVIATION * tf.reduce_max(tf.abs(returns), -1, keepdims=True)
    return tf.stop_gradient(tf.cast(_normalised(found, valid, least), tf.float32))


def linear_baseline(observations: Any, returns: Any, steps: Any, valid: tf.Tensor) -> tf.Tensor:
    """The returns that a linear function of observation and time expects, fitted to them.

    Least squares on the valid steps of each task, with a ridge of 1e-5, of the features `o, o^2,
    t/100, (t/100)^2, (t/100)^3, 1`, where `o` is the observation clipped to [-10, 10] and `t` the
    step. Duan et al. 2016, https://arxiv.org/abs/1604.06778, section 6.2, and their code.

    Args:
        observations, returns, steps: `(..., rows, size)`, `(..., rows)` and `(..., rows)`.
        valid: `(..., rows)`, bool.

    Returns:
        `(..., rows)`, float64, 0 where a step is not valid.
    """
    observed = _only(valid[..., tf.newaxis], observations)
    observed = tf.clip_by_value(observed, -MOST_OBSERVED, MOST_OBSERVED)
    time = tf.cast(steps, tf.float64)[..., tf.newaxis] / TIME_UNIT
    powers = [time, time**2, time**3, tf.ones_like(time)]
    rows = _only(valid[..., tf.newaxis], tf.concat([observed, observed**2, *powers], -1))
    targets = _only(valid, returns)[..., tf.newaxis]
    squares = tf.matmul(rows, rows, transpose_a=True)
    squares += RIDGE * tf.eye(tf.shape(squares)[-1], dtype=tf.float64)
    weights = tf.linalg.solve(squares, tf.matmul(rows, targets, transpose_a=True))
    return tf.squeeze(tf.matmul(rows, weights), -1)


def discounted_sums(x: Any, factors: Any) -> tf.Tensor:
    """`s[i] = x[i] + factors[i] * s[i + 1]` along the last dimension, where the last is `x` itself.

    In log2(rows) passes, each of which adds up twice as many rows, because a loop over the rows
    would take long.

    Args:
        x, factors: `(..., rows)`.
    """
    x, factors = tf.convert_to_tensor(x), tf.convert_to_tensor(factors)
    length, distance = x.shape[-1], 1
    if length is None:
        return _sums_of_unknown_length(x, factors)
    while distance < length:
        x, factors = _doubled(x, factors, distance)
        distance *= 2
    return x


def _sums_of_unknown_length(x: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
    length, shape = tf.shape(x)[-1], x.shape

    def double(distance: tf.Tensor, x: tf.Tensor, factors: tf.Tensor) -> Any:
        return 2 * distance, *(tf.ensure_shape(t, shape) for t in _doubled(x, factors, distance))

    return tf.while_loop(lambda distance, *_: distance < length, double, (1, x, factors))[1]


def _doubled(x: tf.Tensor, factors: tf.Tensor, distance: Any) -> tuple[tf.Tensor, tf.Tensor]:
    return x + factors * _later(x, distance), factors * _later(factors, distance)


def _later(x: tf.Tensor, distance: Any) -> tf.Tensor:
    """`x[i + distance]` at i, and 0 where there is none."""
    return tf.concat([x[..., distance:], tf.zeros_like(x[..., :distance])], -1)


def _normalised(values: tf.Tensor, valid: tf.Tensor, least: tf.Tensor) -> tf.Tensor:
    count = tf.cast(valid, tf.float64)
    number = tf.reduce_sum(count, -1, keepdims=True)
    mean = tf.math.divide_no_nan(tf.reduce_sum(values * count, -1, keepdims=True), number)
    apart = (values - mean) * count
    variance = tf.math.divide_no_nan(tf.reduce_sum(apart**2, -1, keepdims=True), number)
    deviation = tf.sqrt(variance)
    rows = tf.cast(tf.shape(values)[-1], tf.float64)
    scaled = tf.math.divide_no_nan(apart * rows, deviation * number)
    return tf.where(deviation > least, scaled, tf.zeros_like(scaled))


def _only(valid: tf.Tensor, values: Any) -> tf.Tensor:
    values = tf.cast(values, tf.float64)
    return tf.where(valid, values, tf.zeros_like(values))


def check_shares(**shares: float) -> None:
    """Raises UserError if one is no number from 0 to 1."""
    for name, share in shares.items():
        is_number = isinstance(share, int | float | np.number) and not isinstance(share, bool)
        if not is_number or not 0 <= share <= 1:
            raise UserError(f"received {name}={share!r}; expected a number from 0 to 1")
