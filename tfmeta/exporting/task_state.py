"""A task state, nested as the learner returns it, as the flat named tensors of a signature."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Nested = dict[str, Any]  # of tensors, or of their TensorSpecs


def flatten(task_state: Nested, prefix: str = "") -> dict[str, Any]:
    """`{"weights": {"head_kernel": t}}` -> `{"weights_head_kernel": t}`.

    Raises:
        ValueError: if two entries would get the same name.
    """
    flat: dict[str, Any] = {}
    for key, value in task_state.items():
        entries = (
            flatten(value, f"{prefix}{key}_") if isinstance(value, dict) else {prefix + key: value}
        )
        twice = entries.keys() & flat.keys()
        if twice:
            raise ValueError(f"the task state names {sorted(twice)} twice; expected each name once")
        flat.update(entries)
    return flat


def unflatten(flat: dict[str, Any], like: Nested, prefix: str = "") -> Nested:
    """The inverse of `flatten`, in the nesting of `like`."""
    return {
        key: unflatten(flat, value, f"{prefix}{key}_")
        if isinstance(value, dict)
        else flat[prefix + key]
        for key, value in like.items()
    }


def specification(adapt: Callable[..., Nested], support: Sequence[tf.TensorSpec]) -> Nested:
    """The nested TensorSpecs of the state that `adapt` returns for a support set of these specs."""
    traced = tf.function(adapt, autograph=False).get_concrete_function(*support)
    return tf.nest.map_structure(
        lambda t: tf.TensorSpec(t.shape, t.dtype), traced.structured_outputs
    )
