"""Texts in a graph: the ids of training, which plain Python makes too, and what is refused."""
# ruff: noqa: RUF001 - odd letters are what is tested

import re
import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from tfmeta.reading.text_graph import checked_encoding, token_ids
from tfmeta.reading.tokenizers import TOKENIZERS

# First and last letter of what is drawn from; categories that Unicode has not changed for long.
_RANGES = {
    "ascii": (0x20, 0x7E), "latin": (0xA0, 0x24F), "greek": (0x391, 0x3C9),
    "cyrillic": (0x410, 0x44F), "arabic": (0x621, 0x652), "hindi": (0x904, 0x94D),
    "thai": (0xE01, 0xE5B), "japanese": (0x3041, 0x3093), "chinese": (0x4E00, 0x9FA5),
    "korean": (0xAC00, 0xD7A3), "wide": (0xFF01, 0xFF5E), "punctuation": (0x2010, 0x2027),
    "emoji": (0x1F600, 0x1F64F), "marks": (0x300, 0x33F), "rare chinese": (0x20000, 0x2A6D6),
}  # fmt: skip
_ALONE = [
    (0x0E00, 0x0EFF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3040, 0x30FF), (0x4E00, 0x9FFF),
    (0x20000, 0x3FFFF),
]  # fmt: skip
LENGTH = 9


def drawn(rng, number):
    """Texts of several scripts, with a token in each."""
    texts = []
    for _ in range(number):
        names = rng.choice(list(_RANGES), size=rng.integers(1, 4))
        letters = [chr(rng.integers(*_RANGES[n], endpoint=True)) for n in names for _ in range(8)]
        spaces = rng.choice(["", " ", "\t", "\n", "'", "’", "、"], size=len(letters))
        texts.append("".join(map("".join, zip(letters, spaces, strict=True))) + " x")
    return texts


def by_python(text):
    """The tokens of a text, in plain Python."""
    text = unicodedata.normalize("NFC", text)
    text = re.sub("[\uff61-\uff9f]+", lambda half: unicodedata.normalize("NFKC", half[0]), text)
    text = "".join(chr(ord(c) - 0xFEE0) if 0xFF01 <= ord(c) <= 0xFF5E else c for c in text)
    text = re.sub("['\u2019\uff07]", "", text.lower())
    found, is_open, is_alone = [], False, False
    for letter in text:
        category = unicodedata.category(letter)
        if category[0] not in "LMN" and category != "So":
            is_open = False
            continue
        alone = category == "So" or any(a <= ord(letter) <= b for a, b in _ALONE)
        is_mark = category[0] == "M"
        if is_open and (is_mark if is_alone else not alone):
            found[-1] += letter
        else:
            found.append(letter)
            is_alone = alone
        is_open = True
    return found


def ids_of(texts, words, length=LENGTH):
    """As a served model makes them, in a graph."""

    @tf.function(autograph=False)
    def traced(encoded):
        return token_ids(checked_encoding(encoded, "x_text"), words, length, "x_text")

    return traced(tf.constant([text.encode() for text in texts])).numpy()


def test_ids_in_a_graph_are_those_of_training_and_of_plain_python():
    texts = drawn(np.random.default_rng(0), 600)
    words = TOKENIZERS["unicode"].vocabulary_of(texts[:400], 500)
    served = ids_of(texts, tuple(words))
    assert served.dtype == np.float32
    np.testing.assert_array_equal(served, TOKENIZERS["unicode"].ids(texts, words, LENGTH)[0])
    number = {word: i for i, word in enumerate(words)}
    for text, row in zip(texts, served, strict=True):
        expected = [number.get(token, 1) for token in by_python(text)][:LENGTH]
        assert row.tolist() == expected + [0] * (LENGTH - len(expected)), text


@pytest.mark.parametrize("text", [
    "Wo ist meine Karte? Größe ÄNDERN!", "我的银行卡丢了，怎么办？", "كيف أدفع؟", "how much 😀😀?",
    "ＬＯＳＴ　ｃａｒｄ", "don't DON’T", "Οδυσσεύς ΟΔΥΣΣΕΥΣ", "บัตรหาย", "e\u0301te\u0301",
    "ｶﾞｽ ﾃﾞﾝｷ｡ﾊﾟﾝ ｱﾞ",
])  # fmt: skip
def test_sentences(text):
    words = ("", "[UNK]", *dict.fromkeys(by_python(text)))
    expected = [words.index(token) for token in by_python(text)]
    assert ids_of([text], words, len(expected))[0].tolist() == expected


def test_any_shape_of_texts():
    words = ("", "[UNK]", "a", "b")
    texts = tf.constant([[["a b", "b"], ["c", "B a"]]])
    assert token_ids(texts, words, 2, "x").numpy().tolist() == [
        [[[2, 3], [3, 0]], [[1, 0], [3, 2]]]
    ]
    assert token_ids(tf.constant("b"), words, 2, "x").numpy().tolist() == [3, 0]
    assert token_ids(tf.zeros((2, 0), tf.string), words, 2, "x").shape == (2, 0, 2)


@pytest.mark.fault("a request with a text that is not UTF-8", "refused with the input's name")
def test_what_is_no_utf_8_is_refused():
    rng = np.random.default_rng(1)
    cases = [bytes(rng.integers(0, 256, rng.integers(1, 5)).tolist()) for _ in range(300)]
    cases += [
        "ä".encode()[:1],
        "卡".encode()[:2],
        b"\xed\xa0\x80",
        b"\xc0\x80",
        "é".encode("latin1"),
    ]
    refused = 0
    for case in cases:
        try:
            case.decode()
        except UnicodeDecodeError:
            refused += 1
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"query_x_text: .* UTF-8"):
                checked_encoding(tf.constant([b"good", case]), "query_x_text")
        else:
            assert checked_encoding(tf.constant([case]), "x").numpy()[0] == case
    assert 0 < refused < len(cases)


@pytest.mark.fault("a request with a text without a word", "refused with the input's name")
@pytest.mark.parametrize("text", ["", "  \t\n", "?!...", "'’", "，。", "\u00a0"])
def test_a_text_without_a_token_is_refused(text):
    texts = tf.constant([["one", text], ["two", "three"]])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"x_text: .* word") as caught:
        token_ids(texts, ("", "[UNK]", "a"), 3, "x_text")
    assert "(counted from 0)" in str(caught.value)
