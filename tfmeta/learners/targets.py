"""What a task's targets are, classes or values: told to a learner once, and kept by it."""

import keras

from tfmeta.errors import UserError

CLASSES, VALUES = "classes", "values"
_OF_LABELS = keras.losses.sparse_categorical_crossentropy


def checked_kind(targets) -> str | None:
    """The kind that a constructor was given; raises ValueError if it is none."""
    if targets not in (None, CLASSES, VALUES):
        raise ValueError(f"received targets={targets!r}; expected 'classes', 'values' or None")
    return targets


def of_loss(loss) -> str | None:
    """What targets a loss is for; None of a user's own, which may be for either."""
    if loss is None:
        return None
    loss = keras.losses.get(loss)
    function = getattr(loss, "fn", loss)
    if function is _OF_LABELS or isinstance(loss, keras.losses.SparseCategoricalCrossentropy):
        return CLASSES
    module = getattr(function, "__module__", None) or type(loss).__module__
    return VALUES if module.partition(".")[0] == "keras" else None


def of_tensor(y) -> str:
    """What targets a tensor holds, by its type."""
    return CLASSES if y.dtype.is_integer else VALUES


def refuse_other(received: str | None, expected: str | None, *, by: str) -> None:
    """Raises UserError if something is for one kind, and the learner for the other.

    Args:
        received: the kind, None if it may be either.
        expected: the learner's, None if it doesn't know yet.
        by: what was received, for the message.
    """
    if received and expected and received != expected:
        raise UserError(
            f"received {by}, which is for targets that are {received}; this learner's are "
            f"{expected}. Make the learner with targets={received!r}, or give what is for "
            f"{expected}"
        )
