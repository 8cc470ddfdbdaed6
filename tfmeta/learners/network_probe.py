"""Runs a network to find out what it takes, and which layer causes what is observed."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.episodes.random_stream import drawn_by_python
from tfmeta.networks import declared_dtype
from tfmeta.replaced_function import ReplacedFunction

_NEXT_SEED = ReplacedFunction(keras.random.SeedGenerator, "next")
_EXAMPLES = 4  # enough for batch statistics that differ
_LENGTHS = (16, 32, 64, 8)  # lengths to try for an open dimension
_LOOPS = ("While", "StatelessWhile")  # TensorFlow's operations


def single_shape(network: keras.Model, shape: Any, what: str) -> tuple[Any, ...]:
    """The shape of a network's one input or output.

    Raises:
        ValueError: if it has several inputs or outputs.
    """
    if isinstance(shape, tuple) and _is_flat(shape):
        return shape
    raise ValueError(
        f"received the network {network.name!r} with {what}s of shapes {shape}; expected one "
        f"{what}: a learner hands it the examples of a task as one tensor. Join them in the "
        "network (keras.layers.Concatenate) or leave all but one out"
    )


def input_shape(network: keras.Model) -> tuple[Any, ...]:
    """The shape of a network's input, `(None, ...)`; a subclassed network must have been called."""
    if hasattr(network, "input_shape"):
        shape = network.input_shape
    else:
        shapes = network.get_build_config() or {}
        shape = shapes.get("input_shape") or shapes.get("shapes_dict")
        if isinstance(shape, dict):
            shape = next(iter(shape.values())) if len(shape) == 1 else shape
    if shape is None:
        raise ValueError(
            f"received the network {network.name!r} ({type(network).__name__}), which doesn't know "
            "the shape of its input; call it once on an example before it becomes a learner's"
        )
    if isinstance(shape, list) and len(shape) == 1:
        shape = shape[0]  # a functional model may have been given [input]
    shape = tuple(shape) if isinstance(shape, list) and _is_flat(shape) else shape
    return (None, *single_shape(network, shape, "input")[1:])


def _is_flat(shape: Any) -> bool:
    return all(d is None or isinstance(d, int) for d in shape)


def output_shape(network: keras.Model) -> tuple[Any, ...]:
    """The shape of a network's output, `(None, ...)`, computed if Keras doesn't keep it."""
    if hasattr(network, "output_shape"):
        shape = network.output_shape
    else:
        spec = keras.KerasTensor(input_shape(network), computed_from(network))
        answer = network.compute_output_spec(spec)
        shape = getattr(answer, "shape", None) or keras.tree.map_structure(
            lambda t: t.shape, answer
        )
    if isinstance(shape, list) and len(shape) == 1:
        shape = shape[0]
    return single_shape(network, shape, "output")


def computed_from(network: keras.Model) -> str:
    """The type in which a network takes its input: as declared, else what Keras casts it to."""
    return declared_dtype(network) or network.compute_dtype


def example_inputs(network: keras.Model, run: Callable[..., Any]) -> list[tf.Tensor]:
    """Two batches of examples that the network takes, drawn at random.

    Args:
        network: with one input.
        run: a function of a batch. For an open dimension, the first length with which it runs is
            taken.

    Returns:
        Two tensors `(4, ...)`.
    """
    shape = input_shape(network)[1:]
    lengths = _LENGTHS if None in shape else _LENGTHS[:1]
    for length in lengths:
        batches = [_drawn(shape, length, computed_from(network), seed) for seed in (0, 1)]
        try:
            run(batches[0])
            break
        except (ValueError, tf.errors.InvalidArgumentError):
            if length == lengths[-1]:
                raise
    return batches


def _drawn(shape: Any, length: Any, dtype: Any, seed: int) -> tf.Tensor:
    rng = np.random.default_rng(seed)
    values = rng.random((_EXAMPLES, *(length if d is None else d for d in shape)))
    if tf.as_dtype(dtype).is_integer:
        values = np.round(values)  # ids 0 and 1, which every vocabulary has
    return tf.constant(values, dtype)


def owner_of(network: keras.Model, variable: Any) -> keras.layers.Layer:
    """The innermost layer that holds a variable, or the network."""
    for layer in internals.layers_of(network):
        if any(each is variable for each in internals.own_variables(layer)):
            return layer
    return network


def described(layer: keras.layers.Layer) -> str:
    """How a message names a layer."""
    return f"the network's layer {layer.name!r} ({type(layer).__name__})"


