"""A small Transformer over a text's tokens."""

import keras
import numpy as np
from keras import layers

from tfmeta.networks.encoder_block import encoder_block
from tfmeta.networks.token_input import embedded, masked_mean, token_input

_SLOWEST = 10_000.0  # Vaswani et al. 2017, section 3.5


def text_transformer(
    input_shape: tuple[int, ...] = (32,),
    num_outputs: int | None = 5,
    *,
    vocabulary_size: int,
    embedding_size: int = 64,
    heads: int = 4,
    blocks: int = 2,
) -> keras.Model:
    """A small Transformer over a text's tokens, and the mean over them.

    Vaswani et al. 2017, https://arxiv.org/abs/1706.03762: its encoder, with sines for positions.

    Args:
        input_shape: `(length,)` token ids of one text, as floats; 0 is padding and counts for
            nothing, 1 any unknown token.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        vocabulary_size: ids there are, those two included; any other id counts as unknown.
        embedding_size: of each token's embedding, an even multiple of `heads`.
        heads: of each block's attention.
        blocks: of attention and a dense network.

    Returns:
        A model `(batch, length) -> (batch, num_outputs)`, without a head `(batch, embedding_size)`.

    Raises:
        ValueError: if an example is no vector, there is no id but those two, or the heads don't
            divide the embedding.

    Example:

    >>> text_transformer((32,), num_outputs=5, vocabulary_size=100).output_shape
    (None, 5)
    """
    if embedding_size % heads or embedding_size % 2:
        raise ValueError(
            f"received embedding_size={embedding_size} for {heads} heads; expected an even "
            "multiple of them"
        )
    inputs, ids, is_token = token_input(input_shape, vocabulary_size, network="text_transformer")
    x = embedded(inputs, ids, vocabulary_size, embedding_size)
    # Embeddings begin within 0.05 of zero, and sines have a size of 1.
    x = layers.Rescaling(20.0, _sines(input_shape[0], embedding_size), name="positions")(x)
    for number in range(blocks):
        options = {"heads": heads, "hidden": 2 * embedding_size}
        x = encoder_block(x, is_token, f"block{number}", **options)
    x = masked_mean(x, is_token)
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="text_transformer")


def _sines(length: int, size: int) -> list[list[float]]:
    """`(length, size)`: sines and cosines of the places, at several speeds."""
    speeds = _SLOWEST ** (-np.arange(0, size, 2) / size)
    angles = np.arange(length)[:, np.newaxis] * speeds
    waves = np.concatenate([np.sin(angles), np.cos(angles)], 1)
    return [[float(value) for value in row] for row in np.round(waves, 6)]
