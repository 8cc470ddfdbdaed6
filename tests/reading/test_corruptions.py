"""Corrupted examples, against other implementations of the same corruptions."""

import colorsys

import numpy as np
import pytest
from closeness import assert_close, assert_within_chance
from PIL import Image

from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.sound_format import SoundFormat
from tfmeta.reading.text_format import NO_TOKENS, TextFormat


def named(form):
    return {each.name: each for each in form.corruptions()}


def rng():
    return np.random.default_rng(3)


@pytest.fixture(scope="module")
def pictures():
    """Smooth coloured pictures `(2, 32, 32, 3)`."""
    small = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    large = [np.asarray(Image.fromarray(each).resize((32, 32))) for each in small]
    return np.stack(large).astype(np.float32) / 255


def test_pictures_have_the_five_corruptions_and_none_of_them_nothing(pictures):
    found = named(ImageFormat(32, 32, channels=3))
    assert list(found) == ["noise", "blur", "brightness", "jpeg", "rotation"]
    for corruption in found.values():
        distances = []
        for strength in corruption.strengths:
            changed = corruption.change(pictures, None, strength, rng())
            again = corruption.change(pictures, None, strength, rng())
            np.testing.assert_array_equal(changed, again)
            assert (changed.shape, changed.dtype) == (pictures.shape, np.float32)
            assert changed.min() >= 0
            assert changed.max() <= 1
            distances.append(np.mean((changed - pictures) ** 2))
        assert 0 < distances[0] < distances[2] < distances[4]


def test_brightness_is_added_to_the_value_of_hsv(pictures):
    changed = named(ImageFormat(32, 32, channels=3))["brightness"].change(
        pictures, None, 0.2, rng()
    )
    for before, after in zip(pictures[0, ::9, 0], changed[0, ::9, 0], strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before.tolist())
        expected = colorsys.hsv_to_rgb(hue, saturation, min(1.0, value + 0.2))
        assert_close(after, expected, dtype=np.float32)
    black = np.zeros((1, 4, 4, 3), np.float32)
    grey = named(ImageFormat(4, 4, channels=3))["brightness"].change(black, None, 0.3, rng())
    assert_close(grey, np.full_like(black, 0.3), dtype=np.float32)


def test_inverted_pictures_are_corrupted_as_they_were_before(pictures):
    ink = 1 - pictures[..., :1]
    changed = named(ImageFormat(32, 32, invert=True))["brightness"].change(ink, None, 0.2, rng())
    assert_close(changed, np.clip(ink - 0.2, 0, 1), dtype=np.float32)


def test_a_blur_is_a_sum_of_neighbours_in_shares_of_the_side(pictures):
    changed = named(ImageFormat(32, 32, channels=3))["blur"].change(pictures, None, 14, rng())
    # 14 of 224 is 2 of 32 pixels; the bell ends at four deviations, and the edge is repeated.
    weights = np.exp(-(np.arange(-8, 9) ** 2) / (2 * 2**2))
    weights /= weights.sum()
    padded = np.pad(pictures[0].astype(np.float64), ((8, 8), (8, 8), (0, 0)), "edge")
    rows = sum(w * padded[n : n + 32] for n, w in enumerate(weights))
    expected = sum(w * rows[:, n : n + 32] for n, w in enumerate(weights))
    assert_close(changed[0], expected, dtype=np.float32)


def test_a_rotation_turns_the_picture_either_way():
    bar = np.zeros((8, 33, 33, 1), np.float32)
    bar[:, 16, :] = 1
    rotation = named(ImageFormat(33, 33))["rotation"]
    generator = np.random.default_rng(0)
    changed = rotation.change(bar, None, 30, generator)
    rows = {int(each[:, 28, 0].argmax()) for each in changed}  # 12 columns from the middle
    shift = round(12 * np.tan(np.pi / 6))
    assert rows == {16 - shift, 16 + shift}


# Sounds

SOUND = SoundFormat(rate=8000, samples=4000, mels=8, window=200, hop=100, highest=4000.0)


def test_noise_adds_its_power_to_a_sound():
    x = np.full((400, *SOUND.shape), -60, np.float32)
    x[:, :, 2] = 0  # a tone in one band
    changed = named(SOUND)["noise"].change(x, None, 10, rng())
    assert (changed.shape, changed.dtype) == (x.shape, np.float32)
    np.testing.assert_array_equal(changed.max((1, 2, 3)), 0)  # the loudest band is 0 dB
    power = 10 ** (changed.astype(np.float64) / 10)
    share = power[:, :, 5] / power[:, :, 2]  # of a band of noise alone, of a tone with its noise
    # White noise meets the bands by their widths, all together a tenth of the tone and the floor.
    widths = SOUND.bands().sum(0)
    total = 0.1 * (1 + 7 * 10**-6)
    noise, in_tone = (total * widths[band] / widths.sum() for band in (5, 2))
    expected = (10**-6 + noise) * np.mean(1 / (1 + in_tone * rng().exponential(size=100_000)))
    deviation = share.std() / np.sqrt(share.size)
    assert_within_chance(share.mean(), expected, deviation)


def test_a_falling_level_is_of_so_many_decibels_and_no_less_than_silence():
    x = np.zeros((1, *SOUND.shape), np.float32)
    changed = named(SOUND)["gain"].change(x, None, 30, rng())
    assert_close(changed[0, :, 0, 0], -np.linspace(0, 30, SOUND.frames), dtype=np.float32)
    low = named(SOUND)["gain"].change(x - 50, None, 30, rng())
    assert_close(low, changed, dtype=np.float32, scale=60.0)  # the loudest band is 0 again
    assert changed.min() >= -SOUND.range_db


# Texts

TEXT = TextFormat((*NO_TOKENS, *"abcdefghijklmnopqrstuvwxyz", "card", "lost"), length=6)


def test_typos_are_in_a_share_of_the_letters():
    texts = ["lost card " * 20] * 10
    received = []

    def prepare(encoded):
        received.extend(each.decode() for each in encoded)
        return np.zeros((len(encoded), 6), np.float32)

    from tfmeta.reading.corruptions.of_texts import text_corruptions

    (typos,) = text_corruptions(prepare)
    x = np.zeros((10, 6), np.float32)
    typos.change(x, texts, 0.1, rng())
    for text in received:
        wrong = sum(word not in ("lost", "card") for word in text.split())
        assert 5 <= wrong <= 24  # 16 typos of 160 letters; one between two words spoils both
        assert len(texts[0]) - 16 <= len(text) <= len(texts[0]) + 16
    received.clear()
    typos.change(x[:1], ["?"], 0.2, rng())
    assert received == ["?"]
    with pytest.raises(ValueError, match="received no texts"):
        typos.change(x, None, 0.1, rng())


def test_typos_change_the_tokens():
    (typos,) = TEXT.corruptions()
    clean = np.asarray(TEXT.prepare(np.array([b"lost card"], object)))
    changed = typos.change(clean, ["lost card"], 0.2, rng())
    assert changed.shape == clean.shape
    assert (changed != clean).any()
