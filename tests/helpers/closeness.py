"""How close two ways to get one number must be, by the kind of number: the suite's only tolerances.

Integers, copies and the same operations in the same order are exact, and compared so. Anything
else goes through a function of this file, one for each kind of comparison; a test
(`tests/system/test_closeness.py`) sees to it.
"""

import numpy as np

from tfmeta.precision import ROUNDINGS, rounding_error

# Of a sample's mean, in standard errors: chance alone goes beyond in 1 of 16,000. The seeds of the
# samples are fixed, so that a test that passed goes on passing.
STANDARD_ERRORS = 4
# Grey levels of 255 between two right readings of a file. Pillow rounds what is half transparent to
# 8 bits on the way, which moves a level by one; so does a grey of three colours, of which each
# library has its own whole numbers.
BLENDED = 1
# Pillow rounds after the rows and again after the columns, each time at its own fixed point.
RESIZED = 2
# Where a crop or a border comes first, it also starts from edges of its own, between pixels.
RESHAPED = 4
# JPEG leaves its decoders their own cosine transform and their own way to enlarge the colours.
JPEG = 8
# Of a value that takes an operation or two, each with its rounding: a pixel divided by 255.
FEW = 4
# Of a resampled sound: 74 dB below full scale, which is what Blackman's window lets through.
QUIETER_THAN_FULL_SCALE = 2e-4
# Of the gradients of two blocks of convolutions through a step of learning, of their length.
IN_HALF = 64
# A difference that a test wants to see is many times what rounding explains.
_FAR = 10


def assert_close(received, expected, *, roundings=ROUNDINGS, scale=None, dtype=None):
    """Compares up to rounding: no further apart than `roundings` half units in the last place.

    Args:
        received, expected: numbers or arrays of one shape; the coarser of the two dtypes counts.
        roundings: how many roundings may separate them; `tfmeta.precision` has the reason.
        scale: the size of the numbers that were added up, where it is not that of `expected`: where
            large terms cancel, the error is theirs.
        dtype: what they were computed in, where Python's floats don't tell.
    """
    received, expected = np.asarray(received), np.asarray(expected)
    assert received.shape == expected.shape, (received.shape, expected.shape)
    if not dtype and "f" not in received.dtype.kind + expected.dtype.kind:
        return np.testing.assert_array_equal(received, expected)
    atol = _tolerance((received, expected), roundings, scale, dtype)
    np.testing.assert_allclose(received, expected, rtol=0, atol=atol)


def assert_all_close(received, expected, **options):
    """`assert_close` for arrays that were computed together, such as a step's gradients.

    Their scale is that of the largest: a gradient of zero, of a bias before a normalisation, is
    what terms of that size leave when they cancel.
    """
    received, expected = (list(map(np.asarray, arrays)) for arrays in (received, expected))
    scale = max(np.max(np.abs(each), initial=0.0) for each in expected)
    for one, other in zip(received, expected, strict=True):
        assert_close(one, other, scale=scale, **options)


def assert_close_in_half(received, expected, policy):
    """Compares a step's gradients under one of Keras's mixed policies with those in float32.

    Each layer's outputs and gradients are rounded, to 8 bits in bfloat16 and to 11 in float16, and
    what is small beside the largest keeps the absolute error. So what counts is the difference of
    all gradients together, in roundings of their length; a gradient that is scaled twice, or lost
    below the least number of float16, is off by its whole length.
    """
    received, expected = (
        np.concatenate([np.ravel(each) for each in gradients]).astype(np.float64)
        for gradients in (received, expected)
    )
    rounding = {"mixed_bfloat16": 2.0**-8, "mixed_float16": 2.0**-11}[policy]
    apart = np.linalg.norm(received - expected) / np.linalg.norm(expected)
    assert apart <= IN_HALF * rounding, f"off by {apart / rounding:.0f} roundings of {policy}"


def assert_at_most(values, bound):
    """No value exceeds the bound by more than its rounding."""
    values = np.asarray(values)
    assert np.max(values) <= bound + _tolerance((values,), ROUNDINGS, None, None)


def assert_far_apart(one, other):
    """Somewhere they differ by far more than rounding: the opposite of `assert_close`."""
    one, other = np.asarray(one), np.asarray(other)
    assert np.max(np.abs(one - other)) > _FAR * _tolerance((one, other), ROUNDINGS, None, None)


