"""Convolutions of images on a CPU, with derivatives that are products of matrices.

Eigen's convolution runs near the peak of a core, but its derivatives at half of that: the one by
the kernel packs the transposed patches slowly, the one by the input adds up overlapping patches.
Three operations are enough for derivatives of every order, because each is linear in both of its
arguments, and a derivative of one is another:

    y = convolved(x, kernel)
    kernel' = by_kernel(x, y')      the derivative of the sum of y * y' by the kernel
    x' = by_input(kernel, y')       the same by x

Here `by_kernel` is a product of matrices on patches that are gathered row by row, a few images at
a time, and `by_input` of a convolution with strides is one dense convolution for each position
between two strides. With few patches TensorFlow's own operations are as fast, and are kept.
`benchmarks/README.md` has the figures.
"""

import contextlib
import functools
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfmeta.learners.patch_convolutions import asked_for, patches_along
from tfmeta.replaced_function import ReplacedFunction

# With fewer patches the operations that only copy cost more than the products save.
_FEWEST_PATCHES = 200
# Bytes of patches at once: what fits into a core's share of the last cache.
_MOST_BYTES = 10_000_000
# Parts in which the patches of a batch are made, so that graphs stay small.
_MOST_PARTS = 32
# With fewer channels Eigen reads an input one number at a time; patches are faster.
_FEW_CHANNELS = 8


