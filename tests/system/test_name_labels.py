"""Names of classes on the contact sheet: the right ones, whole where there is room."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tfmeta import name_labels as labels
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.inspection.contact_sheet import draw_sheet
from tfmeta.pipelines import build

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def drawn(name, width=200, height=84):
    """What `draw_name` puts on a white canvas that has 40 pixels more on every side."""
    canvas = Image.new("RGB", (width + 80, height + 80), WHITE)
    labels.draw_name(canvas, name, (40, 40, width, height), BLACK)
    return np.asarray(canvas)[..., 0] < 128


def one_line(text, font=None, ink=0):
    """The ink of a text that Pillow draws, without the white around it."""
    canvas = Image.new("L", (600, 40), 255)
    font = font or ImageFont.load_default(size=12)
    ImageDraw.Draw(canvas).text((5, 20), text, ink, font, anchor="lm")
    return cropped(np.asarray(canvas) < 128)


def cropped(ink):
    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@pytest.mark.parametrize("name", ["ring", "Rose (red)", "alphabet/character 7"])
def test_a_short_name_is_drawn_in_one_line_as_pillow_draws_it(name):
    np.testing.assert_array_equal(cropped(drawn(name)), one_line(name))


def test_control_characters_and_letters_of_no_font_are_numbers(monkeypatch):
    monkeypatch.setattr(labels, "_system_fonts", lambda: iter(()))
    labels._drawable.cache_clear()
    for name, shown in (("a\tb\n", r"a\tb\n"), ("漢a字", r"\u6f22a\u5b57")):
        np.testing.assert_array_equal(cropped(drawn(name)), one_line(shown))
    labels._drawable.cache_clear()


def test_letters_that_pillows_own_font_lacks_come_from_a_font_of_the_machine():
    try:
        font = ImageFont.truetype("DejaVuSans.ttf", 12)
    except OSError:
        pytest.skip("this machine has no DejaVu Sans")
    np.testing.assert_array_equal(cropped(drawn("Ελληνικά")), one_line("Ελληνικά", font))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a long name with words " * 20, "x" * 500, "wide\u4e2d" * 99])
def test_a_long_name_keeps_to_its_room_and_shows_its_beginning_and_its_end(name):
    ink = drawn(name, 200, 45)
    inside = ink.copy()
    inside[40:-40, 40:-40] = False
    assert not inside.any()
    other_end = drawn(name[:-1] + "Q", 200, 45)
    other_start = drawn("Q" + name[1:], 200, 45)
    assert (ink != other_end).any()
    assert (ink != other_start).any()


def test_the_sheet_shows_each_class_by_its_name():
    x = np.zeros((1, 2, 28, 28, 1))
    y = np.array([[0, 1]])
    sheet = np.asarray(draw_sheet([x, y, x, y], "", [["ring", "disc"]]))[..., 0] < 128
    tops = [find(sheet, one_line(name, ink=32)) for name in ("ring", "disc")]
    assert tops[0] < tops[1]


def find(sheet, picture):
    """The row in which a picture's ink begins."""
    height, width = picture.shape
    windows = np.lib.stride_tricks.sliding_window_view(sheet[:, :300], (height, width))
    rows = np.argwhere((windows == picture).all((2, 3)))
    assert len(rows) == 1
    return rows[0, 0]


@pytest.mark.parametrize("within_group", [False, True])
def test_the_names_are_those_of_the_classes_that_an_episode_draws(tiny_source, within_group):
    shape = EpisodeShape(3, 1, 2, within_group=within_group)
    names = tiny_source.names_of_classes("train", shape, 5, 4)
    index = tiny_source.index
    class_of = {
        each.tobytes(): index.class_names[label]
        for each, label in zip(index.examples, index.labels, strict=True)
    }
    episodes = tiny_source.draw("train", shape, 5)(0, 4)
    for number in range(4):
        pixels = np.rint(episodes.support_x[number].numpy() * 255).astype(np.uint8)
        seen = [class_of[each.tobytes()] for each in pixels]
        assert seen == names[number]


def test_a_turned_class_says_by_how_much():
    source = build("glyphs", options={"rotations": True})
    (names,) = source.names_of_classes("train", EpisodeShape(20, 1, 1), 0, 1)
    turns = [int(name.partition(", turned ")[2].removesuffix(" degrees") or 0) for name in names]
    assert set(turns) == {0, 90, 180, 270}
    pixels = source.draw("train", EpisodeShape(20, 1, 1), 0)(0, 1).support_x[0].numpy()
    index = source.index
    for name, turn, seen in zip(names, turns, pixels, strict=True):
        number = index.class_names.index(name.partition(",")[0])
        images = index.examples[index.labels == number] / np.float32(255)
        turned = np.rot90(images, turn // 90, axes=(1, 2))
        assert any(np.array_equal(np.rint(255 * each), np.rint(255 * seen)) for each in turned)
