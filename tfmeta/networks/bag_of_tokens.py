"""The mean of a text's token embeddings, then a dense network."""

from collections.abc import Sequence

import keras
from keras import layers, ops


def bag_of_tokens(
    input_shape: tuple[int, ...] = (32,),
    num_outputs: int | None = 5,
    *,
    vocabulary_size: int,
    embedding_size: int = 64,
    units: Sequence[int] = (64,),
) -> keras.Model:
    """The mean of a text's token embeddings, then a dense network: the order of words is lost.

    The network of Iyyer et al. 2015 (deep averaging, https://aclanthology.org/P15-1162).

    Args:
        input_shape: `(length,)` token ids of one text, as floats; 0 is padding and counts for
            nothing, 1 any unknown token.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        vocabulary_size: ids there are, those two included; any other id counts as unknown.
        embedding_size: of each token's embedding.
        units: of the hidden layers.

    Returns:
        A model `(batch, length) -> (batch, num_outputs)`, without a head `(batch, units)`.

    Raises:
        ValueError: if an example is no vector, or there is no id but those two.

    Example:

    >>> bag_of_tokens((32,), num_outputs=5, vocabulary_size=100).output_shape
    (None, 5)
    """
    if len(input_shape) != 1:
        raise ValueError(
            f"received input_shape={tuple(input_shape)}; bag_of_tokens takes (length,), token ids"
        )
    if not vocabulary_size > 2:
        raise ValueError(
            f"received vocabulary_size={vocabulary_size}; expected 3 or more: padding, unknown, "
            "and a token"
        )
    inputs = keras.Input(tuple(input_shape), name="tokens")
    # A table of embeddings as what a dense layer makes of 1. The gradient of Keras's own embedding
    # is sparse, and an inner step can't subtract that; a one-hot product needs far more memory.
    one = ops.ones_like(ops.sum(inputs[:, :1], 0, keepdims=True))
    table = layers.Dense(
        vocabulary_size * embedding_size,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomUniform(-0.05, 0.05),  # as Keras's embedding
        name="embedding",
    )(one)
    table = ops.reshape(table, (vocabulary_size, embedding_size))
    is_known = ops.logical_and(inputs >= 0, inputs < vocabulary_size)
    x = ops.take(table, ops.cast(ops.where(is_known, inputs, 1.0), "int32"), axis=0)
    is_token = ops.expand_dims(ops.cast(ops.not_equal(inputs, 0), x.dtype), -1)
    # At least one, so that a text without any token is a zero and not a division by zero.
    number = ops.maximum(ops.sum(is_token, 1), 1)
    x = ops.sum(x * is_token, 1) / number
    for index, size in enumerate(units, 1):
        x = layers.Dense(size, activation="relu", name=f"hidden{index}")(x)
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="bag_of_tokens")
