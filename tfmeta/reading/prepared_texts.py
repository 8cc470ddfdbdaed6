"""Texts as a baseline without learning compares them."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from tfmeta.reading.prepared import ForBaselines

_NGRAMS = (2, 4)  # characters, within words


class CharacterNgrams(ForBaselines):
    """Texts by their numbers; as vectors, TF-IDF over n-grams of characters.

    Args:
        texts: all texts of the source.
        known: those whose n-grams are counted; the others' unknown ones are left out.
    """

    compared_as = "character n-grams"

    def __init__(self, texts: Sequence[str], known: Sequence[str]):
        super().__init__(np.arange(len(texts), dtype=np.float32)[:, np.newaxis])
        vectoriser = TfidfVectorizer(analyzer="char_wb", ngram_range=_NGRAMS).fit(known)
        self._weights = vectoriser.transform(texts)

    def vectors(self, x: np.ndarray) -> np.ndarray:
        """Numbers of texts `(texts, 1)` -> `(texts, n-grams that occur in one of them)`."""
        weights = self._weights[x[:, 0].astype(np.int64)]
        return weights[:, np.unique(weights.indices)].toarray()
