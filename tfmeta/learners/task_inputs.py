"""Checks the inputs of a learner: converts what is safe, and refuses what makes no sense.

Every learner's methods go through `checked_methods`, and every batch of Keras's steps through
`as_episodes`. Types and shapes are always checked. Labels and
numbers are checked where they are known: outside a graph here, and in a dataset by
`dataset_checks`.
"""

import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta.episodes.episode import Episode, PaddedEpisode, SolvedEpisode
from tfmeta.episodes.target_kind import CLASSES
from tfmeta.errors import UserError, counted
from tfmeta.learners import targets
from tfmeta.networks import declared_dtype
from tfmeta.reading.prepared_columns import TOLERATED_SPREAD, lost_in_float32

_STRUCTURES = (Episode, SolvedEpisode, PaddedEpisode)
_EXPECTED = (
    "expected a tfmeta.Episode(support_x, support_y, query_x, query_y) of tensors with a leading "
    "tasks dimension: support_x (tasks, support, ...), support_y (tasks, support) integer labels "
    "or (tasks, support, outputs) float targets, and the queries likewise"
)


# Batches, for Keras's steps


def as_episodes(learner: keras.Model, data: Any, *, leading: int = 2) -> Any:
    """An Episode (or a PaddedEpisode or SolvedEpisode) in the types that a learner takes.

    Args:
        learner: a MetaLearner.
        data: an Episode, also as a plain tuple or a dict, or in the form in which Keras passes it
            to a step, `(x,)` or `(x, None, None)`.
        leading: number of dimensions before those of an example: 2 for a batch of tasks, 1 for a
            task.

    Raises:
        UserError: if it is no episode, or its types or shapes make no sense.
    """
    episodes = structured(data)
    changed: dict[str, Any] = {}
    for side in ("support", "query"):
        x, y = (getattr(episodes, f"{side}_{part}") for part in "xy")
        x = as_examples(learner, x, name=f"{side}_x", leading=leading)
        y = as_targets(learner, y, name=f"{side}_y", leading=leading)
        refuse_unequal(x, y, side, leading=leading)
        changed |= {f"{side}_x": x, f"{side}_y": y}
    episodes = episodes._replace(**changed)
    if leading == 2 and not isinstance(episodes, PaddedEpisode):
        refuse_labels(learner, episodes.support_y, name="support_y")
        refuse_labels(learner, episodes.query_y, name="query_y")
    return episodes


def check_specification(learner: keras.Model, episodes: Any) -> None:
    """Refuses a dataset by its specification, as `as_episodes` does a batch.

    Args:
        learner: a MetaLearner.
        episodes: a structure of `tf.TensorSpec`, as `structured` returns it.
    """
    for side in ("support", "query"):
        x, y = (getattr(episodes, f"{side}_{part}") for part in "xy")
        _check_examples(learner, x, name=f"{side}_x", leading=2)
        _check_targets(learner, y, name=f"{side}_y", leading=2)


def structured(data: Any) -> Any:
    """A batch as an Episode, in whatever way Keras has wrapped it; raises UserError if it is none.

    It may hold tensors or their specifications.
    """
    if type(data) is tuple and data and isinstance(data[0], (dict, *_STRUCTURES)):
        if any(other is not None for other in data[1:]):
            raise UserError(f"received an Episode and something beside it; {_EXPECTED}")
        data = data[0]
    if isinstance(data, dict):
        for structure in _STRUCTURES:
            if data.keys() == set(structure._fields):
                return structure(**data)
    if isinstance(data, _STRUCTURES):
        return data
    if isinstance(data, (tuple, list)) and len(data) == len(Episode._fields):
        return Episode(*data)
    raise UserError(f"received {_described(data)}; {_EXPECTED}")


def _described(data: Any) -> Any:
    if isinstance(data, dict):
        return f"a dict with the keys {', '.join(map(str, data))}"
    if isinstance(data, (tuple, list)):
        return f"a {type(data).__name__} of {len(data)}"
    return f"a {type(data).__name__}" + (
        f" of shape {data.shape}" if hasattr(data, "shape") else ""
    )


# Tensors


def as_examples(learner: keras.Model, x: tf.Tensor, *, name: str, leading: int = 1) -> tf.Tensor:
    """Examples in the type that the network takes; raises UserError if their shape is wrong."""
    x = tf.convert_to_tensor(x)
    _check_examples(learner, x, name=name, leading=leading)
    wanted = tf.as_dtype(declared_dtype(learner.network) or keras.config.floatx())
    if x.dtype.is_complex:
        raise UserError(f"received {name} of type {x.dtype.name}; expected real numbers")
    if x.dtype == tf.float64 and wanted == tf.float32 and hasattr(x, "numpy"):
        _warn_of_lost_digits(x.numpy(), name)
    return tf.cast(x, wanted) if wanted.is_floating and x.dtype != tf.string else x


def _check_examples(learner: keras.Model, x: Any, *, name: str, leading: int) -> None:
    """Refuses examples of another shape than the network takes, or their specification."""
    shape = x.shape
    if shape.rank is None:
        return
    expected = learner.example_shape(shape[leading:])
    if not shape[leading:].is_compatible_with(expected):
        before = ("tasks", "examples")[-leading:]
        raise UserError(
            f"received {name} of shape {_shape(shape)}; this network takes examples of shape "
            f"{_shape(expected)}, so expected {_shape((*before, *expected))}"
        )
    if leading == 2 and shape[1] == 0:
        raise UserError(f"received an empty {name} of shape {_shape(shape)}; expected examples")
    _refuse_wide_integers(learner.network, x, name=name)


