"""A task state, nested as its method likes, as the flat named tensors of a signature."""

from collections.abc import Callable, Sequence

import tensorflow as tf


def flatten(task_state: dict, prefix: str = "") -> dict:
    """`{"weights": {"head_kernel": t}}` -> `{"weights_head_kernel": t}`.

    Raises:
        ValueError: if two entries would get the same name.
    """
    flat = {}
    for key, value in task_state.items():
        entries = (
            flatten(value, f"{prefix}{key}_") if isinstance(value, dict) else {prefix + key: value}
        )
        twice = entries.keys() & flat.keys()
        if twice:
            raise ValueError(f"the task state names {sorted(twice)} twice; expected each name once")
        flat.update(entries)
    return flat


def unflatten(flat: dict, like: dict, prefix: str = "") -> dict:
    """The inverse of `flatten`, in the nesting of `like`."""
    return {
        key: unflatten(flat, value, f"{prefix}{key}_")
        if isinstance(value, dict)
        else flat[prefix + key]
        for key, value in like.items()
    }


def specification(adapt: Callable, support: Sequence[tf.TensorSpec]) -> dict:
    """The nested TensorSpecs of the task state that `adapt` makes of a support set of these."""
    traced = tf.function(adapt, autograph=False).get_concrete_function(*support)
    return tf.nest.map_structure(
        lambda t: tf.TensorSpec(t.shape, t.dtype), traced.structured_outputs
    )
