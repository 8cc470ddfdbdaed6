"""A variant of each signature that takes encoded examples, which the graph prepares."""

from collections.abc import Callable

import tensorflow as tf

from tfmeta.exporting.contract import (
    EXAMPLES,
    SUPPORT_SIZE,
    SUPPORT_X,
    is_encoded,
)
from tfmeta.exporting.limits import RequestLimits
from tfmeta.exporting.writing.refusals import checked_sizes, of_its_shape
from tfmeta.exporting.writing.served_functions import Functions, Specs, Tensors
from tfmeta.reading.input_format import InputFormat


def with_encoded(
    functions: Functions,
    input_format: InputFormat,
    *,
    limits: RequestLimits | None = None,
    checked_first: Callable[[Tensors], Tensors] = dict,
) -> Functions:
    """The functions, and also a variant of each that takes encoded examples, if the format has any.

    An input `NAME` of prepared examples becomes `NAME_bytes` or `NAME_text`, one string per
    example. They are prepared in the graph, by the code that prepared the training examples.

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
    has_parts = len(input_format.inputs_of(SUPPORT_X)) > 1
    for name, (function, specs) in functions.items():
        if has_parts:
            preparing = _preparing_parts(function, input_format, limits)
        else:
            preparing = _preparing(function, input_format, limits, checked_first)
        every[name + suffix] = (preparing, _encoded_specs(specs, input_format))
    return every


def _encoded_specs(specs: Specs, input_format: InputFormat) -> Specs:
    rank = len(input_format.shape or ())  # of an example

    def specs_of(name: str, spec: tf.TensorSpec) -> Specs:
        if name not in EXAMPLES:
            return {name: spec}
        return {
            each: tf.TensorSpec(spec.shape[:-rank], tf.as_dtype(dtype), each)
            for each, dtype in input_format.inputs_of(name).items()
        }

    found = [specs_of(name, spec) for name, spec in specs.items()]
    return {name: spec for each in found for name, spec in each.items()}


def _preparing_parts(
    function: Callable[..., Tensors], input_format: InputFormat, limits: RequestLimits
) -> Callable[..., Tensors]:
    """For examples of several parts, each with an input of its own."""

    def prepare_and_call(**inputs: tf.Tensor) -> Tensors:
        named = {name: input_format.inputs_of(name).keys() for name in EXAMPLES}
        named = {name: parts for name, parts in named.items() if parts <= inputs.keys()}
        parts = {each: of_its_shape(inputs[each], each) for n in named.values() for each in n}
        prepared = {name: value for name, value in inputs.items() if name not in parts}
        parts = input_format.within_limits(parts, limits)
        for name, own_parts in named.items():
            own = None
            if name == SUPPORT_X and SUPPORT_SIZE in inputs:
                first = parts[next(iter(own_parts))]
                size = checked_sizes(inputs[SUPPORT_SIZE], first)
                own = tf.sequence_mask(size, tf.shape(first)[1])
            of_it = {each: parts[each] for each in own_parts}
            prepared[name] = input_format.prepare_inputs(of_it, name=name, own=own)
        return function(**prepared)

    return prepare_and_call


def _preparing(
    function: Callable[..., Tensors],
    input_format: InputFormat,
    limits: RequestLimits,
    checked_first: Callable[[Tensors], Tensors],
) -> Callable[..., Tensors]:
    suffix = input_format.suffix

    def prepare_and_call(**inputs: tf.Tensor) -> Tensors:
        shaped = {n: of_its_shape(v, n) if is_encoded(n) else v for n, v in inputs.items()}
        inputs = checked_first(shaped)
        encoded = {name: value for name, value in inputs.items() if is_encoded(name)}
        if SUPPORT_SIZE in inputs:
            support = SUPPORT_X + suffix
            own = tf.sequence_mask(inputs[SUPPORT_SIZE], tf.shape(encoded[support])[1])
            encoded[support] = tf.where(own, encoded[support], input_format.padding)
        prepared = {name: value for name, value in inputs.items() if name not in encoded}
        for name, checked in input_format.within_limits(encoded, limits).items():
            x = input_format.prepare_checked(checked, name=name)
            prepared[name.removesuffix(suffix)] = x
        return function(**prepared)

    return prepare_and_call
