"""The steps of an inner loop whose activations are computed again for the meta-gradient."""

import contextlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfmeta.keras_internals import scope_with
from tfmeta.learners.draws import current_draws
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.recomputed_loop import no_rows, recomputed_loop, with_rows

# `(what changes, the number of the step, a list for its statistics)` -> what has changed.
TakeStep = Callable[[Any, Any, list[Any]], Any]


def recomputed_steps(
    take_step: TakeStep,
    start: Any,
    *,
    learner: MetaLearner,
    num_steps: int,
    seen: list[Any] | None = None,
) -> Any:
    """What the steps of an inner loop lead to; see `recomputed_loop` for what is kept of them.

    The variables that a step reads are read once, before the loop, so that gradients reach them.
    Each time that a step is taken its random layers draw the same, which its number decides.

    Args:
        take_step: of the `learner`; pure, with one pass in training through its network.
        start: a nested structure of floats, which a step changes.
        learner: whose variables the steps may read.
        num_steps: from 1 up.
        seen: None, or a list to which each step's statistics are appended.
    """
    trainable, others = learner.trainable_variables, learner.network.non_trainable_variables
    constants = [tf.convert_to_tensor(variable) for variable in others]
    draws, per_step = current_draws(), learner.function.states_per_pass
    from_here = draws and draws.later(0)  # `draws` goes on before the steps are computed again
    averages = [] if seen is None else [v for v, _ in learner.function.moving_variables()]
    first = tf.nest.flatten(start)
    size = len(first)

    # The state is what changes, and after it the statistics seen so far, a row per step.
    def step(number: tf.Tensor, state: list[tf.Tensor], given: list[tf.Tensor]) -> Any:
        before = tf.nest.pack_sequence_as(start, state[:size])
        statistics: list[Any] = []
        own_draws = from_here.later(number * per_step) if from_here else contextlib.nullcontext()
        with scope_with([*trainable, *others], [*given, *constants]), own_draws:
            after = take_step(before, number, statistics)
        row = [tf.stop_gradient(each) for each in statistics[0]] if averages else []
        return [*tf.nest.flatten(after), *with_rows(state[size:], number, row)]

    state = recomputed_loop(
        step,
        [*first, *no_rows(averages, num_steps)],
        [tf.convert_to_tensor(variable) for variable in trainable],
        num_steps=num_steps,
    )
    if draws:
        draws.skip(num_steps * per_step)
    if seen is not None:
        seen.extend([row[number] for row in state[size:]] for number in range(num_steps))
    return tf.nest.pack_sequence_as(start, state[:size])
