"""Letters and their marks become the characters that Python's form NFC has for them."""

import itertools
import unicodedata

import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfmeta.reading.composed_letters import composed
from tfmeta.reading.tokenizers import spaced_tokens
from tfmeta.reading.word_pieces import word_piece_ids

SEPARATE = ("Tiếng Việt: cộng hoà", "Żółta łódź", "한국어 각각", "सऩ हिन्दी", "ᾂ Ǖ")


def in_graph(texts):
    points = tf.strings.unicode_decode(tf.constant(texts, tf.string), "UTF-8")
    encoded = tf.strings.unicode_encode(composed(points), "UTF-8")
    return [text.decode() for text in encoded.numpy()]


def nfc(text):
    return unicodedata.normalize("NFC", text)


def nfd(text):
    return unicodedata.normalize("NFD", text)


def test_every_letter_that_is_composed_is_found():
    letters = [
        letter for letter in map(chr, range(0x20000)) if nfd(letter) != letter == nfc(letter)
    ]
    assert len(letters) > 12_000
    assert in_graph([nfd(letter) for letter in letters]) == letters


def test_marks_may_come_in_any_order_that_means_the_same():
    vowels, tones, shapes = "aeouy", "\u0300\u0301\u0303\u0309\u0323", "\u0302\u0306\u031b"
    texts = [
        vowel + "".join(marks)
        for vowel in vowels
        for tone, shape in itertools.product(tones, shapes)
        for marks in ((tone, shape), (shape, tone))
    ]
    texts = [text for text in texts if len(nfc(text)) == 1]
    assert len(texts) > 40
    assert in_graph(texts) == [nfc(text) for text in texts]
    assert in_graph(["ê\u0323", "ơ\u0301"]) == ["ệ", "ớ"]  # as Windows' Vietnamese keyboard writes


@given(st.lists(st.text(st.sampled_from("aeo ệếx한국각क़\n"), max_size=12), max_size=4))
def test_texts_are_composed_each_for_itself(texts):
    assert in_graph([nfd(text) for text in texts]) == [nfc(nfd(text)) for text in texts]


def test_katakana_of_half_width_and_its_marks_are_one_letter():
    halves = ["ｶﾞｽ", "ﾃﾞﾝｷ", "ﾊﾟﾝ"]
    assert in_graph(halves) == ["ガｽ", "デﾝｷ", "パﾝ"]
    whole = [unicodedata.normalize("NFKC", half) for half in halves]
    assert spaced_tokens(halves).numpy().tolist() == spaced_tokens(whole).numpy().tolist()


def test_what_composes_with_nothing_stays():
    texts = ["\u0301a", "x\u0323\u0302", "", "a\u200d\u0301", "\u1161\u11a8", "e\u0301\u0301"]
    assert in_graph(texts) == [nfc(text) for text in texts]
    assert in_graph(["e", "\u0301"]) == ["e", "\u0301"]  # of two texts


def test_tokens_are_the_same_of_both_forms():
    assert all(nfd(text) != text for text in SEPARATE)
    plain, separate = (spaced_tokens([form(text) for text in SEPARATE]) for form in (nfc, nfd))
    assert separate.numpy().tolist() == plain.numpy().tolist()


def test_word_pieces_are_the_same_of_both_forms():
    def ids_of(pieces):
        return tf.strings.to_hash_bucket_fast(pieces, 2**31)

    plain, separate = (
        word_piece_ids(tf.constant([form(text) for text in SEPARATE]), ids_of, 40, longest=9)
        for form in (nfc, nfd)
    )
    assert separate.to_list() == plain.to_list()
