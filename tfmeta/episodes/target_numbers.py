"""What the training tasks' targets are like: the numbers that a learner scales values by."""

import numpy as np

from tfmeta.precision import rounding_error


def scale_of(targets) -> dict:
    """A learner's options `target_centre` and `target_spread` for the training tasks' targets.

    Args:
        targets: `(rows, outputs)`.

    Returns:
        Both as lists with one number per output: mean and standard deviation. The deviation is 1
        where all targets are equal.
    """
    targets = np.asarray(targets, np.float64)
    spread = targets.std(0)
    # Rounding leaves a tiny spread where all targets are equal. And of targets that differ by less
    # than the last digit of float32, in which the network learns, there is nothing to learn.
    least = rounding_error(np.float32, 2) * np.abs(targets).max(0, initial=0)
    spread = np.where(spread > least, spread, 1.0)
    return {"target_centre": targets.mean(0).tolist(), "target_spread": spread.tolist()}
