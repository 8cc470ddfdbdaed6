"""TF-IDF of a text's tokens, and a learned embedding of it beside it."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from tfmeta.networks.input_dtypes import full_dtype
from tfmeta.networks.token_input import token_input


@keras.saving.register_keras_serializable("tfmeta")
class LogCounts(layers.Layer):
    """How often each id is in a text, as log(1 + number); padding (id 0) counts for nothing.

    Args:
        vocabulary_size: ids there are.
    """

    def __init__(self, vocabulary_size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size

    def call(self, ids: Any) -> Any:
        """Integers `(batch, length)` -> `(batch, vocabulary_size)`."""
        number, length = ops.shape(ids)
        rows = ops.repeat(ops.arange(number, dtype="int32"), length)
        places = ops.stack([rows, ops.reshape(ids, (-1,))], -1)
        is_token = ops.cast(places[:, 1] != 0, self.compute_dtype)
        return ops.log1p(ops.scatter(places, is_token, (number, self.vocabulary_size)))

    def compute_output_spec(self, ids: Any) -> Any:
        return keras.KerasTensor((ids.shape[0], self.vocabulary_size), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size}


def bag_of_ngrams(
    input_shape: tuple[int, ...] = (256,),
    num_outputs: int | None = 5,
    *,
    vocabulary_size: int,
    token_weights: Sequence[float] | None = None,
    embedding_size: int = 512,
    dropout: float = 0.3,
) -> keras.Model:
    """TF-IDF of a text's tokens, and a learned map of it beside it.

    It is made for n-grams of letters (`pipeline.tokenizer=ngrams`): a word that training never
    saw shares some with words that it saw. The logarithms of the tokens' numbers are weighted and
    brought to unit length. A linear map of them stands beside them. It is drawn at random, which
    keeps distances about as they are (Johnson and Lindenstrauss 1984), so the network begins as
    TF-IDF, and training the map can only add to it.

    Args:
        input_shape: `(length,)` token ids of one text, as floats; 0 is padding and counts for
            nothing, 1 any unknown token.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        vocabulary_size: ids there are, those two included; any other id counts as unknown.
        token_weights: what each id counts, such as its inverse document frequency; None: all alike.
        embedding_size: of the map's output; 0: TF-IDF alone, which has nothing to train.
        dropout: the share of tokens that a training step leaves out.

    Returns:
        A model `(batch, length) -> (batch, num_outputs)`, without a head
        `(batch, vocabulary_size + embedding_size)`.

    Raises:
        ValueError: if an example is no vector, there is no id but those two, or there is not one
            weight per id.

    Example:

    >>> bag_of_ngrams((256,), None, vocabulary_size=100).output_shape
    (None, 612)
    """
    inputs, ids, _ = token_input(input_shape, vocabulary_size, network="bag_of_ngrams")
    x = LogCounts(vocabulary_size, name="counts", **full_dtype())(ids)
    if token_weights is not None:
        weights = np.asarray(token_weights, np.float64)
        if weights.shape != (vocabulary_size,) or not np.isfinite(weights).all():
            raise ValueError(
                f"received token_weights of shape {weights.shape}; expected {vocabulary_size} "
                "finite numbers, one per id"
            )
        x = layers.Rescaling(weights.tolist(), name="weighted", **full_dtype())(x)
    x = layers.Dropout(dropout, name="left_out")(x)
    x = layers.UnitNormalization(name="tfidf", **full_dtype())(x)
    if embedding_size:
        mapped = layers.Dense(
            embedding_size,
            use_bias=False,
            kernel_initializer=keras.initializers.RandomNormal(stddev=embedding_size**-0.5),
            name="map",
        )(x)
        x = layers.Concatenate(name="beside")([x, mapped])
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="bag_of_ngrams")
