"""What a learner's network makes of examples before it answers, as vectors."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfmeta.keras_internals import layers_of, own_trainable_variables
from tfmeta.learners.network_function import NetworkFunction


def embedding_function(learner: Any) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function from examples, as the learner takes them, to what its last layer is given.

    A method without a head of a fixed size compares what its network puts out, so that is its
    embedding. Networks are normalised by the moving averages that the method keeps, else by the
    examples' own statistics.

    Args:
        learner: a MetaLearner.

    Returns:
        A function `(examples, ...)` -> `(examples, features)` that follows the weights.
    """
    inner = learner.task_learner()
    network = inner.network if inner.num_outputs is None else _before_head(inner.network)
    function = inner.function if network is inner.network else NetworkFunction(network)
    has_averages = bool(inner.moving_averages.variables)

    def embed(x: tf.Tensor) -> tf.Tensor:
        weights = function.weights()
        if has_averages:
            outputs = function.with_statistics(weights, function.moving_statistics(), x)
        else:
            outputs, _ = function.with_batch_statistics(weights, x)
        return tf.reshape(outputs, (tf.shape(outputs)[0], -1))

    return embed


def _before_head(network: keras.Model) -> keras.Model:
    """The network without its last layer that has weights; all of it where Keras can't cut it."""
    layers = layers_of(network, include_self=False)
    heads = [layer for layer in layers if own_trainable_variables(layer)]
    try:
        return keras.Model(network.inputs[0], heads[-1].input)
    except (AttributeError, IndexError, ValueError):
        return network
