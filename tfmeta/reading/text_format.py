"""From a text to the ids of its tokens, the same in training, prediction and serving.

Imports no TensorFlow; the operations are in `text_graph.py`.
"""

from dataclasses import asdict, dataclass
from typing import Any

NO_TOKENS = ("", "[UNK]")  # what the ids 0 and 1 stand for in a vocabulary


@dataclass(frozen=True)
class TextFormat:
    """The one definition of how a pipeline's texts are read.

    Args:
        vocabulary: the tokens in the order of their ids, from 0; the first two are no tokens.
        length: tokens of a text that are used; the others at its end are cut off.
        tokenizer: "unicode", the only one that a graph can compute.
        text_column: in a table, the column of the texts.
        label_column: in a table, the column of the classes.

    Raises:
        ValueError: if an argument has another value than these.
    """

    vocabulary: tuple[str, ...]
    length: int
    tokenizer: str = "unicode"
    text_column: str = "text"
    label_column: str = "label"

    def __post_init__(self) -> None:
        words = tuple(self.vocabulary)
        object.__setattr__(self, "vocabulary", words)  # it is a list if it comes from JSON
        if words[:2] != NO_TOKENS or not all(isinstance(word, str) for word in words):
            raise ValueError(
                f"received a vocabulary that begins with {list(words[:3])!r:.80}; expected tokens "
                f"from id 0 on, of which the first are {list(NO_TOKENS)}"
            )
        tokens = set(words[2:])
        if not tokens or len(tokens) < len(words) - 2:
            raise ValueError("received a vocabulary without tokens, or with one twice")
        if odd := sorted(word for word in tokens if word.split() != [word] or _is_half(word)):
            raise ValueError(
                f"received the token {odd[0]!r:.40}; expected tokens of Unicode characters, none "
                "of them white space"
            )
        if not isinstance(self.length, int) or isinstance(self.length, bool) or self.length < 1:
            raise ValueError(f"received length={self.length!r}; expected a whole number above 0")
        if self.tokenizer != "unicode":
            raise ValueError(f"received tokenizer={self.tokenizer!r}; expected 'unicode'")
        for name in ("text_column", "label_column"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise ValueError(f"received {name}={value!r}; expected the name of a column")

    @property
    def shape(self) -> tuple[int]:
        return (self.length,)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "vocabulary": list(self.vocabulary)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "TextFormat":
        return cls(**fields)


def _is_half(word: str) -> bool:
    """Whether there is half of a pair of surrogates in it, which UTF-8 can't hold."""
    return any("\ud800" <= letter <= "\udfff" for letter in word)
