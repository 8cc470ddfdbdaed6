"""Where a network of texts begins: it takes the ids of a text's tokens, as floats."""

from typing import Any

import keras
from keras import layers, ops

PADDING, UNKNOWN = 0, 1  # ids that are no tokens


def token_input(
    input_shape: tuple[int, ...], vocabulary_size: int, *, network: str
) -> tuple[Any, Any, Any]:
    """An input of token ids, and what becomes of them.

    Args:
        input_shape: `(length,)`, the ids of one text.
        vocabulary_size: ids there are; any other id counts as unknown.
        network: its name, for the refusal.

    Returns:
        `(inputs, ids, is_token)`, Keras tensors of shape `(batch, length)`: the inputs, integer
        ids, and whether there is a token and no padding.

    Raises:
        ValueError: if an example is no vector, or there is no id but padding and unknown.
    """
    if len(input_shape) != 1:
        raise ValueError(
            f"received input_shape={tuple(input_shape)}; {network} takes (length,), token ids"
        )
    if not vocabulary_size > 2:
        raise ValueError(
            f"received vocabulary_size={vocabulary_size}; expected 3 or more: padding, unknown, "
            "and a token"
        )
    inputs = keras.Input(tuple(input_shape), name="tokens")
    is_known = ops.logical_and(inputs >= 0, inputs < vocabulary_size)
    ids = ops.cast(ops.where(is_known, inputs, float(UNKNOWN)), "int32")
    return inputs, ids, ops.not_equal(inputs, PADDING)


def embedded(inputs: Any, ids: Any, vocabulary_size: int, embedding_size: int) -> Any:
    """The embeddings of ids: `(batch, length)` -> `(batch, length, embedding_size)`.

    The table is what a dense layer makes of 1. The gradient of Keras's own embedding is sparse, and
    an inner step can't subtract that; a one-hot product needs far more memory.

    Args:
        inputs: of the network.
        ids: integers.
        vocabulary_size: ids there are.
        embedding_size: of each id's embedding.
    """
    one = ops.ones_like(ops.sum(inputs[:, :1], 0, keepdims=True))
    table = layers.Dense(
        vocabulary_size * embedding_size,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomUniform(-0.05, 0.05),  # as Keras's embedding
        name="embedding",
    )(one)
    return ops.take(ops.reshape(table, (vocabulary_size, embedding_size)), ids, axis=0)


def masked_mean(x: Any, is_token: Any) -> Any:
    """The mean of what is no padding: `(batch, length, size)` -> `(batch, size)`."""
    counted = ops.expand_dims(ops.cast(is_token, x.dtype), -1)
    # At least one, so that a text without any token is a zero and not a division by zero.
    return ops.sum(x * counted, 1) / ops.maximum(ops.sum(counted, 1), 1)
