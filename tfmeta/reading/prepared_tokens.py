"""Texts after they have been prepared: the ids of their tokens."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmeta.reading.prepared import Prepared

PADDING, UNKNOWN = 0, 1  # ids that are no tokens
_MOST_UNKNOWN = 0.5  # of a split's tokens


class PreparedTokens(Prepared):
    """Token ids `(length,)` of texts.

    Args:
        examples: `(texts, length)` ids.
        splits: `{name: (texts,)}`, the numbers of the texts in each split.
        lengths: `(texts,)`, the number of tokens of each text, with those that are cut off.
        texts: as they were given.
        no_tokens: the ids that say nothing of a text.
    """

    noun = "texts"
    blank_words = "have no token that the vocabulary knows"

    def __init__(
        self,
        examples: Any,
        splits: dict[str, np.ndarray],
        lengths: np.ndarray,
        texts: Sequence[str],
        *,
        no_tokens: Sequence[int] = (PADDING, UNKNOWN),
    ):
        super().__init__(examples)
        self.cut_words = f"have more than {examples.shape[1]:,} tokens; those beyond do not count"
        self._no_tokens = list(no_tokens)
        self._splits, self._lengths, self._texts = splits, lengths, texts

    def for_baselines(self, rows: np.ndarray) -> tuple[np.ndarray, Prepared]:
        """The texts' numbers; their n-grams are those of the training texts."""
        from tfmeta.reading.prepared_texts import CharacterNgrams  # scikit-learn takes a second

        known = [self._texts[row] for row in self._splits["train"]]
        ngrams = CharacterNgrams(self._texts, known or self._texts)
        return np.concatenate(list(ngrams.chunks(rows))), ngrams

    def texts(self, rows: np.ndarray) -> list[str] | None:
        return [self._texts[row] for row in rows.tolist()] if self._texts else None

    def is_blank(self, chunk: np.ndarray) -> np.ndarray:
        says_nothing: np.ndarray = np.isin(chunk, self._no_tokens)
        return np.all(says_nothing, axis=1)

    def is_cut(self) -> np.ndarray:
        longer: np.ndarray = self._lengths > self._examples.shape[1]
        return longer

    def length_of(self, share: float) -> int:
        """The tokens that this share of the texts, from 0 to 1, have at most."""
        return int(np.quantile(self._lengths, share, method="inverted_cdf"))

    def tokens_per_word(self, *, ends: int = 0) -> float:
        """How many tokens a word has on average; words are what white space separates.

        Args:
            ends: tokens of each text that are of no word.
        """
        words = sum(len(text.split()) for text in self._texts)
        return float((self._lengths - ends).sum()) / max(words, 1)

    def facts(self) -> dict[str, Any]:
        unknown = {}
        for split, rows in self._splits.items():
            ids = self._examples[rows]
            number = int((ids != PADDING).sum())
            unknown[split] = float((ids == UNKNOWN).sum() / number) if number else None
        ids = self._examples
        return {
            "tokens": {
                "median": float(np.median(self._lengths)) if len(ids) else None,
                "most": int(self._lengths.max(initial=0)),
                "cut": int(self.is_cut().sum()),
                "length": ids.shape[1],
                "texts": len(ids),
                "without_known_tokens": int(self.is_blank(ids).sum()),
                "unknown": unknown,
            }
        }

    def lines(self, facts: dict[str, Any]) -> list[tuple[str, str]]:
        facts = facts["tokens"]
        unknown = [f"{s} {share:.1%}" for s, share in facts["unknown"].items() if share is not None]
        return [
            ("tokens per text", f"{facts['median']:g} in the middle, {facts['most']:,} at most"),
            ("texts cut", f"{facts['cut']:,} of {facts['texts']:,}, to {facts['length']:,} tokens"),
            ("unknown tokens", ", ".join(unknown)),
            ("texts of them alone", f"{facts['without_known_tokens']:,}"),
        ]

    def warnings(self, facts: dict[str, Any]) -> list[str]:
        facts, lines = facts["tokens"], []
        for split, share in facts["unknown"].items():
            if share is not None and share > _MOST_UNKNOWN:
                lines.append(
                    f"unknown tokens in the {split} split: {share:.0%}; a text is what is known "
                    "of it. Raise pipeline.vocabulary or train on more texts"
                )
        if blank := facts["without_known_tokens"]:
            lines.append(
                f"texts without a known token: {blank:,} of {facts['texts']:,}; nothing tells "
                "them apart"
            )
        if facts["cut"] > facts["texts"] / 2:
            lines.append(
                f"texts longer than {facts['length']:,} tokens: {facts['cut']:,} of "
                f"{facts['texts']:,}; what is beyond is cut off. Raise pipeline.length"
            )
        return lines

    def vectors(self, x: np.ndarray) -> np.ndarray:
        """How often each token of the episode is in each text, as vectors of length 1."""
        ids, columns = np.unique(x, return_inverse=True)
        counts = np.zeros((len(x), len(ids)))
        rows = np.repeat(np.arange(len(x)), x.shape[1])
        np.add.at(counts, (rows, columns.reshape(-1)), 1.0)
        counts[:, ids == PADDING] = 0
        return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1.0)
