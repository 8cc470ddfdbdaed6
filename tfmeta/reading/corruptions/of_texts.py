"""What may be wrong with a text: typos.

A typo leaves a letter out, doubles it, exchanges it with the next one, or puts another one in its
place, each as often, as in the noise of Belinkov and Bisk 2018 (https://arxiv.org/abs/1711.02173);
the strengths are ours.
"""

import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfmeta.reading.corruptions.corruption import Corruption

_LETTERS = string.ascii_lowercase


def text_corruptions(prepare: Callable[[Any], Any]) -> tuple[Corruption, ...]:
    """The corruptions of texts.

    Args:
        prepare: texts -> ids of tokens, as the format makes them.
    """

    def typos(
        x: np.ndarray, texts: Sequence[str] | None, strength: float, rng: np.random.Generator
    ) -> np.ndarray:
        if texts is None:  # only their ids are left, as in a file of episodes
            raise ValueError("received no texts; expected those that the ids were made of")
        changed = [_readable(_with_typos(text, strength, rng), text) for text in texts]
        return np.asarray(prepare(np.array([each.encode() for each in changed], object)), x.dtype)

    strengths = (0.02, 0.05, 0.1, 0.15, 0.2)
    return (Corruption("typos", strengths, "of the letters", typos),)


def _readable(changed: str, text: str) -> str:
    """The changed text; the text itself if no letter or digit is left, which would be refused."""
    return changed if any(map(str.isalnum, changed)) else text


def _with_typos(text: str, share: float, rng: np.random.Generator) -> str:
    """The text with a typo in this share of its letters, rounded up or down by chance."""
    places = [place for place, letter in enumerate(text) if letter.isalpha()]
    number = int(share * len(places) + rng.random())
    letters = list(text)
    for place in sorted(rng.choice(places, number, replace=False).tolist() if number else ()):
        kind, letter = rng.integers(4), letters[place]
        if kind == 0:
            letters[place] = ""
        elif kind == 1:
            letters[place] = 2 * letter
        elif kind == 2 and place + 1 < len(letters):
            letters[place], letters[place + 1] = letters[place + 1], letter
        else:
            letters[place] = _LETTERS[rng.integers(len(_LETTERS))]
    return "".join(letters)
