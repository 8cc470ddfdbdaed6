"""How close two ways to compute one number must be: the suite's use of `tfmeta.precision`."""

import numpy as np

from tfmeta.precision import ROUNDINGS, rounding_error


def assert_close(received, expected, *, roundings=ROUNDINGS, scale=None):
    """Compares up to rounding: no further apart than `roundings` half units in the last place.

    Args:
        received, expected: arrays of one shape; the coarser of the two dtypes counts.
        roundings: how many roundings may separate them; `tfmeta.precision` has the reason.
        scale: the size of the numbers that were added up, where it is not that of `expected`: where
            large terms cancel, the error is theirs.
    """
    received, expected = np.asarray(received), np.asarray(expected)
    assert received.shape == expected.shape, (received.shape, expected.shape)
    if not (_is_float(received) or _is_float(expected)):
        return np.testing.assert_array_equal(received, expected)
    error = max(rounding_error(v.dtype, roundings) for v in (received, expected) if _is_float(v))
    scale = np.max(np.abs(expected), initial=0.0) if scale is None else scale
    np.testing.assert_allclose(received, expected, rtol=0, atol=error * float(scale))


def _is_float(array):
    return array.dtype.kind == "f"
