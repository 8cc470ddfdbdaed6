"""Texts -> ids as operations of a graph, exactly as training makes them.

The vocabulary is a file of the served model (an asset), with one token per line.
"""

import hashlib
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfmeta.reading.decoding.encoded_requests import at_most
from tfmeta.reading.tokenizer import RESERVED
from tfmeta.reading.tokenizers import TOKENIZERS, spaced_tokens

VOCABULARY_FILE = "vocabulary.txt"
_UNKNOWN = 1 - RESERVED  # becomes id 1, as the tokens of the file become 2, 3 and so on


class Vocabulary(tf.Module):
    """A table of tokens, which TensorFlow fills from a file.

    A model that uses it must keep this object as an attribute: `tf.saved_model.save` then copies
    the file.

    Args:
        tokens: in the order of their ids, without the two ids that are no tokens.
    """

    def __init__(self, tokens: tuple[str, ...]):
        super().__init__()
        content = "".join(f"{token}\n" for token in tokens).encode()
        # It must be there until the model is saved, which may be at any time.
        self._folder = tempfile.TemporaryDirectory(prefix="tfmeta")
        path = Path(self._folder.name, VOCABULARY_FILE)
        path.write_bytes(content)
        with tf.init_scope():  # not inside of a function that happens to be traced
            self._table = tf.lookup.StaticHashTable(_Lines(path, content), _UNKNOWN)

    def ids(self, tokens: Any) -> Any:
        """Tokens of any shape -> int64 ids; that of an unknown token is 1."""
        return self._table.lookup(tokens) + RESERVED


class _Lines(tf.lookup.TextFileInitializer):
    """The line numbers of a file's lines, from 0."""

    def __init__(self, path: Path, content: bytes):
        self._digest = hashlib.sha256(content).hexdigest()[:16]
        super().__init__(
            str(path),
            key_dtype=tf.string,
            key_index=tf.lookup.TextFileIndex.WHOLE_LINE,
            value_dtype=tf.int64,
            value_index=tf.lookup.TextFileIndex.LINE_NUMBER,
        )

    @property
    def _shared_name(self) -> str:
        # By default it holds the path, which a model must not tell, and which differs each time.
        return f"vocabulary_{self._digest}"


@cache
def vocabulary_of(words: tuple[str, ...]) -> Vocabulary:
    """The one table of a vocabulary, whose first two entries are no tokens."""
    return Vocabulary(words[RESERVED:])


def checked_encoding(encoded: Any, name: str) -> Any:
    """Strings, or an InvalidArgument error if one of them is not in UTF-8.

    Args:
        encoded: of any shape.
        name: of the input; the error's message begins with it.
    """
    encoded = tf.convert_to_tensor(encoded, tf.string)
    valid = tf.strings.unicode_transcode(encoded, "UTF-8", "UTF-8", errors="ignore")
    return _refusing(
        encoded, valid != encoded, f"{name}: expected texts in UTF-8; the first one that is not has"
    )


def token_ids(
    encoded: Any, words: tuple[str, ...], length: int, name: str, *, tokenizer: str = "unicode"
) -> Any:
    """The ids of texts in UTF-8, or an InvalidArgument error if one of them has no token.

    Args:
        encoded: `(...)` strings.
        words: the vocabulary.
        length: ids per text; fewer tokens are padded with 0, others are cut off.
        name: of the input; the error's message begins with it.
        tokenizer: a name in `TOKENIZERS`, of one that a graph can compute. For each of them, a
            token is what has a letter, a number or a symbol.

    Returns:
        float32 `(..., length)`.
    """
    texts = tf.reshape(encoded, [-1])
    tokens = tf.strings.split(spaced_tokens(texts))
    message = f"{name}: expected texts with a word, a number or a symbol; the first one without has"
    is_empty = tokens.row_lengths() == 0
    ids = TOKENIZERS[tokenizer].graph_ids(
        _refusing(texts, is_empty, message),
        tokens.with_flat_values(_refusing(tokens.flat_values, is_empty, message)),
        vocabulary=words,
        ids_of=vocabulary_of(words).ids,
        length=length,
    )
    ids = tf.cast(ids.to_tensor(shape=(None, length)), tf.float32)
    shaped = tf.reshape(ids, tf.concat([tf.shape(encoded), [length]], 0))
    return tf.ensure_shape(shaped, (*encoded.shape, length))


def within_limits(encoded: dict[str, Any], limits: Mapping[str, int]) -> dict[str, Any]:
    """The same texts, or an error before any is looked into. See `InputFormat.within_limits`."""
    names = " and ".join(encoded)
    number = sum(tf.size(texts) for texts in encoded.values())
    sizes = {name: tf.strings.length(texts) for name, texts in encoded.items()}
    total = sum(tf.reduce_sum(tf.cast(size, tf.int64)) for size in sizes.values())
    checks = [
        at_most(limits["request_texts"], number, f"{names}: texts", "request_texts"),
        at_most(limits["request_text_bytes"], total, f"{names}: bytes", "request_text_bytes"),
    ]
    checks += [
        at_most(limits["text_bytes"], size, f"{name}: a text's bytes", "text_bytes")
        for name, size in sizes.items()
    ]
    with tf.control_dependencies(checks):
        admitted = {name: tf.identity(texts) for name, texts in encoded.items()}
    return {name: checked_encoding(texts, name) for name, texts in admitted.items()}


def are_ids(x: Any, number: int, name: str, name_of_texts: str) -> Any:
    """An assertion that numbers are ids from 0 to one less than `number`."""
    inside = tf.reduce_all((x >= 0) & (x < number) & (tf.math.floormod(x, 1) == 0))
    message = f"{name}: expected ids of tokens, whole numbers from 0 to {number - 1}, received"
    return tf.debugging.Assert(inside, [f"{message} others; or send the texts to {name_of_texts}"])


def are_all_of(ids: Any, of: tuple[int, ...]) -> Any:
    """`(...)`: whether ids `(..., length)` are all among some numbers."""
    return tf.reduce_all(tf.reduce_any([ids == number for number in of], 0), -1)


def _refusing(values: Any, is_wrong: Any, message: str) -> Any:
    """The values, or an error that says which text is wrong, by its number from 0."""
    flat = tf.reshape(is_wrong, [-1])
    first = tf.argmax(tf.cast(tf.concat([flat, [True]], 0), tf.int32))
    check = tf.debugging.Assert(
        first == tf.size(flat, tf.int64), [f"{message} the number", first, "(counted from 0)"]
    )
    with tf.control_dependencies([check]):
        return tf.identity(values)
