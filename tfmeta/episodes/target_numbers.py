"""The numbers by which a learner scales values, from the training tasks' targets."""

from typing import Any

import numpy as np

from tfmeta.precision import rounding_error


def scale_of(targets: Any) -> dict[str, Any]:
    """A learner's options `target_centre` and `target_spread` for the training tasks' targets.

    Args:
        targets: `(rows, outputs)`.

    Returns:
        The mean and the standard deviation, both as lists with one number per output. The deviation
        is 1 if all targets are equal.
    """
    targets = np.asarray(targets, np.float64)
    spread = targets.std(0)
    # Rounding leaves a tiny deviation if all targets are equal. And if targets differ by less than
    # the last digit of float32, in which the network computes, nothing can be learned.
    least = rounding_error(np.float32, 2) * np.abs(targets).max(0, initial=0)
    spread = np.where(spread > least, spread, 1.0)
    return {"target_centre": targets.mean(0).tolist(), "target_spread": spread.tolist()}
