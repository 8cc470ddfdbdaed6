"""Finds the first step whose numbers are not finite, and keeps the weights from before it."""

from typing import Any

import keras
import tensorflow as tf

from tfmeta.errors import NotFiniteError, UserError, listed

_KINDS = ("loss", "gradient", "update")  # in the order of the flags
_COUNT, _FIRST = 0, 1  # positions of the step count and of the first bad step's number


class FiniteGuard:
    """A check inside the train step; it finds the exact step, however many one execution has.

    If the loss, a gradient or an updated weight of a step is not finite, this step and all later
    ones change no variable. So the learner and its optimizer stay as they were after the last good
    step. The code that trains asks for the `failure` when the execution ends.
    """

    def __init__(self) -> None:
        # Steps since the reset, the number of the first bad step (0 for none), and what was bad in
        # it.
        self._record = tf.Variable(
            tf.zeros(2 + len(_KINDS), tf.int64),
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    def reset(self) -> None:
        """Forgets the failure, and counts steps from one again."""
        self._record.assign(tf.zeros_like(self._record))

    @property
    def failure(self) -> NotFiniteError | None:
        """The first bad step since the reset, or None."""
        record = self._record.read_value().numpy()
        if not record[_FIRST]:
            return None
        what = [kind for kind, is_bad in zip(_KINDS, record[2:], strict=True) if is_bad]
        return NotFiniteError(int(record[_FIRST]), what)

    def check(self) -> None:
        """Raises NotFiniteError if there was a bad step since the reset."""
        if failure := self.failure:
            raise failure

    def apply(
        self,
        update: Any,
        variables: list[Any],
        *,
        loss: Any,
        gradients: list[tf.Tensor],
        may_overflow: Any = False,
    ) -> None:
        """Makes a step's update, or leaves everything unchanged, in the train step's graph.

        Args:
            update: a function without arguments that assigns to the variables.
            variables: all variables that the update may change.
            loss: of the step.
            gradients: of the step, on this replica.
            may_overflow: whether `update` itself skips a step whose gradients are not finite, as
                loss scaling does; such a step is then a good one.
        """
        variables = [v.value if isinstance(v, keras.Variable) else v for v in variables]
        before = [tf.convert_to_tensor(v) for v in variables]
        flags = [_is_bad([loss]), _is_bad(gradients) & ~tf.convert_to_tensor(may_overflow)]
        update()
        bad_update = _is_bad([tf.convert_to_tensor(v) for v in variables])
        flags.append(bad_update & ~flags[0] & ~flags[1])  # not if it follows from these
        flags = tf.cast(tf.stack(flags), tf.int64)
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            flags = tf.cast(flags, tf.int32)  # a TPU adds up no int64
            flags = tf.cast(replica.all_reduce(tf.distribute.ReduceOp.SUM, flags), tf.int64)
        record = tf.convert_to_tensor(self._record)
        count, first = record[_COUNT] + 1, record[_FIRST]
        is_bad = (first > 0) | tf.reduce_any(flags > 0)
        seen = tf.where(first > 0, record[_FIRST:], tf.concat([[count], flags], 0))
        seen = tf.where(is_bad, seen, tf.zeros_like(seen))
        after = tf.concat([[count], seen], 0)
        # Assigned in the way of Keras's optimizers, which every strategy allows.
        tf.__internal__.distribute.interim.maybe_merge_call(
            _assign,
            tf.distribute.get_strategy(),
            [*variables, self._record],
            [*before, after],
            is_bad,
        )

    def stopping(self, callbacks: Any) -> Any:
        """A user's callbacks, and one more that raises NotFiniteError at a bad step."""
        stop = _StopAtBadStep(self)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(stop)
            return callbacks
        if callbacks is None:
            return [stop]
        return [*(callbacks if isinstance(callbacks, list | tuple) else [callbacks]), stop]


class _StopAtBadStep(keras.callbacks.Callback):
    """Raises at a bad step, unless another callback, such as TerminateOnNaN, has stopped `fit`."""

    def __init__(self, guard: Any):
        super().__init__()
        self._guard = guard

    def on_train_batch_end(self, batch: Any, logs: Any = None) -> None:
        if not self.model.stop_training:
            self._guard.check()


def _assign(distribution: Any, variables: list[Any], values: Any, is_bad: Any) -> None:
    """Puts the old values back after a bad update; the last variable is the guard's own."""
    *variables, record = variables
    *values, after = values

    def put_back(variable: Any, value: Any, is_bad: Any) -> None:
        variable.assign(tf.where(is_bad, value, tf.convert_to_tensor(variable)))

    for variable, value in zip(variables, values, strict=True):
        distribution.extended.update(variable, put_back, args=(value, is_bad), group=False)
    distribution.extended.update(record, lambda v, new: v.assign(new), args=(after,), group=False)


def _is_bad(tensors: list[tf.Tensor]) -> tf.Tensor:
    finite = [tf.reduce_all(tf.math.is_finite(t)) for t in tensors if t.dtype.is_floating]
    return ~tf.reduce_all(tf.stack(finite)) if finite else tf.constant(False)


def refuse_not_finite(learner: keras.Model) -> None:
    """Raises UserError, with their names, if weights of a learner are not finite."""
    names = [
        variable.path
        for variable in learner.variables
        if variable.dtype != "string" and not _all_finite(variable)
    ]
    if names:
        raise UserError(
            f"received a learner with weights that are not finite: {listed(names)}. Its training "
            "went wrong, and no answer of it means anything; train it anew, at a lower rate or on "
            "scaled data",
            exit_status=1,
        )


def _all_finite(variable: Any) -> tf.Tensor:
    value = tf.convert_to_tensor(variable)
    return not value.dtype.is_floating or bool(tf.reduce_all(tf.math.is_finite(value)))
