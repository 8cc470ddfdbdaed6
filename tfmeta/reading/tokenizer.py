"""What a tokenizer is: texts -> tokens -> ids, in training and in a graph."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

_BATCH = 1024  # texts at once
RESERVED = 2  # ids that are no tokens: 0 is padding, 1 an unknown token
IdsAndNumbers = tuple[np.ndarray, np.ndarray]


class Tokenizer(ABC):
    """One value of `pipeline.tokenizer`.

    Args:
        length: tokens of a text that are used by default.
        network: for texts of such tokens, by default.

    Attributes:
        least_length: tokens that a text must have room for.
        counts_training: whether the vocabulary is of the training texts.
    """

    least_length, counts_training = 1, True

    def __init__(self, length: int, network: str):
        self.length, self.network = length, network

    @abstractmethod
    def vocabulary_of(self, texts: list[str], size: int) -> list[str]:
        """The tokens in the order of their ids, of which the first two are no tokens.

        Args:
            texts: of training.
            size: the most tokens there may be.
        """

    @abstractmethod
    def ids(self, texts: list[str], vocabulary: Sequence[str], length: int) -> IdsAndNumbers:
        """Ids of texts, and how many ids each text had.

        Returns:
            float32 `(texts, length)`, cut off or padded with 0; `(texts,)`, how many there were.
        """

    @abstractmethod
    def graph_ids(
        self, texts: Any, tokens: Any, *, vocabulary: Sequence[str], ids_of: Any, length: int
    ) -> Any:
        """The same ids in a graph: int64 `(texts, at most length)`, ragged.

        Args:
            texts: `(texts,)` strings in UTF-8.
            tokens: `(texts, tokens)`, ragged: what `spaced_tokens` makes of them.
            vocabulary: the tokens in the order of their ids.
            ids_of: strings of any shape -> int64 ids; 1 for what the vocabulary does not have.
            length: the most ids of a text.
        """


def in_batches(texts: list[str]) -> Any:
    return tf.data.Dataset.from_tensor_slices(list(texts)).batch(_BATCH)


def cut_to(ragged: list[Any], length: int) -> IdsAndNumbers:
    """Ids of texts, cut off or padded with 0, and how many there were of each text."""
    ids = [each.to_tensor(shape=(None, length)).numpy() for each in ragged]
    numbers = [each.row_lengths().numpy() for each in ragged]
    return np.concatenate(ids).astype(np.float32), np.concatenate(numbers)
