"""How texts are read: the one description that training, prediction and serving share."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfmeta import typed_fields as typed
from tfmeta.reading.example_parts import ExampleParts
from tfmeta.reading.example_reader import ExampleReader
from tfmeta.reading.format_registry import FORMATS
from tfmeta.reading.string_format import StringFormat
from tfmeta.reading.text_reader import TextReader

if TYPE_CHECKING:
    from tfmeta.reading.corruptions.corruption import Corruption
    from tfmeta.reading.prepared import Prepared

NO_TOKENS = ("", "[UNK]")  # what the ids 0 and 1 stand for in a vocabulary
# Tokenizers that a graph can compute
IN_GRAPH = ("ngrams", "trigrams", "unicode", "wordpiece", "unigram")
# The tokens that texts are between
ENDS = {"wordpiece": ("[CLS]", "[SEP]"), "unigram": ("<s>", "</s>")}
_DRAWN = 8  # tokens in a random text


@dataclass(frozen=True)
class TextFormat(StringFormat):
    """The one definition of how a pipeline's texts become ids of tokens. See `InputFormat`.

    Args:
        vocabulary: the tokens in the order of their ids, from 0; the first two are no tokens.
        length: tokens of a text that are used; the others at its end are cut off.
        tokenizer: one of `IN_GRAPH`, whose tokens a graph can make.
        text_column: in a table, the column of the texts.
        label_column: in a table, the column of the classes.

    Raises:
        ValueError: if an argument has another value than these.
    """

    kind = "text"
    noun = "texts"
    suffix = FORMATS["text"].suffix
    are_ids = True
    required: ClassVar = {
        "vocabulary": typed.TEXTS,
        "length": typed.COUNT,
        "tokenizer": typed.TEXT,
        "text_column": typed.TEXT,
        "label_column": typed.TEXT,
    }
    limits: ClassVar = FORMATS["text"].limits
    spoilt: ClassVar = {
        "empty": lambda text: b"",
        "blank": lambda text: b" \t\n",
        "of punctuation alone": lambda text: b"?!...",
        "in another encoding": lambda text: text + "é".encode("latin1"),
        "cut inside a letter": lambda text: text + "卡".encode()[:-1],
    }
    padding = b"0"
    without_content = "a text without a token that the vocabulary knows"

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
        if self.tokenizer not in IN_GRAPH:
            raise ValueError(
                f"received tokenizer={self.tokenizer!r}; expected one of {', '.join(IN_GRAPH)}"
            )
        if not tokens.issuperset(self._ends):
            raise ValueError(f"received pieces of words without {' or '.join(self._ends)}")
        for name in ("text_column", "label_column"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise ValueError(f"received {name}={value!r}; expected the name of a column")

    @property
    def shape(self) -> tuple[int]:
        return (self.length,)

    def to_dict(self) -> dict[str, Any]:
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**own, "vocabulary": list(self.vocabulary)}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "TextFormat":
        return cls(**record)

    def reader(self, input_shape: tuple[int, ...], target_size: int | None) -> ExampleReader:
        del input_shape
        self.refuse_values(target_size)
        return TextReader(self.text_column, self.label_column, self.length)

    def prepared(self, examples: Any) -> "Prepared":
        """As in `InputFormat`; a source that has the texts makes a better one itself."""
        from tfmeta.reading.prepared_tokens import PreparedTokens

        numbers = (examples != 0).sum(-1)
        return PreparedTokens(examples, {}, numbers, (), no_tokens=self.no_tokens)

    def parts(self, encoded: Any, example: Any, background: Any) -> ExampleParts:
        """The words, each left out of the text; of scripts without spaces the letters."""
        from tfmeta.reading.word_spans import word_spans  # imports TensorFlow

        del background
        text = bytes(encoded).decode("utf-8", "replace")
        spans = word_spans(text)
        rest = [text[:start] + text[end:] for start, end in spans]
        # A text without a word would be refused; no token is what is left of it.
        hidden = np.zeros((len(spans), *np.shape(example)), np.float32)
        if len(spans) > 1:
            hidden = np.asarray(self.prepare(np.array([each.encode() for each in rest], object)))
        return ExampleParts([text[start:end] for start, end in spans], hidden)

    def words(self, x: Any) -> list[str]:
        """The tokens of each text."""
        return [" ".join(self.vocabulary[int(id_)] for id_ in ids if id_) for ids in x]

    def from_words(self, words: list[str]) -> Any:
        return np.array([text.encode() for text in words], object)

    def corruptions(self) -> "tuple[Corruption, ...]":
        from tfmeta.reading.corruptions.of_texts import text_corruptions

        return text_corruptions(self.prepare)

    # In a graph

    def prepare(self, examples: Any, *, name: str = "text") -> Any:
        checked = _graph().checked_encoding(examples, name)
        return self.prepare_checked(checked, name=name)

    def within_limits(self, inputs: dict[str, Any], limits: Mapping[str, int]) -> dict[str, Any]:
        return _graph().within_limits(inputs, limits)

    def prepare_checked(self, checked: Any, *, name: str) -> Any:
        words = self.vocabulary
        return _graph().token_ids(checked, words, self.length, name, tokenizer=self.tokenizer)

    def checks(self, x: Any, name: str) -> list[Any]:
        return [_graph().are_ids(x, len(self.vocabulary), name, name + self.suffix)]

    @property
    def no_tokens(self) -> tuple[int, ...]:
        """The ids that say nothing of a text."""
        return (*range(len(NO_TOKENS)), *map(self.vocabulary.index, self._ends))

    @property
    def _ends(self) -> tuple[str, ...]:
        return ENDS.get(self.tokenizer, ())

    def is_empty(self, x: Any) -> Any:
        return _graph().are_all_of(x, self.no_tokens)

    # For exports

    def resources(self) -> Any:
        return _graph().vocabulary_of(self.vocabulary)

    def draw(self, rng: Any, shape: tuple[int, ...]) -> Any:
        texts = np.empty(shape, object)
        for index in np.ndindex(*shape):
            ids = rng.integers(len(NO_TOKENS), len(self.vocabulary), _DRAWN)
            words = [self.vocabulary[id_] for id_ in ids]
            texts[index] = " ".join([*words, str(rng.integers(1000))]).encode()
        return texts

    def draw_prepared(self, rng: Any, shape: tuple[int, ...]) -> Any:
        return rng.integers(1, len(self.vocabulary), shape).astype(np.float32)

    def admitted_strings(self, encoded: list[bytes]) -> dict[str, int]:
        sizes = list(map(len, encoded))
        return {
            "text_bytes": max(sizes, default=0),
            "request_texts": len(sizes),
            "request_text_bytes": sum(sizes),
        }

    def description(self) -> str:
        return (
            f"Texts are {self.length} ids of tokens as floats, whole numbers from 0 to "
            f"{len(self.vocabulary) - 1}: 0 is padding, 1 an unknown token, 2 the first line of "
            f"`assets/vocabulary.txt`. An input that ends in `{self.suffix}` takes texts in UTF-8 "
            "instead, one string per text, and makes tokens of them as in training. It refuses a "
            "text without a word, a number or a symbol."
        )

    def shown(self) -> dict[str, Any]:
        return {self.suffix: "how do I pay?"}

    @property
    def client_arguments(self) -> str:
        return "SUPPORT.csv TEXT..."


def _is_half(word: str) -> bool:
    """Whether there is half of a pair of surrogates in it, which UTF-8 can't hold."""
    return any("\ud800" <= letter <= "\udfff" for letter in word)


def _graph() -> Any:
    """The module of TensorFlow's operations."""
    from tfmeta.reading import text_graph

    return text_graph
