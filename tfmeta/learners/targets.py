"""The kind of a task's targets, classes or values; a learner is told once, and keeps it."""

from typing import Any

import keras
import tensorflow as tf

from tfmeta.environments.policy_loss import PolicyLoss, Return
from tfmeta.environments.policy_targets import PolicyTargets
from tfmeta.episodes.target_kind import ACTIONS, CLASSES, KINDS, VALUES, TargetKind
from tfmeta.errors import UserError

_OF_LABELS = keras.losses.sparse_categorical_crossentropy


def checked_kind(targets: str | None) -> TargetKind | None:
    """The kind with the name that a constructor received; raises ValueError for other names."""
    if targets is not None and targets not in KINDS:
        names = ", ".join(map(repr, KINDS))
        raise ValueError(f"received targets={targets!r}; expected one of {names}, or None")
    return None if targets is None else KINDS[targets]


def of_loss(loss: Any) -> TargetKind | None:
    """The kind of targets that a loss is for; None for a user's own loss, which may take both."""
    if loss is None:
        return None
    loss = keras.losses.get(loss)
    function = getattr(loss, "fn", loss)
    if function is _OF_LABELS or isinstance(loss, keras.losses.SparseCategoricalCrossentropy):
        return CLASSES
    if isinstance(loss, PolicyLoss):
        return ACTIONS
    module = getattr(function, "__module__", None) or type(loss).__module__
    return VALUES if module.partition(".")[0] == "keras" else None


def are_labels(y: Any, leading: int) -> bool:
    """Whether targets, or their specification, are labels: integers, one for each example.

    Args:
        y: `(..., examples)` or `(..., examples, outputs)`.
        leading: number of dimensions up to that of the examples.
    """
    is_one_each = y.dtype.is_integer and y.shape.rank in (None, leading)
    return bool(y.dtype == tf.bool or is_one_each)


def of_batch(y: Any) -> TargetKind:
    """The kind of targets `(tasks, examples, ...)`, or of their specification."""
    return CLASSES if are_labels(y, 2) else VALUES


def of_tensor(y: tf.Tensor) -> TargetKind:
    """The kind of targets that a learner has taken, by their type; float vectors are values."""
    return CLASSES if y.dtype.is_integer else VALUES


def of_vectors(known: TargetKind | None) -> TargetKind:
    """The kind of float vectors for a learner of a known kind: values, unless it takes actions."""
    return known if known is not None and known.are_values else VALUES


def default_loss(kind: TargetKind) -> keras.losses.Loss:
    """The loss that is minimised if `compile` receives none."""
    if kind.name == ACTIONS.name:
        return PolicyLoss(_num_actions(kind))
    if kind.are_values:
        return keras.losses.MeanSquaredError()
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def default_metric(kind: TargetKind) -> keras.metrics.Metric:
    if kind.name == ACTIONS.name:
        return Return(_num_actions(kind), name=kind.metric)
    if kind.are_values:
        return keras.metrics.MeanSquaredError(kind.metric)
    return keras.metrics.SparseCategoricalAccuracy(kind.metric)


def _num_actions(kind: TargetKind) -> int:
    if kind.size is None:
        raise ValueError(f"received {kind}; expected the size of the answers too")
    return PolicyTargets.of_answers(kind.size).num_actions


def refuse_other(received: TargetKind | None, expected: TargetKind | None, *, by: str) -> None:
    """Raises UserError if something is for one kind of targets, and the learner for the other.

    Args:
        received: the kind of what was received; None if it may be either.
        expected: the learner's kind; None if it doesn't know it yet.
        by: what was received, for the message.
    """
    if received and expected and received.name != expected.name:
        raise UserError(
            f"received {by}, which is for targets that are {received.name}; this learner's are "
            f"{expected.name}. Make the learner with targets={received.name!r}, or give what is "
            f"for {expected.name}"
        )
