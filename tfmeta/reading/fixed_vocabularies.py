"""Tokenizers with the vocabulary of a pretrained network, which training does not count."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, final

import tensorflow as tf

from tfmeta.reading import unigram_pieces, word_pieces
from tfmeta.reading.minilm_files import minilm_vocabulary
from tfmeta.reading.multilingual_e5_file import multilingual_e5_pieces
from tfmeta.reading.tokenizer import IdsAndNumbers, Tokenizer, cut_to, in_batches

_ALL = 2**30  # tokens of a text, none cut off


class FixedVocabulary(Tokenizer):
    """Pieces of words between the two ends of a text, which are tokens too.

    Attributes:
        last: the token at the end of a text.
    """

    least_length, counts_training = 3, False  # the two ends of a text, and a piece
    last = ""

    @abstractmethod
    def pieces(
        self, texts: Any, ids_of: Callable[[Any], Any], vocabulary: Sequence[str], length: int
    ) -> Any:
        """As `graph_ids`."""

    def ids(self, texts: list[str], vocabulary: Sequence[str], length: int) -> IdsAndNumbers:
        places = tf.range(1, len(vocabulary), dtype=tf.int64)
        entries = tf.lookup.KeyValueTensorInitializer(list(vocabulary[1:]), places)
        table = tf.lookup.StaticHashTable(entries, 1)
        parts = [self.pieces(each, table.lookup, vocabulary, _ALL) for each in in_batches(texts)]
        ids, numbers = cut_to(parts, length)
        ids[numbers > length, -1] = vocabulary.index(self.last)
        return ids, numbers

    def graph_ids(
        self, texts: Any, tokens: Any, *, vocabulary: Sequence[str], ids_of: Any, length: int
    ) -> Any:
        del tokens
        return self.pieces(texts, ids_of, vocabulary, length)


@final
class WordPieces(FixedVocabulary):
    """The word pieces of BERT, by the vocabulary of MiniLM."""

    last = word_pieces.LAST

    def vocabulary_of(self, texts: list[str], size: int) -> list[str]:
        del texts, size
        return list(minilm_vocabulary())

    def pieces(
        self, texts: Any, ids_of: Callable[[Any], Any], vocabulary: Sequence[str], length: int
    ) -> Any:
        longest = word_pieces.longest_piece(vocabulary)
        return word_pieces.word_piece_ids(texts, ids_of, length, longest=longest)


@final
class UnigramPieces(FixedVocabulary):
    """The likeliest pieces of words, by the vocabulary of multilingual E5."""

    last = unigram_pieces.LAST

    def vocabulary_of(self, texts: list[str], size: int) -> list[str]:
        del texts, size
        return list(multilingual_e5_pieces().tokens)

    def pieces(
        self, texts: Any, ids_of: Callable[[Any], Any], vocabulary: Sequence[str], length: int
    ) -> Any:
        known = multilingual_e5_pieces()
        return unigram_pieces.unigram_ids(
            texts,
            ids_of,
            length,
            scores=known.scores,
            longest=max(map(len, vocabulary)),
            characters=known.characters,
        )
