"""The mean of a text's token embeddings, then a dense network."""

from collections.abc import Sequence

import keras
from keras import layers

from tfmeta.networks.token_input import embedded, masked_mean, token_input


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
    inputs, ids, is_token = token_input(input_shape, vocabulary_size, network="bag_of_tokens")
    x = masked_mean(embedded(inputs, ids, vocabulary_size, embedding_size), is_token)
    for index, size in enumerate(units, 1):
        x = layers.Dense(size, activation="relu", name=f"hidden{index}")(x)
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="bag_of_tokens")
