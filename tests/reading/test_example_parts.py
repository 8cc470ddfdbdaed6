"""The parts of an example that can be hidden, of every kind of input."""
# ruff: noqa: RUF001 - apostrophes and letters of other scripts are what is tested

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.row_format import PLAIN, RowFormat
from tfmeta.reading.sound_format import SoundFormat
from tfmeta.reading.table_format import TableFormat
from tfmeta.reading.text_format import NO_TOKENS, TextFormat
from tfmeta.reading.tokenizers import spaced_tokens
from tfmeta.reading.word_spans import word_spans

RNG = np.random.default_rng(0)


def changed(parts, example):
    """By part, the places where the example without it is another."""
    return [set(map(tuple, np.argwhere(hidden != example))) for hidden in parts.hidden]


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 5, 3), (1, 3, 1), (84, 60, 3)])
def test_windows_cover_a_picture_and_each_hides_its_own(shape):
    example, background = RNG.uniform(0.5, 1, shape), RNG.uniform(0, 0.4, shape)
    parts = ImageFormat(*shape).parts(b"", example, background)
    covered = set()
    for hidden, (top, bottom, left, right) in zip(parts.hidden, parts.boxes, strict=True):
        inside = np.zeros(shape[:2], bool)
        inside[top : bottom + 1, left : right + 1] = True
        expected = np.where(inside[..., np.newaxis], background, example)
        np.testing.assert_array_equal(hidden, expected)
        covered |= set(map(tuple, np.argwhere(inside)))
    assert len(covered) == shape[0] * shape[1]
    assert parts.names[0] == "rows {}-{}, columns {}-{}".format(*parts.boxes[0])
    assert len(parts.names) == len(set(parts.boxes)) <= 100


def test_a_place_has_the_mean_effect_of_the_windows_over_it():
    parts = ImageFormat(10, 10).parts(b"", np.ones((10, 10, 1)), np.zeros((10, 10, 1)))
    effects = RNG.normal(size=len(parts.boxes))
    spread, pairs = parts.spread(effects), list(zip(effects, parts.boxes, strict=True))
    for y, x in ((0, 0), (3, 4), (9, 9)):
        over = [e for e, box in pairs if box[0] <= y <= box[1] and box[2] <= x <= box[3]]
        assert_close(spread[y, x], np.mean(over))


def test_a_part_of_a_sound_is_named_by_its_time_and_frequencies():
    sound = SoundFormat(8000, 1600, mels=10, window=200, hop=80, highest=4000.0)
    example = np.ones(sound.shape)
    parts = sound.parts(b"", example, np.zeros(sound.shape))
    # Of 18 frames a window has 4: from sample 0 to 3 * 80 + 200.
    assert parts.names[0].startswith("0.00-0.06 s, 20-")
    assert parts.names[-1].endswith("-4000 Hz")
    seen = np.argwhere(sound.as_seen(parts.hidden[0] != example))
    assert seen[:, 1].max() < 5  # early is on the left
    assert seen[:, 0].min() > 5  # and low is below


def test_columns_of_a_table_go_with_all_their_places():
    table = TableFormat(
        ("age", "town"), ("y",), categories={"town": ("Ulm", "Bonn")}, missing={"age": 3.0}
    )
    example, background = np.array([40, 1, 9, 1, 8.0]), np.zeros(5)
    parts = table.parts(None, example, background)
    assert parts.names == ["age", "town"]
    assert changed(parts, example) == [{(0,), (1,)}, {(2,), (3,), (4,)}]
    named = RowFormat(("width", "length")).parts(None, np.ones(2), np.zeros(2))
    assert named.names == ["width", "length"]
    np.testing.assert_array_equal(named.hidden, [[0, 1], [1, 0]])


def test_numbers_without_names_are_counted():
    parts = PLAIN.parts(None, np.ones(3), np.zeros(3))
    assert parts.names == ["number 1", "number 2", "number 3"]
    many = PLAIN.parts(None, np.ones((40, 40)), np.zeros((40, 40)))
    assert len(many.names) == 256
    assert many.names[0] == "numbers 1 to 7"
    assert sum(map(len, changed(many, np.ones((40, 40))))) == 1600


def tokens_of(text):
    return [word.decode() for word in tf.strings.split(spaced_tokens([text]))[0].numpy()]


@pytest.mark.parametrize(
    "text",
    [
        "Where is my card?",
        "I don't know, 'tis Jack’s -- e-mail: a_b@c.de 4.5€ 3rd",
        "请问车票多少钱，怎么办？",
        "ช่วยด้วย ok",
        "कार्ड खो गया 👍 ☎️ no",
        "e\u0301te\u0301 ＡＢＣ １２",
        "가나다 ﷺ Ω≈ç",
        "ｶﾞｽ ﾃﾞﾝｷ｡ﾊﾟﾝ",
    ],
)
def test_words_of_a_text_are_the_tokens_of_the_graph(text):
    spans = word_spans(text)
    assert len(spans) == len(tokens_of(text))
    for (start, end), token in zip(spans, tokens_of(text), strict=True):
        assert tokens_of(text[start:end]) == [token]


def test_a_word_is_left_out_of_its_text():
    text = "where is my card?"
    of_texts = TextFormat((*NO_TOKENS, *tokens_of(text)), 8, "unicode")
    (ids,) = of_texts.prepare([text.encode()]).numpy()
    parts = of_texts.parts(text.encode(), ids, np.zeros(8))
    assert parts.names == ["where", "is", "my", "card"]
    for place, hidden in enumerate(parts.hidden):
        np.testing.assert_array_equal(hidden, [*np.delete(ids, place), 0])
    alone = of_texts.parts(b"card!", ids, np.zeros(8))
    assert alone.names == ["card"]
    assert not alone.hidden.any()
