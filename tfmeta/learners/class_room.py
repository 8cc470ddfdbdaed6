"""How many classes a task's answer has room for, and sums over its classes.

A method without a head of fixed size answers with a column for each class of the support set: as
many as its largest label, and one. Tasks that run together need the same number of columns, and a
compiled graph one that does not depend on the labels. Whoever runs a batch says so here; the same
for the examples, of a method that keeps every one.
"""

import contextlib
import contextvars

import tensorflow as tf

_room = contextvars.ContextVar("tfmeta_class_room", default=None)
_examples_room = contextvars.ContextVar("tfmeta_examples_room", default=None)
_ABSENT = -1e9  # the logit of a class without an example: a probability of exactly zero


@contextlib.contextmanager
def room_for_classes(support_y, *, static: bool = False):
    """Inside, every task answers with as many columns as the batch's largest label needs.

    Args:
        support_y: `(tasks, support)` labels; of targets that are values nothing follows.
        static: shapes must not depend on values, as XLA demands: a column for each support example.
    """
    if not tf.as_dtype(support_y.dtype).is_integer:
        yield
        return
    size = support_y.shape[1] or tf.shape(support_y)[1]
    token = _room.set(size if static else tf.reduce_max(support_y) + 1)
    try:
        yield
    finally:
        _room.reset(token)


@contextlib.contextmanager
def room_for_examples(number):
    """Inside, a task state that keeps every example has room for so many, whatever a task has."""
    token = _examples_room.set(number)
    try:
        yield
    finally:
        _examples_room.reset(token)


def membership(support_y, dtype) -> tf.Tensor:
    """`(support, classes)`: one where the example is of the class, else zero."""
    room = _room.get()
    depth = tf.reduce_max(support_y) + 1 if room is None else room
    return tf.one_hot(support_y, depth, dtype=dtype)


def kept_examples(examples, support_y) -> dict:
    """The task state of a method that keeps every example: `support` and `members`.

    An example that is no member of any class is none: where a request's tasks have support sets of
    several sizes (`room_for_examples`), the smaller are filled up with such.
    """
    members = membership(support_y, examples.dtype)
    room = _examples_room.get()
    missing = 0 if room is None else room - tf.shape(members)[0]

    def filled(tensor):
        if room is None:
            return tensor
        return tf.pad(tensor, [[0, missing], *([0, 0] for _ in tensor.shape[1:])])

    return {"support": filled(examples), "members": filled(members)}


def class_sums(examples, members) -> tf.Tensor:
    """`(classes, ...)`: the sum over each class's examples; zero where there are none.

    The same to the last bit however much room there is for classes and whatever else is summed,
    which a matrix product with the members is not: a task's answer must not depend on its company
    in a batch, nor a query's on the other queries.

    Args:
        examples: `(support, ...)`; zero for one that is of no class.
        members: what `membership` returns.
    """
    room = members.shape[1] or tf.shape(members)[1]
    return tf.math.unsorted_segment_sum(examples, tf.argmax(members, 1), room)


def class_means(examples, members) -> tf.Tensor:
    """`(classes, ...)`: the mean of each class's examples, from `class_sums`."""
    shots = tf.maximum(tf.reduce_sum(members, 0), 1.0)
    sums = class_sums(examples, members)
    return sums / tf.reshape(shots, (-1, *(1 for _ in examples.shape[1:])))


def without_absent(outputs, shots) -> tf.Tensor:
    """Logits `(queries, classes)` in which a class without `shots` `(classes,)` cannot win."""
    return tf.where(shots[tf.newaxis] > 0, outputs, tf.cast(_ABSENT, outputs.dtype))


def is_possible(outputs):
    """Where logits `(queries, classes)` are of classes that have examples."""
    return outputs > _ABSENT / 2
