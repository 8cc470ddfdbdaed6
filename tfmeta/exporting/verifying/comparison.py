"""How far two answers are apart."""

import numpy as np


class CheckFailed(Exception):
    """A check that does not hold; the text is for the user."""


def same_bytes(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays hold the same to the last bit, NaN included."""
    if one.dtype.hasobject:
        return one.tolist() == other.tolist()
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def one_by_one(answers: list[np.ndarray], *, like: np.ndarray) -> np.ndarray:
    """Separate answers as one array of the shape of `like`, the answer to all of them in a batch.

    A batch gives every answer the columns of its largest; the added columns must be zero.
    """
    missing = [like.shape[-1] - answer.shape[-1] for answer in answers]
    if like.ndim > 1 and like.dtype.kind == "f" and any(missing) and min(missing) >= 0:
        sides = [(0, 0)] * (like.ndim - 1)
        padded = zip(answers, missing, strict=True)
        answers = [np.pad(answer, [*sides, (0, columns)]) for answer, columns in padded]
    return np.concatenate(answers)


def largest_difference(received: np.ndarray, expected: np.ndarray) -> float:
    """Relative above 1."""
    scale = np.maximum(1.0, np.abs(expected))
    return float(np.max(np.abs(received - expected) / scale, initial=0.0))


def difference(received: np.ndarray, expected: np.ndarray, what: str, tolerance: float) -> float:
    """The largest difference, relative above 1; raises CheckFailed if it exceeds the tolerance."""
    if received.shape != expected.shape or received.dtype != expected.dtype:
        raise CheckFailed(
            f"{what}: received {received.dtype}{list(received.shape)}, "
            f"expected {expected.dtype}{list(expected.shape)}"
        )
    if received.dtype.kind != "f":
        if received.tolist() != expected.tolist():
            raise CheckFailed(f"{what}: received {received.tolist()}, expected {expected.tolist()}")
        return 0.0
    worst = largest_difference(received, expected)
    if not worst <= tolerance:
        raise CheckFailed(f"{what}: differs by {worst:.1e}; expected at most {tolerance:.0e}")
    return worst
