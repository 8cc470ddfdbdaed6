"""How close two ways to compute one number must be: the one place for the suite's tolerances."""

import numpy as np

# The roundings that may add up between two right ways to compute a number: sums of a few thousand
# terms, in another order, through a handful of layers. Float32 then has 1,000 * 6e-8 = 6e-5.
ROUNDINGS = 1_000


def assert_close(received, expected, *, roundings=ROUNDINGS, scale=None):
    """Compares up to rounding: no further apart than `roundings` half units in the last place.

    Args:
        received, expected: arrays of one shape; the coarser of the two dtypes counts.
        roundings: how many roundings may separate them.
        scale: the size of the numbers that were added up, where it is not that of `expected`: where
            large terms cancel, the error is theirs.
    """
    received, expected = np.asarray(received), np.asarray(expected)
    epsilon = max(np.finfo(v.dtype).eps for v in (received, expected) if v.dtype.kind == "f") / 2
    scale = np.max(np.abs(expected), initial=0.0) if scale is None else scale
    np.testing.assert_allclose(received, expected, rtol=0, atol=roundings * epsilon * float(scale))