class _Axis(NamedTuple):
    """One spatial dimension: sizes of the input, the kernel and the output, stride and margins."""

    size: int
    kernel: int
    stride: int
    output: int
    before: int
    after: int

    @classmethod
    def of(cls, size: int, kernel: int, stride: int, padding: str) -> "_Axis":
        return cls(size, kernel, stride, *patches_along(size, kernel, stride, padding))

    @property
    def padded(self) -> int:
        """The size of the input with its margins."""
        return self.size + self.before + self.after

    def phase(self, position: int) -> tuple[list[int], tuple[int, int], int]:
        """For the inputs at `position` modulo the stride: taps, margins of the output, number.

        Input `stride * i + position` has a part in output `i + shift` through each of the taps
        with `shift = (position + before - tap) / stride`.
        """
        taps = [
            tap
            for tap in reversed(range(self.kernel))
            if (position + self.before - tap) % self.stride == 0
        ]
        shifts = [(position + self.before - tap) // self.stride for tap in taps]
        number = math.ceil((self.size - position) / self.stride)
        return taps, (-shifts[0], number - 1 + shifts[-1] - (self.output - 1)), number


class Convolution:
    """A convolution of so many images of one size; the three operations of the module.

    Args:
        images: `(examples, height, width, channels)`.
        kernel: `(height, width, channels, filters)`.
        strides: two numbers.
        padding: "SAME" or "VALID".
    """

    def __init__(
        self,
        images: tuple[int, int, int, int],
        kernel: tuple[int, int, int, int],
        strides: tuple[int, ...],
        padding: str,
    ):
        self.images, self.kernel, self.padding = images, kernel, padding
        self._strides = [1, *strides, 1]
        self._axes = [
            _Axis.of(size, extent, stride, padding)
            for size, extent, stride in zip(images[1:3], kernel[:2], strides, strict=True)
        ]
        self.num_patches = images[0] * math.prod(axis.output for axis in self._axes)
        self._elements = math.prod(kernel[:3])
        self._parts = math.ceil(self.num_patches * self._elements * 4 / _MOST_BYTES)

    @property
    def pays(self) -> bool:
        """Whether it is large enough for these products, and small enough for their patches."""
        return self.num_patches >= _FEWEST_PATCHES and self._parts <= _MOST_PARTS

    def convolved(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """`(examples, height, width, channels)` -> `(examples, *patches, filters)`."""
        return _bilinear(self._convolved, self.by_input, self.by_kernel)(x, kernel)

    def by_kernel(self, x: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
        """The derivative by the kernel, in its shape."""
        return _bilinear(self._by_kernel, _turned(self.by_input), self.convolved)(x, upstream)

    def by_input(self, kernel: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
        """The derivative by the input, in its shape."""
        by_both = _turned(self.by_kernel), _turned(self.convolved)
        return _bilinear(self._by_input, *by_both)(kernel, upstream)

    def _convolved(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        if self.kernel[2] >= _FEW_CHANNELS:
            return tf.nn.conv2d(x, kernel, self._strides, self.padding)
        matrix = tf.reshape(kernel, (self._elements, -1))
        parts = [self._patches(part) @ matrix for part in self._divided(x)]
        return tf.reshape(tf.concat(parts, 0), (-1, *self._output, self.kernel[3]))

    def _by_kernel(self, x: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
        parts = []
        for some, their_upstream in zip(self._divided(x), self._divided(upstream), strict=True):
            rows, patches = tf.reshape(their_upstream, (-1, self.kernel[3])), self._patches(some)
            if self._elements > self.kernel[3]:  # the faster one of two equal products
                parts.append(tf.matmul(rows, patches, transpose_a=True))
            else:
                parts.append(tf.matmul(patches, rows, transpose_a=True))
        product = tf.add_n(parts)
        if self._elements > self.kernel[3]:
            product = tf.transpose(product)
        return tf.reshape(product, self.kernel)

    def _by_input(self, kernel: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
        rows, columns = self._axes
        is_dense = rows.stride == columns.stride == 1
        if is_dense or rows.stride > rows.kernel or columns.stride > columns.kernel:
            return tf.raw_ops.Conv2DBackpropInput(
                input_sizes=self.images,
                filter=kernel,
                out_backprop=upstream,
                strides=self._strides,
                padding=self.padding,
            )
        taps = tf.reshape(kernel, (-1, *self.kernel[2:]))
        taps = tf.transpose(taps, (0, 2, 1))  # (taps, filters, channels)
        phases = [
            tf.stack([self._phase(taps, upstream, i, j) for j in range(columns.stride)], 3)
            for i in range(rows.stride)
        ]
        height, width = (math.ceil(axis.size / axis.stride) * axis.stride for axis in self._axes)
        x = tf.reshape(tf.stack(phases, 2), (-1, height, width, self.kernel[2]))
        return x if (height, width) == self.images[1:3] else x[:, : rows.size, : columns.size]

    def _phase(self, taps: tf.Tensor, upstream: tf.Tensor, *position: int) -> tf.Tensor:
        """The derivative by the inputs at a position between the strides, padded to one size."""
        kept, margins, numbers = zip(
            *(axis.phase(at) for axis, at in zip(self._axes, position, strict=True)), strict=True
        )
        width = self._axes[1].kernel
        chosen = np.array([i * width + j for i in kept[0] for j in kept[1]], np.int32)
        kernel = tf.reshape(
            tf.gather(taps, chosen), (len(kept[0]), len(kept[1]), *self.kernel[:1:-1])
        )
        for axis, ends in enumerate(margins, 1):  # a negative margin is a row too many
            if min(ends) < 0:
                size = upstream.shape[axis]
                inside = slice(max(0, -ends[0]), size - max(0, -ends[1]))
                upstream = upstream[(slice(None),) * axis + (inside,)]
        edges = [(max(0, before), max(0, after)) for before, after in margins]
        part = tf.nn.conv2d(upstream, kernel, 1, [(0, 0), *edges, (0, 0)])
        missing = [
            (0, math.ceil(axis.size / axis.stride) - number)
            for axis, number in zip(self._axes, numbers, strict=True)
        ]
        return tf.pad(part, [(0, 0), *missing, (0, 0)]) if any(map(max, missing)) else part

    @property
    def _output(self) -> tuple[int, ...]:
        return tuple(axis.output for axis in self._axes)

    def _divided(self, x: tf.Tensor) -> list[tf.Tensor]:
        """The images in parts whose patches are small."""
        if self._parts == 1:
            return [x]
        ends = np.linspace(0, self.images[0], min(self._parts, self.images[0]) + 1).astype(int)
        return [x[start:end] for start, end in itertools.pairwise(ends)]

    def _patches(self, x: tf.Tensor) -> tf.Tensor:
        """`(patches, elements)`, gathered pixel by pixel.

        If pixels have many channels, that is ten times as fast as `tf.image.extract_patches`.
        """
        around = [(axis.before, axis.after) for axis in self._axes]
        height, width = (axis.padded for axis in self._axes)
        padded = tf.pad(x, [(0, 0), *around, (0, 0)])
        pixels = tf.reshape(padded, (-1, height * width, self.kernel[2]))
        return tf.reshape(tf.gather(pixels, self._places, axis=1), (-1, self._elements))

    @functools.cached_property
    def _places(self) -> np.ndarray:
        """For each element of each patch, its pixel in an image with its margins, int32."""
        rows, columns = self._axes
        down = np.add.outer(np.arange(rows.output) * rows.stride, np.arange(rows.kernel))
        across = np.add.outer(np.arange(columns.output) * columns.stride, np.arange(columns.kernel))
        places = down[:, None, :, None] * columns.padded + across[None, :, None, :]
        return places.ravel().astype(np.int32)


def _bilinear(operation: Any, by_first: Any, by_second: Any) -> Any:
    """A function of two tensors that is linear in both, with its derivatives.

    Args:
        operation: the function.
        by_first: `(second, upstream)` -> the derivative by the first tensor.
        by_second: `(first, upstream)` -> the derivative by the second.
    """

    @tf.custom_gradient
    def function(first: tf.Tensor, second: tf.Tensor) -> Any:
        return operation(first, second), lambda upstream: (
            by_first(second, upstream),
            by_second(first, upstream),
        )

    return function


def _turned(operation: Any) -> Any:
    return lambda first, second: operation(second, first)


def convolutions_with_products() -> contextlib.AbstractContextManager[None]:
    """Replaces `tf.nn.convolution` in its body, in this thread only, where `Convolution` pays.

    The others stay as they are: of one or three spatial dimensions, with groups or dilations, with
    channels first, of half precision, or of a size that is not known.
    """
    return _CONVOLUTION.by(_with_products)


def _with_products(original: Callable[..., tf.Tensor], *args: Any, **kwargs: Any) -> tf.Tensor:
    asked = asked_for(original, *args, **kwargs)
    if asked is None or len(asked.strides) != 2 or set(asked.dilations) != {1}:
        return original(*args, **kwargs)
    x, kernel = (tf.convert_to_tensor(each) for each in (asked.x, asked.kernel))
    is_plain = (
        x.shape[-1] == kernel.shape[2]
        and x.shape[0] is not None
        and x.dtype in (tf.float32, tf.float64)
    )
    if is_plain:
        images, size = tuple(x.shape), tuple(kernel.shape)
        convolution = Convolution(images, size, tuple(asked.strides), asked.padding.upper())
        if convolution.pays:
            return convolution.convolved(x, kernel)
    return original(*args, **kwargs)


_CONVOLUTION = ReplacedFunction(tf.nn, "convolution")