@contextlib.contextmanager
def recorded_calls() -> Iterator[Any]:
    """A list of `(layer, args, kwargs, outputs)` for each call in the body, innermost first."""
    calls = []

    def recording(
        call: Callable[..., Any], layer: keras.layers.Layer, *args: Any, **kwargs: Any
    ) -> Any:
        outputs = call(layer, *args, **kwargs)
        calls.append((layer, args, kwargs, outputs))
        return outputs

    with internals.every_call_through(recording):
        yield calls


@contextlib.contextmanager
def recorded_draws() -> Iterator[Any]:
    """A list of `(layer, generator)` for each seed drawn in the body; the innermost layer's."""
    draws: list[Any] = []
    running: list[Any] = []

    def recording(
        call: Callable[..., Any], layer: keras.layers.Layer, *args: Any, **kwargs: Any
    ) -> Any:
        running.append(layer)
        try:
            return call(layer, *args, **kwargs)
        finally:
            running.pop()

    def drawn(
        next_seed: Callable[..., Any],
        generator: keras.random.SeedGenerator,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        draws.append((running[-1], generator))
        return next_seed(generator, *args, **kwargs)

    with internals.every_call_through(recording), _NEXT_SEED.by(drawn):
        yield draws


def first_that_differs(run: Callable[..., Any]) -> keras.layers.Layer | None:
    """The first layer whose output differs between two equal runs; None if none does.

    Args:
        run: a function without arguments.
    """
    recorded = []
    for _ in range(2):
        with recorded_calls() as calls:
            run()
        recorded.append(calls)
    for (layer, *_, one), (*_, other) in zip(*recorded, strict=False):
        if not same(one, other):
            return layer
    return None


def first_that_draws_by_python(run: Callable[..., Any]) -> keras.layers.Layer | None:
    """The first layer that uses the generator of Python or of NumPy; None if none does."""
    found: list[keras.layers.Layer] = []

    def watching(
        call: Callable[..., Any], layer: keras.layers.Layer, *args: Any, **kwargs: Any
    ) -> Any:
        before = drawn_by_python()
        outputs = call(layer, *args, **kwargs)
        if drawn_by_python() != before:
            found.append(layer)
        return outputs

    with internals.every_call_through(watching):
        run()
    return found[0] if found else None


def first_that_assigns_a_stranger(
    network: keras.Model, run: Callable[..., Any]
) -> keras.layers.Layer | None:
    """The first layer that assigns a variable which isn't the network's; None if none does.

    Args:
        run: a function without arguments.
    """
    own = {id(variable) for variable in network.variables}
    with recorded_calls() as calls:
        run()
    for layer, args, kwargs, _ in calls:
        with keras.StatelessScope() as scope:
            layer(*args, **kwargs)
        if internals.assigned_in(scope) - own:
            return layer
    return None


def layer_with_a_loop(
    network: keras.Model, x: tf.Tensor, run: Callable[..., Any]
) -> keras.layers.Layer | None:
    """The innermost layer that is a loop of the graph, such as a recurrent one; None if none is.

    The network is traced for this, and computes nothing.

    Args:
        network: it is returned if a loop is hidden in a function that belongs to no layer.
        x: examples.
        run: a function of the examples.
    """
    found: list[keras.layers.Layer] = []

    def watching(
        call: Callable[..., Any], layer: keras.layers.Layer, *args: Any, **kwargs: Any
    ) -> Any:
        outputs = call(layer, *args, **kwargs)
        graph = tf.compat.v1.get_default_graph()
        if not found and any(op.type in _LOOPS for op in graph.get_operations()):
            found.append(layer)
        return outputs

    def traced(x: tf.Tensor) -> None:
        with internals.every_call_through(watching):
            run(x)

    concrete = tf.function(traced, autograph=False).get_concrete_function(x)
    functions = concrete.graph.as_graph_def().library.function
    if not found and any(node.op in _LOOPS for each in functions for node in each.node_def):
        return network
    return found[0] if found else None


def dependencies(run: Callable[..., Any], values: list[tf.Tensor]) -> list[int]:
    """The positions of those of the values on which the output of `run(values)` depends."""
    traced = tf.function(lambda *values: run(list(values)), autograph=False)
    concrete = traced.get_concrete_function(*values)
    found, waiting = set(), [output.op for output in concrete.outputs]
    while waiting:
        op = waiting.pop()
        if op not in found:
            found.add(op)
            waiting += [each.op for each in op.inputs]
    inputs = concrete.inputs[: len(values)]
    return [position for position, each in enumerate(inputs) if each.op in found]


def same(one: Any, other: Any) -> bool:
    """Whether two nested structures of tensors hold the same bits."""
    pairs = zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
