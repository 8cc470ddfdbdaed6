"""A variant of each signature that takes encoded examples, which the graph prepares."""

from collections.abc import Callable

import tensorflow as tf

from tfmeta.exporting.contract import EXAMPLES, SUPPORT_SIZE, SUPPORT_X
from tfmeta.exporting.limits import RequestLimits
from tfmeta.exporting.writing.refusals import of_its_shape
from tfmeta.exporting.writing.served_functions import Functions, Specs, Tensors
from tfmeta.reading.decoding.encoded_requests import each_is_good
from tfmeta.reading.input_format import InputFormat


def with_encoded(
    functions: Functions,
    input_format: InputFormat,
    *,
    limits: RequestLimits | None = None,
    checked_first: Callable[[Tensors], Tensors] = dict,
) -> Functions:
    """The functions, and also a variant of each that takes encoded examples, if the format has any.

    An input of prepared examples becomes the inputs that `InputFormat.inputs_of` names, such as
    `NAME_bytes`, `NAME_text` or one for each column. They are prepared in the graph, by the code
    that prepared the training examples.

    Args:
        functions: `{name: (function, input specs)}`.
        input_format: of the examples.
        limits: the most that a request may hold.
        checked_first: returns the inputs of a variant after all checks that need no preparation.
    """
    suffix = input_format.suffix
    if not suffix:
        return functions
    every, limits = dict(functions), limits or RequestLimits()
    for name, (function, specs) in functions.items():
        encoded = {key: input_format.inputs_of(key) for key in EXAMPLES if key in specs}
        every[name + suffix] = (
            _preparing(function, input_format, encoded, limits, checked_first),
            _encoded_specs(specs, input_format, encoded),
        )
    return every


def _encoded_specs(
    specs: Specs, input_format: InputFormat, encoded: dict[str, dict[str, str]]
) -> Specs:
    rank = len(input_format.shape or ())  # of an example
    found: Specs = {}
    for name, spec in specs.items():
        if name not in encoded:
            found[name] = spec
        for each, dtype in encoded.get(name, {}).items():
            found[each] = tf.TensorSpec(spec.shape[:-rank], tf.as_dtype(dtype), each)
    return found


def _preparing(
    function: Callable[..., Tensors],
    input_format: InputFormat,
    encoded: dict[str, dict[str, str]],
    limits: RequestLimits,
    checked_first: Callable[[Tensors], Tensors],
) -> Callable[..., Tensors]:
    """The function, of encoded examples.

    Args:
        encoded: `InputFormat.inputs_of` each input of prepared examples.
    """
    every = [each for inputs in encoded.values() for each in inputs]

    def prepare_and_call(**inputs: tf.Tensor) -> Tensors:
        inputs = dict(inputs)
        for parts in encoded.values():
            inputs |= _of_one_shape({each: inputs[each] for each in parts})
        inputs = checked_first(inputs)
        if SUPPORT_SIZE in inputs:
            inputs |= _padded(inputs, input_format)
        prepared = {name: value for name, value in inputs.items() if name not in every}
        limited = input_format.within_limits({each: inputs[each] for each in every}, limits)
        for name, parts in encoded.items():
            own = {each: limited[each] for each in parts}
            prepared[name] = input_format.prepare_limited(own, name=name)
        return function(**prepared)

    return prepare_and_call


def _of_one_shape(parts: Tensors) -> Tensors:
    """The inputs of encoded examples, or an error that says which has another shape."""
    shaped = {name: of_its_shape(value, name) for name, value in parts.items()}
    names = list(shaped)
    shapes = tf.stack([tf.shape(value) for value in shaped.values()])  # of one rank
    refusals = [f"{name}: expected the shape of {names[0]}" for name in names]
    check = each_is_good(tf.reduce_all(shapes == shapes[:1], 1), refusals)
    with tf.control_dependencies([check]):
        return {name: tf.identity(value) for name, value in shaped.items()}


def _padded(inputs: Tensors, input_format: InputFormat) -> Tensors:
    """Support sets whose padding, which may be anything, takes little work."""
    padded = {}
    for ending, padding in input_format.paddings.items():
        support = inputs[SUPPORT_X + ending]
        own = tf.sequence_mask(inputs[SUPPORT_SIZE], tf.shape(support)[1])
        padded[SUPPORT_X + ending] = tf.where(own, support, padding)
    return padded
