"""A loop through which gradients pass, and which keeps no activations of its steps for them.

A step's activations are computed again when the backward pass comes to it, from the state before
that step. These states are not all kept either: of n steps about the square root of n are, and the
backward pass computes the others from the nearest one, so that each step runs three times in all.
The graph has each step once, whatever their number.

Chen, Xu, Zhang and Guestrin 2016, https://arxiv.org/abs/1604.06174, section 4.1; for states in
place of layers, Griewank and Walther 2000, https://doi.org/10.1145/347837.347846.
`tf.recompute_grad` would keep its arguments for every step, and unroll the graph.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Tensors = list[tf.Tensor]
# `(number of the step, a tensor; the state before it; what is given)` -> the state after it.
Step = Callable[[tf.Tensor, Tensors, Tensors], Tensors]


def recomputed_loop(
    step: Step, state: Sequence[tf.Tensor], given: Sequence[tf.Tensor], *, num_steps: int
) -> Tensors:
    """The state after some steps; differentiable, once, in the first state and in what is given.

    Args:
        step: pure; it reads no variable, and its states keep their shapes.
        state: before the first step; floats.
        given: floats, the same for every step. What `step` captures is a constant.
        num_steps: from 1 up.
    """
    length = math.isqrt(num_steps - 1) + 1  # of a segment, the square root rounded up
    segments = -(-num_steps // length)
    size = len(state)

    @tf.custom_gradient
    def run(*tensors: tf.Tensor) -> Any:
        start, given = list(tensors[:size]), list(tensors[size:])

        def forward(segment: tf.Tensor, state: Tensors, kept: Any) -> Any:
            kept = with_rows(kept, segment, state)
            first, last = _ends(segment, length, num_steps)
            return segment + 1, _advanced(step, state, given, first, last), kept

        _, end, kept = _loop(
            lambda segment, *_: segment < segments, forward, (0, start, no_rows(start, segments))
        )

        def backward(*slopes: tf.Tensor) -> Any:
            dense = [tf.convert_to_tensor(slope) for slope in slopes]  # some are sparse
            return _pulled_back(step, kept, given, dense, length=length, num_steps=num_steps)

        return end, backward

    return list(run(*state, *given))


def _pulled_back(
    step: Step, kept: Tensors, given: Tensors, slopes: Tensors, *, length: int, num_steps: int
) -> Tensors:
    """The gradients in the first state and in what is given.

    Args:
        step, given, num_steps: see `recomputed_loop`.
        kept: the states before each segment, as rows.
        slopes: the gradients in the last state.
        length: steps of a segment.
    """
    segments = -(-num_steps // length)

    def of_segment(segment: tf.Tensor, slopes: Tensors, sums: Tensors) -> Any:
        first, last = _ends(segment, length, num_steps)
        start = _row(kept, segment)

        def remember(number: tf.Tensor, state: Tensors, states: Any) -> Any:
            states = with_rows(states, number - first, state)
            return number + 1, step(number, state, given), states

        # The last step of a segment is not taken here: only the state before it is needed.
        begin = (first, start, no_rows(start, length))
        _, state, states = _loop(lambda number, *_: number < last - 1, remember, begin)
        states = with_rows(states, last - 1 - first, state)

        def of_step(number: tf.Tensor, slopes: Tensors, sums: Tensors) -> Any:
            before = _row(states, number - first)
            slopes, more = _step_pulled_back(step, number, before, given, slopes)
            return number - 1, slopes, [s + m for s, m in zip(sums, more, strict=True)]

        _, slopes, sums = _loop(
            lambda number, *_: number >= first, of_step, (last - 1, slopes, sums)
        )
        return segment - 1, slopes, sums

    zeros = [tf.zeros_like(tensor) for tensor in given]
    _, slopes, sums = _loop(
        lambda segment, *_: segment >= 0, of_segment, (segments - 1, slopes, zeros)
    )
    return [*slopes, *sums]


def _step_pulled_back(
    step: Step, number: tf.Tensor, state: Tensors, given: Tensors, slopes: Tensors
) -> tuple[Tensors, Tensors]:
    """The gradients of one step, which is taken once more, in its state and in what is given."""
    inputs = [*state, *given]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        after = step(number, state, given)
    found = tape.gradient(after, inputs, output_gradients=slopes, unconnected_gradients="zero")
    found = [tf.convert_to_tensor(each) for each in found]  # some are sparse
    return found[: len(state)], found[len(state) :]


def _advanced(step: Step, state: Tensors, given: Tensors, first: Any, last: Any) -> Tensors:
    """The state after the steps from `first` up to, and without, `last`."""
    _, state = _loop(
        lambda number, _: number < last,
        lambda number, state: (number + 1, step(number, state, given)),
        (first, state),
    )
    return state


def _loop(condition: Any, body: Any, start: Any) -> Any:
    # One iteration at a time: the next could begin while this one's activations are still there.
    return tf.while_loop(condition, body, start, parallel_iterations=1)


def _ends(segment: tf.Tensor, length: int, num_steps: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The number of a segment's first step, and of the first one after it."""
    return segment * length, tf.minimum((segment + 1) * length, num_steps)


# Rows of tensors, and no TensorArray, which XLA does not compile after `vectorized_map`.


def no_rows(tensors: Sequence[Any], number: int) -> Tensors:
    """Room for so many of each of these tensors; or of variables."""
    return [tf.zeros((number, *each.shape), each.dtype) for each in tensors]


def with_rows(rows: Tensors, index: tf.Tensor, tensors: Sequence[tf.Tensor]) -> Tensors:
    """The rows, with these tensors as those of an index."""
    return [
        tf.tensor_scatter_nd_update(row, [[index]], [tensor])
        for row, tensor in zip(rows, tensors, strict=True)
    ]


def _row(rows: Tensors, index: tf.Tensor) -> Tensors:
    return [tf.gather(row, index) for row in rows]
