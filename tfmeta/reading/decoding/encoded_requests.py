"""Encoded examples of one request: how many they may be, and how they are prepared one by one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

Checked = tuple[tf.Tensor, tf.Tensor]  # encoded examples, and what their beginnings say

# Of a function that reads one example, for `experimental_attributes`. It is not inlined, and its
# branches and loops are optimised once, as parts of it, and not each by itself before.
KEPT_WHOLE = {"_noinline": True, "_tf_data_function": True}


def at_most(limit: int, values: Any, what: str, limit_name: str) -> tf.Tensor:
    """An assertion that no value is above a limit; its message names the limit."""
    most = tf.reduce_max(tf.concat([[0], tf.reshape(tf.cast(values, tf.int64), [-1])], 0))
    return tf.debugging.Assert(
        most <= limit, [f"{what}: received", most, f"expected at most {limit} ({limit_name})"]
    )


def each_is_good(is_good: tf.Tensor, refusals: Sequence[str]) -> tf.Tensor:
    """An assertion about several inputs `(inputs,)` whose message is that of the first bad one.

    It is one for all, because each is a branch of the graph, and a table may have many columns.
    """
    first = tf.gather(tf.constant(refusals), tf.argmin(tf.cast(is_good, tf.int32)))
    return tf.debugging.Assert(tf.reduce_all(is_good), [first])


def within_request(
    files: dict[str, tf.Tensor],
    limits: Mapping[str, int],
    *,
    noun: str,
    unit: str,
    checked: Callable[[tf.Tensor, str], Checked],
    cost: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> dict[str, Checked]:
    """The files of a request, or an error before any is decoded. See `InputFormat.within_limits`.

    Args:
        files: strings, by the name of the input.
        limits: those of the request; `request_NOUN` and `request_UNIT` are looked at here.
        noun: what the examples are, in the plural.
        unit: in which their cost is counted, in the plural.
        checked: the strings and the name of an input -> the same strings, each looked at by itself,
            and what their beginnings say.
        cost: what the beginnings say -> how many units each example has.
    """
    names, number = " and ".join(files), sum(map(tf.size, files.values()))
    name_of_limit = f"request_{noun}"
    check = at_most(limits[name_of_limit], number, f"{names}: {noun}", name_of_limit)
    with tf.control_dependencies([check]):
        files = {name: tf.identity(value) for name, value in files.items()}
    found = {name: checked(value, name) for name, value in files.items()}
    total = sum(tf.reduce_sum(cost(told)) for _, told in found.values())
    name_of_limit = f"request_{unit}"
    check = at_most(limits[name_of_limit], total, f"{names}: {unit}", name_of_limit)
    with tf.control_dependencies([check]):
        return {name: (tf.identity(encoded), told) for name, (encoded, told) in found.items()}


def each_prepared(
    prepare_one: Callable[[tuple[tf.Tensor, ...]], tf.Tensor],
    elements: tuple[tf.Tensor, ...],
    *,
    spec: tf.TensorSpec,
    are_large: tf.Tensor,
) -> tf.Tensor:
    """Examples that are prepared side by side, `(..., *spec.shape)`.

    A large one waits for all before it, so that only one large example at a time takes memory.

    Args:
        prepare_one: an element -> one prepared example.
        elements: tensors `(examples, ...)`.
        spec: of one prepared example.
        are_large: `(...)`, whether an example is large.
    """
    number, is_large = tf.size(are_large), tf.reshape(are_large, [-1])

    def prepare_next(index: Any, ends: Any, prepared: Any) -> tuple[Any, Any, Any]:
        # A branch of `tf.cond` waits for what it takes, and for no more.
        wait = tf.cond(is_large[index], lambda: tf.identity(ends), lambda: 0)
        with tf.control_dependencies([wait]):
            element = tuple(tf.identity(each[index]) for each in elements)
        example = prepare_one(element)
        with tf.control_dependencies([example]):
            ends = tf.identity(ends)
        return index + 1, ends, prepared.write(index, example)

    prepared = tf.TensorArray(spec.dtype, number, element_shape=spec.shape)
    start = (tf.constant(0), tf.constant(0), prepared)
    _, _, prepared = tf.while_loop(lambda index, *_: index < number, prepare_next, start)
    return tf.reshape(prepared.stack(), tf.concat([tf.shape(are_large), spec.shape], 0))
