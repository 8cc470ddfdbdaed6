"""Actions of a diagonal Gaussian whose mean and deviation are a network's outputs."""

import math
from typing import Any

import tensorflow as tf

# 1e-6 as in MAML's code. It has no upper bound; with this one, an action and its density's
# gradient are finite.
LEAST_LOG_DEVIATION, MOST_LOG_DEVIATION = math.log(1e-6), math.log(1e6)


def mean_and_log_deviation(outputs: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """The two halves of a network's outputs; the second is clipped to [log 1e-6, log 1e6].

    Args:
        outputs: `(n, 2 * action_size)`: means, then logarithms of deviations.

    Returns:
        Two tensors `(n, action_size)`; what has less than float32's precision becomes float32.
    """
    outputs = tf.convert_to_tensor(outputs)
    if outputs.dtype.size < 4:
        outputs = tf.cast(outputs, tf.float32)
    mean, log_deviation = tf.split(outputs, 2, axis=-1)
    log_deviation = tf.clip_by_value(log_deviation, LEAST_LOG_DEVIATION, MOST_LOG_DEVIATION)
    return mean, log_deviation


def sample(outputs: Any, noise: Any) -> tf.Tensor:
    """Actions: the mean, plus the noise times the deviation; not clipped to any bounds.

    Args:
        outputs: `(n, 2 * action_size)`, see `mean_and_log_deviation`.
        noise: `(n, action_size)`, standard normal numbers; zeros for the mean itself.

    Returns:
        `(n, action_size)`.
    """
    mean, log_deviation = mean_and_log_deviation(outputs)
    return mean + tf.exp(log_deviation) * tf.cast(noise, mean.dtype)


def log_probability(outputs: Any, actions: Any) -> tf.Tensor:
    """The logarithm of the density of each action.

    Args:
        outputs: `(n, 2 * action_size)`, see `mean_and_log_deviation`.
        actions: `(n, action_size)`, as they were drawn: before they are clipped to any bounds.

    Returns:
        `(n,)`.
    """
    mean, log_deviation = mean_and_log_deviation(outputs)
    apart = (tf.cast(actions, mean.dtype) - mean) * tf.exp(-log_deviation)
    each = -0.5 * apart**2 - log_deviation - 0.5 * math.log(2 * math.pi)
    return tf.reduce_sum(each, axis=-1)