def assert_same_answers(received, expected):
    """Compares answers of `tfmeta predict --json`: labels exactly, numbers up to rounding.

    Args:
        received, expected: lists of a dict for each image.
    """
    for one, other in zip(received, expected, strict=True):
        assert one.keys() == other.keys()
        numbers = {"confidence", "unknown", "probabilities"}
        exact = [{k: v for k, v in each.items() if k not in numbers} for each in (one, other)]
        assert exact[0] == exact[1]
        assert one["probabilities"].keys() == other["probabilities"].keys()
        values = [[*each["probabilities"].values(), each["confidence"]] for each in (one, other)]
        assert_close(*values, dtype=np.float32)
        # Of log-odds, where a probability that is next to nothing is a large number.
        odds = np.log(np.maximum(values[1], np.finfo(np.float32).tiny))
        scale = max(1.0, float(-odds.min()))
        assert_close(one["unknown"], other["unknown"], scale=scale, dtype=np.float32)


def assert_same_pixels(received, expected, *, levels=0):
    """Compares grey levels; `levels` is one of the constants above, where decoders may differ."""
    received, expected = (np.asarray(image).astype(int) for image in (received, expected))
    expected = np.broadcast_to(expected, received.shape)  # a grey one may be seen in colours
    assert np.max(np.abs(received - expected)) <= levels


def assert_within_chance(received, expected, standard_error):
    """Compares what a sample says with what holds of all, or of another sample."""
    apart = np.max(np.abs(np.subtract(received, expected)))
    assert apart <= STANDARD_ERRORS * standard_error, (received, expected)


def assert_uniform(values, low, high):
    """No value is outside, and the Kolmogorov-Smirnov test passes 999 of 1,000 such samples."""
    assert_at_most(values, high)
    assert_at_most(-values, -low)
    shares = (np.sort(np.ravel(values)) - low) / (high - low)
    steps = np.arange(len(shares) + 1) / len(shares)
    distance = max((steps[1:] - shares).max(), (shares - steps[:-1]).max())
    assert distance < 1.95 / len(shares) ** 0.5


def difference_quotient(at, step, dtype=np.float64):
    """`(quotient, error)`: a derivative by central differences of fourth order.

    The values' rounding is divided by the step. What the formula leaves out is the fourth power of
    the step, times a thirtieth of the fifth derivative: next to nothing at the steps of the tests,
    1e-6 to 2e-5 in float64 and 1e-2 in float32. A wrong derivative is wrong by a share of itself.

    Args:
        at: how far along a direction -> the value there, a float.
        step: so small that no ReLU turns over within two of them.
        dtype: what the values are computed in.
    """
    ahead, behind = at(step), at(-step)
    quotient = (8 * (ahead - behind) - (at(2 * step) - at(-2 * step))) / (12 * step)
    return quotient, rounding_error(dtype) * max(abs(ahead), abs(behind)) / step


def assert_derivative(at, derivative, *, step, of=""):
    """Compares a derivative in float64 with finite differences; see `difference_quotient`."""
    quotient, error = difference_quotient(at, step)
    message = f"{of}: received {derivative}, finite differences give {quotient} within {error:.1e}"
    assert abs(quotient - derivative) <= error, message


def assert_gradients(loss, variables, gradients, *, step):
    """Compares gradients in float64, of each variable along a random direction.

    Args:
        loss: takes nothing; a number that depends on the variables.
        variables, gradients: Keras variables, and tensors in their shapes.
        step: see `difference_quotient`.
    """
    rng = np.random.default_rng(1)
    for variable, gradient in zip(variables, gradients, strict=True):
        start, direction = variable.numpy(), rng.normal(size=variable.shape)

        def at(distance, variable=variable, start=start, direction=direction):
            variable.assign(start + distance * direction)
            return float(loss())

        expected = float(np.sum(np.asarray(gradient) * direction))
        assert_derivative(at, expected, step=step, of=variable.path)
        variable.assign(start)


def _tolerance(arrays, roundings, scale, dtype):
    """Of numbers of the last array's scale, unless another is given."""
    dtypes = [dtype] if dtype else [each.dtype for each in arrays if each.dtype.kind == "f"]
    scale = np.max(np.abs(arrays[-1]), initial=0.0) if scale is None else scale
    return max(rounding_error(each, roundings) for each in dtypes) * float(scale)
