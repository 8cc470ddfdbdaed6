"""Convolutions that run as one computation for many tasks, each with a kernel of its own.

TensorFlow's `vectorized_map` has no rule for the gradient of a convolution by its kernel: it falls
back to a loop over the tasks, and does so for a convolution whose kernel differs by task as well.
As a product of matrices, the patches of the input times the kernel, a convolution vectorises like
any dense layer, in derivatives of every order. A patch here is made of shifted views of the input,
so that its derivative is a sum of shifted views. All convolutions of Keras call
`tf.nn.convolution`. So while tasks run as one computation, the function below replaces it.
"""

import contextlib
import inspect
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfmeta.replaced_function import ReplacedFunction


def convolution(
    x: tf.Tensor,
    kernel: tf.Tensor,
    *,
    strides: Sequence[int],
    padding: str,
    dilations: Sequence[int],
) -> tf.Tensor:
    """What `tf.nn.convolution` computes, as patches and one product of matrices.

    Args:
        x: `(examples, *size, channels)`, of one to three spatial dimensions.
        kernel: `(*kernel size, channels / groups, filters)`.
        strides: steps from one patch to the next, one per spatial dimension.
        padding: "SAME" or "VALID".
        dilations: steps from one element of a patch to the next, one per spatial dimension.

    Returns:
        `(examples, *patches, filters)`.
    """
    *extent, in_group, filters = kernel.shape
    views = _shifted_views(x, extent, strides=strides, padding=padding, dilations=dilations)
    groups = x.shape[-1] // in_group
    size, elements = views[0].shape[1:-1], len(views) * in_group
    if groups == 1:
        patches = tf.reshape(tf.stack(views, axis=-2), (-1, elements))
        return tf.reshape(patches @ tf.reshape(kernel, (elements, filters)), (-1, *size, filters))
    # (examples, *size, groups, elements), and the kernel's filters are in the groups' order.
    grouped = [tf.reshape(view, (-1, *size, groups, in_group)) for view in views]
    patches = tf.reshape(tf.stack(grouped, axis=-2), (-1, groups, elements))
    kernels = tf.reshape(kernel, (elements, groups, filters // groups))
    return tf.reshape(tf.einsum("nge,egf->ngf", patches, kernels), (-1, *size, filters))


def _shifted_views(
    x: tf.Tensor,
    extent: Sequence[int],
    *,
    strides: Sequence[int],
    padding: str,
    dilations: Sequence[int],
) -> list[tf.Tensor]:
    """For each element of a patch, in the kernel's order, its value in every patch."""
    margins, sizes = [], []
    for size, kernel, stride, dilation in zip(
        x.shape[1:-1], extent, strides, dilations, strict=True
    ):
        number, *margin = patches_along(size, (kernel - 1) * dilation + 1, stride, padding)
        margins.append(margin)
        sizes.append(number)
    if any(before or after for before, after in margins):
        x = tf.pad(x, [(0, 0), *margins, (0, 0)])
    views = []
    for element in itertools.product(*map(range, extent)):
        parts = [
            slice(at * dilation, at * dilation + (number - 1) * stride + 1, stride)
            for at, dilation, number, stride in zip(element, dilations, sizes, strides, strict=True)
        ]
        view = (slice(None), *parts, slice(None))
        views.append(x[view])
    return views


def patches_along(size: int, reach: int, stride: int, padding: str) -> tuple[int, int, int]:
    """The number of patches along one spatial dimension, and the margins before and after it.

    Args:
        size: of the input.
        reach: from a patch's first to its last element, both included.
        stride: from one patch to the next.
        padding: "SAME" or "VALID".
    """
    if padding == "VALID":
        return math.ceil((size - reach + 1) / stride), 0, 0
    number = math.ceil(size / stride)
    missing = max(0, (number - 1) * stride + reach - size)
    return number, missing // 2, missing - missing // 2


def convolutions_by_patches() -> contextlib.AbstractContextManager[None]:
    """Replaces `tf.nn.convolution` by `convolution` in its body, in this thread only.

    A convolution with its channels first, or whose input has no fixed size, stays as it is.
    """
    return _CONVOLUTION.by(_by_patches)


class Asked(NamedTuple):
    """What a call of `tf.nn.convolution` asks for, with a stride and a dilation per dimension."""

    x: Any
    kernel: Any
    strides: Sequence[int]
    padding: str
    dilations: Sequence[int]


def asked_for(original: Any, *args: Any, **kwargs: Any) -> Asked | None:
    """What a call asks for; None with its channels first, or if a size is not fixed."""
    bound = inspect.signature(original).bind(*args, **kwargs)
    bound.apply_defaults()
    given = bound.arguments
    x, kernel, layout = given["input"], given["filters"], given["data_format"]
    channels_last = layout is None or layout.endswith("C")
    is_fixed = all(size is not None for size in [*x.shape[1:], *kernel.shape])
    if not (channels_last and is_fixed):
        return None
    rank = len(kernel.shape) - 2
    strides, dilations = (_per_dimension(given[name], rank) for name in ("strides", "dilations"))
    return Asked(x, kernel, strides, given["padding"], dilations)


def _by_patches(original: Any, *args: Any, **kwargs: Any) -> tf.Tensor:
    asked = asked_for(original, *args, **kwargs)
    if asked is None:
        return original(*args, **kwargs)
    return convolution(**asked._asdict())


def _per_dimension(steps: Any, rank: int) -> Sequence[int]:
    """Steps as TensorFlow takes them: none, one for all dimensions, or one for each."""
    if steps is None:
        return (1,) * rank
    return (steps,) * rank if isinstance(steps, int) else tuple(steps)


_CONVOLUTION = ReplacedFunction(tf.nn, "convolution")
