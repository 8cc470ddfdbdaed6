"""Convolutions over a text's token embeddings."""

from collections.abc import Sequence

import keras
from keras import layers, ops

from tfmeta.networks.token_input import embedded, masked_mean, token_input

_LEAST = -1e9  # below every feature, so that padding is never the largest


def text_conv(
    input_shape: tuple[int, ...] = (32,),
    num_outputs: int | None = 5,
    *,
    vocabulary_size: int,
    embedding_size: int = 64,
    filters: int = 64,
    widths: Sequence[int] = (1, 2, 3),
) -> keras.Model:
    """Convolutions over a text's token embeddings, and their mean and their largest values.

    The network of Kim 2014 (https://aclanthology.org/D14-1181), with the mean beside the maximum.

    Args:
        input_shape: `(length,)` token ids of one text, as floats; 0 is padding and counts for
            nothing, 1 any unknown token.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        vocabulary_size: ids there are, those two included; any other id counts as unknown.
        embedding_size: of each token's embedding.
        filters: of each convolution.
        widths: tokens that each convolution sees at once.

    Returns:
        A model `(batch, length) -> (batch, num_outputs)`, without a head
        `(batch, 2 * filters * widths)`.

    Raises:
        ValueError: if an example is no vector, or there is no id but those two.

    Example:

    >>> text_conv((32,), num_outputs=5, vocabulary_size=100).output_shape
    (None, 5)
    """
    inputs, ids, is_token = token_input(input_shape, vocabulary_size, network="text_conv")
    x = embedded(inputs, ids, vocabulary_size, embedding_size)
    # Padding is a zero, as what is beyond the text's ends is.
    x = x * ops.expand_dims(ops.cast(is_token, x.dtype), -1)
    parts = []
    for width in widths:
        convolution = layers.Conv1D(filters, width, padding="same", name=f"convolution{width}")
        seen = ops.relu(convolution(x))
        largest = ops.max(ops.where(ops.expand_dims(is_token, -1), seen, _LEAST), 1)
        # A text without any token has no largest value; its features are zeros.
        parts += [masked_mean(seen, is_token), ops.maximum(largest, 0.0)]
    x = layers.Concatenate(name="features")(parts)
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="text_conv")