def _warn_of_lost_digits(x: np.ndarray, name: str) -> None:
    """Says which features of float64 examples float32 can't tell apart."""
    lost = lost_in_float32(x, TOLERATED_SPREAD)
    if lost.size:
        warnings.warn(
            f"{name}: {counted(lost.size, 'feature')} of float64 differ by less than float32 can "
            f"tell apart (the first is number {lost[0]}, from 0), which the network computes with. "
            "Subtract what they have in common, or make the network from keras.Input(shape, "
            "dtype='float64')",
            stacklevel=4,
        )


def _refuse_wide_integers(network: keras.Model, x: tf.Tensor, *, name: str) -> None:
    """Refuses integers that Keras would cast to half precision: it can't tell large ones apart."""
    is_half = tf.as_dtype(network.compute_dtype).size == 2
    if is_half and declared_dtype(network) is None and x.dtype.is_integer and x.dtype.size > 1:
        raise UserError(
            f"received {name} of type {x.dtype.name} for a network in {network.compute_dtype} that "
            "doesn't say what it takes; expected one made from keras.Input(shape, dtype='int32'), "
            "whose integers stay as they are"
        )


def as_targets(learner: keras.Model, y: tf.Tensor, *, name: str, leading: int = 1) -> tf.Tensor:
    """Targets as int32 labels or floats; raises UserError if they are not for the learner."""
    y = tf.convert_to_tensor(y)
    _check_targets(learner, y, name=name, leading=leading)
    return tf.cast(y, tf.int32 if targets.are_labels(y, leading) else learner.variable_dtype)


def _check_targets(learner: keras.Model, y: Any, *, name: str, leading: int) -> None:
    """Refuses targets that are not for the learner, or their specification."""
    if targets.are_labels(y, leading):
        targets.refuse_other(CLASSES, learner.known_target_kind, by=f"integer {name}")
        return
    if y.shape.rank == leading:
        raise UserError(
            f"received {name} of type {y.dtype.name} and shape {_shape(y.shape)}; expected integer "
            "labels, or targets with a last dimension: their number of outputs, 1 if there is one"
        )
    by = f"{name} of type {y.dtype.name} and shape {_shape(y.shape)}"
    known = learner.known_target_kind
    targets.refuse_other(targets.of_vectors(known), known, by=by)
    outputs = learner.target_shape
    if learner.has_own_loss or y.shape.rank is None or len(outputs) != y.shape.rank - leading:
        outputs = y.shape[leading:]  # a user's loss may take targets of any shape
    if not y.shape[leading:].is_compatible_with(outputs):
        raise UserError(f"received {by}; this network answers with {_shape(outputs)} for each")


def refuse_unequal(x: tf.Tensor, y: tf.Tensor, side: Any, *, leading: Any) -> None:
    if tf.is_tensor(x) and not x.shape[:leading].is_compatible_with(y.shape[:leading]):
        raise UserError(
            f"received {side}_x of shape {_shape(x.shape)} and {side}_y of shape "
            f"{_shape(y.shape)}; expected a target for each example"
        )


def refuse_labels(learner: keras.Model, y: tf.Tensor, *, name: str) -> None:
    """Raises UserError for labels that make no sense, if their values are known."""
    if not y.dtype.is_integer or not hasattr(y, "numpy") or not tf.executing_eagerly():
        return
    labels = y.numpy()
    if not labels.size:
        raise UserError(f"received an empty {name} of shape {_shape(y.shape)}; expected examples")
    most = learner.num_outputs
    if labels.min() < 0 or (most is not None and labels.max() >= most):
        expected = "0 up" if most is None else f"0 to {most - 1}, as this learner's {most} outputs"
        raise UserError(
            f"received {name} with labels from {labels.min()} to {labels.max()}; expected labels "
            f"from {expected}"
        )


def refuse_one_hot(learner: keras.Model, y: tf.Tensor) -> None:
    """Raises UserError for rows of zeros and a one, if nobody has said that targets are values."""
    is_said = learner.known_target_kind is not None or learner.has_own_loss
    if is_said or y.shape.rank != 2 or y.shape[1] == 1 or not hasattr(y, "numpy"):
        return
    values = y.numpy()
    if len(values) and np.isin(values, (0, 1)).all() and (values.sum(1) == 1).all():
        raise UserError(
            f"received support_y of shape {_shape(y.shape)}, whose rows look like one-hot labels; "
            "expected integer labels, such as support_y.argmax(-1). If they are values, make the "
            "learner with targets='values'"
        )


def refuse_infinite(**tensors: Any) -> None:
    """Raises UserError for numbers that are not finite, if their values are known."""
    for name, values in tensors.items():
        can_be_seen = hasattr(values, "numpy") and tf.executing_eagerly()
        if not can_be_seen or not values.dtype.is_floating:
            continue
        values = values.numpy()
        finite = np.isfinite(values)
        if not finite.all():
            first = np.argwhere(~finite)[0].tolist()
            raise UserError(
                f"received {name} with {np.sum(~finite)} values that are no finite numbers in "
                f"{values.dtype}, the first at {first}: {values[tuple(first)]}; expected finite "
                "numbers"
            )


def _shape(shape: Any) -> str:
    return "(" + ", ".join("any" if size is None else str(size) for size in tuple(shape)) + ")"
