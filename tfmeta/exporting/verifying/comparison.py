"""How far two answers are apart."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfmeta.exporting.contract import LABEL, PROBABILITIES


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


def answer_difference(
    received: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    what: str,
    tolerance: float,
    class_names: Sequence[str] | None = None,
) -> float:
    """The largest `difference` of two answers, arrays by name.

    Two classes whose probabilities are within the tolerance of each other are as likely, and
    rounding decides which one is the label.

    Args:
        class_names: of the labels, in the order of the probabilities; None if they are numbers.

    Raises:
        CheckFailed: if the answers differ by more than the tolerance, or in a label otherwise.
    """
    worst = 0.0
    for name, want in expected.items():
        have = received[name]
        if name == LABEL and PROBABILITIES in expected and have.shape == want.shape:
            have = _labels_that_count(have, want, expected[PROBABILITIES], tolerance, class_names)
        worst = max(worst, difference(have, want, f"{what}: {name}", tolerance))
    return worst


def _labels_that_count(
    received: np.ndarray,
    expected: np.ndarray,
    probabilities: np.ndarray,
    tolerance: float,
    class_names: Sequence[str] | None,
) -> np.ndarray:
    """The labels received, and those expected in place of others that are as likely."""
    names = range(probabilities.shape[-1]) if class_names is None else class_names
    places = {name: place for place, name in enumerate(names)}
    kept = received.copy()
    for where in zip(*np.nonzero(received != expected), strict=True):
        found = [places.get(_plain(labels[where])) for labels in (received, expected)]
        if None not in found:
            one, other = probabilities[where][found]
            kept[where] = expected[where] if abs(one - other) <= tolerance else received[where]
    return kept


def _plain(label: object) -> object:
    return label.decode() if isinstance(label, bytes) else label
