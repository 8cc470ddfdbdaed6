"""Every use of private attributes of Keras's objects; no other file of tfmeta uses any.

Keras has no public way to do these things. `tests/system/test_keras_internals.py` tests each
function, and says with which Keras. Names of private modules are in `tfmeta/keras_names.py`, which
does not import Keras.
"""

import contextlib
import copy
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.common import global_state
from keras.src.backend.config import keras_home
from keras.src.models.functional import Functional
from keras.src.random.seed_generator import global_seed_generator

from tfmeta.replaced_function import ReplacedFunction

# Layers


def layers_of(network: keras.Layer, *, include_self: bool = True) -> list[keras.Layer]:
    """The network and every layer in it, an outer layer before the layers that it holds."""
    return list(network._flatten_layers(include_self=include_self))


def is_made_of_layers(layer: keras.Layer) -> bool:
    """Whether a model is functional or sequential: it computes nothing but what its layers do."""
    return type(layer) in (keras.Sequential, Functional)


def own_trainable_variables(layer: keras.Layer) -> list[Any]:
    """The variables that the layer itself holds, without those of layers in it, frozen or not."""
    return list(layer._trainable_variables)


def own_variables(layer: keras.Layer) -> list[Any]:
    """The variables that the layer itself holds, with the states of its random generators."""
    held = [*layer._trainable_variables, *layer._non_trainable_variables]
    return held + [generator.state for generator in layer._seed_generators]


def has_random_generator(layer: keras.Layer) -> bool:
    return bool(layer._seed_generators)


def replace_random_generators(layer: keras.Layer, generator: keras.random.SeedGenerator) -> None:
    """Lets a layer draw its seeds from another generator, which Keras refuses for a built layer."""
    own = [n for n, v in vars(layer).items() if isinstance(v, keras.random.SeedGenerator)]
    vars(layer).update(dict.fromkeys(own, generator))


def generator_states(network: keras.Layer) -> list[Any]:
    """The state of each random generator in the network, a variable."""
    return [each.state for layer in layers_of(network) for each in layer._seed_generators]


def global_generator() -> keras.random.SeedGenerator:
    """The generator from which a layer draws that names none."""
    return global_seed_generator()


def random_seed() -> int | None:
    """What `keras.utils.set_random_seed` received last; None before that."""
    return global_state.get_global_attribute("global_random_seed")


def takes_training(layer: keras.Layer) -> bool:
    """Whether the layer's `call` has an argument `training`."""
    return bool(layer._call_has_training_arg)


def pop_layers_with_losses(network: keras.Layer) -> list[keras.Layer]:
    """The layers that called `add_loss` in a StatelessScope that collects losses; removes these."""
    found = [layer for layer in layers_of(network) if layer._loss_ids]
    network._clear_losses()
    return found


def mask_of(tensor: tf.Tensor) -> tf.Tensor | None:
    """The mask that Keras's layers and losses attach to a tensor."""
    return getattr(tensor, "_keras_mask", None)


def with_mask_of(tensor: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """`other`, with the mask that Keras has attached to `tensor`, if there is one."""
    mask = mask_of(tensor)
    if mask is not None:
        other._keras_mask = mask
    return other


@contextlib.contextmanager
def computing_in(layers: Iterable[keras.Layer], dtype: str) -> Iterator[None]:
    """Lets layers compute in a dtype in its body, whatever their policies are."""
    layers = list(layers)
    policies = [layer._dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer._dtype_policy = keras.DTypePolicy(dtype)
        yield
    finally:
        for layer, policy in zip(layers, policies, strict=True):
            layer._dtype_policy = policy


@contextlib.contextmanager
def running_as(layers: Iterable[keras.Layer], *, training: bool) -> Iterator[None]:
    """Lets layers run as in training or in inference in its body, however they are called."""
    layers = list(layers)
    calls = [layer.call for layer in layers]

    def changed(call: Callable[..., Any]) -> Any:
        return lambda *args, **kwargs: call(*args, **{**kwargs, "training": training})

    try:
        for layer, call in zip(layers, calls, strict=True):
            object.__setattr__(layer, "call", changed(call))  # Keras would track it
        yield
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")


_CALL = ReplacedFunction(keras.Layer, "__call__")


def every_call_through(wrapper: Callable[..., Any]) -> contextlib.AbstractContextManager[None]:
    """Replaces each call of a layer by `wrapper(call, layer, *args, **kwargs)` in its body.

    Args:
        wrapper: a function; its `call` is Keras's own, `call(layer, *args, **kwargs)`.
    """
    return _CALL.by(wrapper)


# Values in place of variables


def scope_with(variables: Iterable[Any], values: Iterable[Any]) -> keras.StatelessScope:
    """A StatelessScope in which the variables have these values.

    The scope's constructor would cast them to the variables' own dtypes. But the second derivatives
    of a float32 network are tried in float64.
    """
    scope = keras.StatelessScope()
    for variable, value in zip(variables, values, strict=True):
        scope.state_mapping[id(variable)] = tf.convert_to_tensor(value)
    return scope


def assigned_in(scope: keras.StatelessScope) -> set[int]:
    """The ids of the variables that have a value in a StatelessScope."""
    return set(scope.state_mapping)


@contextlib.contextmanager
def leaving_no_trace() -> Iterator[None]:
    """Restores Keras's global state after its body.

    Keras keeps variables that wait for their values in a list, and the next scope in the program
    creates them. It also counts the names that it has given, and draws each layer's seed from
    Python's generator. Without this, the network that is made next would be another.
    """
    state, seeds = vars(global_state.GLOBAL_STATE_TRACKER), random.getstate()
    kept = {
        name: copy.copy(value) if isinstance(value, list | dict) else value
        for name, value in state.items()
    }
    try:
        yield
    finally:
        state.clear()
        state.update(kept)
        random.setstate(seeds)


# Losses and metrics

# The class with which Keras wraps a function as a loss. It also makes the arguments' ranks equal.
LossFunction: Any = keras.losses.MeanSquaredError.__base__


def remember_compiled(model: keras.Model, name: str, value: Any) -> None:
    """Adds an argument of `compile` to what is saved with the model."""
    model._compile_config.config[name] = value


def compiled_metrics(model: keras.Model) -> Any:
    """The metrics that `compile` received, as one metric; None before that, or without metrics."""
    return model._compile_metrics


def given_metrics(model: keras.Model) -> list[Any]:
    """The metrics and weighted metrics as `compile` received them."""
    return [model._compile_metrics._user_metrics, model._compile_metrics._user_weighted_metrics]


def report_losses(model: keras.Model, losses: tf.Tensor) -> None:
    """Adds `(tasks,)` losses to the mean that Keras reports as `loss`."""
    model._loss_tracker.update_state(losses)


# Training calls

# The argument with which `fit` calls `evaluate` for its validation.
WITHIN_FIT = "_use_cached_eval_dataset"


class WithoutSymbolicBuild:
    """A model that is already built when it is made.

    On several replicas Keras would run such a model on a batch to build it, and lose that batch.
    """

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        pass


# Files


def home_folder() -> Path:
    """Where Keras looks for what it would download, in a folder for each kind of file."""
    return Path(keras_home())
