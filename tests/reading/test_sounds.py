"""How WAV files become spectrograms, beside NumPy, scipy and the closed form of tones."""

import struct
from functools import cache

import numpy as np
import pytest
import scipy.signal
import tensorflow as tf
from closeness import (
    QUIETER_THAN_FULL_SCALE,
    assert_at_most,
    assert_close,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import RATE, tones, wav

from tfmeta.reading.decoding.resampling import resampled
from tfmeta.reading.mel_bands import mel_weights
from tfmeta.reading.sound_format import SoundFormat
from tfmeta.reading.sound_graph import prepare, stretch
from tfmeta.reading.wav_files import wav_header, wav_samples

FORMAT = SoundFormat(RATE, 4000, window=200, hop=80, highest=4000.0, centre=-30.0, spread=15.0)
KINDS = [(8, False), (16, False), (24, False), (32, False), (32, True), (64, True)]


@cache
def graph():
    spec = [tf.TensorSpec([None], tf.string)]
    return tf.function(
        lambda files: prepare(files, FORMAT, name="x_bytes"), input_signature=spec, autograph=False
    )


def prepared(*files):
    return graph()(list(files)).numpy()


def by_hand(x, sound_format=FORMAT):
    """The spectrogram by sums of sines and cosines: `(frames, mels)`."""
    f = sound_format
    size = f.fft_length
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(f.window) / f.window)
    angles = 2 * np.pi * np.outer(np.arange(f.window), np.arange(size // 2 + 1)) / size
    frames = np.stack([x[s : s + f.window] for s in range(0, len(x) - f.window + 1, f.hop)])
    frames = frames * window
    power = (frames @ np.cos(angles)) ** 2 + (frames @ np.sin(angles)) ** 2
    edges = [mel_inverse(m) for m in np.linspace(mel(f.lowest), mel(f.highest), f.mels + 2)]
    bins = np.arange(size // 2 + 1) * f.rate / size
    bands = [np.interp(bins, edges[n : n + 3], [0, 1, 0]) for n in range(f.mels)]
    mels = power @ np.array(bands).T
    decibels = np.maximum(10 * np.log10(mels / mels.max()), -f.range_db)
    return (decibels - f.centre) / f.spread


def mel(frequency):
    return 1127 * np.log(1 + frequency / 700)


def mel_inverse(mels):
    return 700 * (np.exp(mels / 1127) - 1)


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(("bits", "is_float"), KINDS)
def test_every_kind_of_samples_is_the_spectrogram_by_hand(bits, is_float, extensible):
    x = np.stack([tones(np.random.default_rng(n), 0.5) for n in range(2)], 1)
    content = wav(x, bits=bits, is_float=is_float, extensible=extensible)
    full = 1 << bits - 1
    # What a file of whole numbers holds of them; of 64 bits, what is left in 32.
    kept = x.astype(np.float32) if is_float else np.round(x * full) / full
    received = prepared(content)[0, ..., 0]
    # The mean of two channels in float32 comes before the float64 of the spectrum.
    assert_close(received, by_hand(kept.mean(1).astype(np.float32)).astype(np.float32))
    samples = wav_samples(content, wav_header(content))
    assert_close(samples, kept.astype(np.float32))


def test_mel_bands_are_those_of_the_formula_in_natural_logarithms():
    received = mel_weights(40, 512, rate=16000, lowest=20, highest=8000)
    edges = mel_inverse(np.linspace(mel(20), mel(8000), 42))
    bins = np.arange(257) * 16000 / 512
    expected = [np.interp(bins, edges[n : n + 3], [0, 1, 0]) for n in range(40)]
    # The two constants of the mel scale, 2595 and 1127, agree in five digits.
    assert_close(received, np.array(expected).T, dtype=np.float32)


@pytest.mark.parametrize("before", [[(b"LIST", b"abc")], [(b"fact", b"1234"), (b"junk", b"")]])
def test_chunks_before_the_samples_change_nothing(before):
    x = tones(np.random.default_rng(0), 0.5)
    np.testing.assert_array_equal(prepared(wav(x, before=before)), prepared(wav(x)))


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 12347, 16000, 44100, 48000, 192000])
def test_resampling_is_the_tones_at_other_times(rate):
    rng = np.random.default_rng(rate)
    highest = 0.8 * min(rate, RATE) / 2
    waves = [(rng.uniform(50, highest), rng.uniform(0, 6)) for _ in range(12)]

    def sound(time):
        return np.mean([np.sin(2 * np.pi * f * time + phase) for f, phase in waves], 0)

    received = at_rate(sound(np.arange(rate) / rate), rate)
    inner = slice(500, -500)  # the ends of a sound are steps, which no filter keeps
    expected = sound(np.arange(RATE) / RATE)
    assert_at_most(np.abs(received - expected)[inner], QUIETER_THAN_FULL_SCALE)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_resampling_is_what_scipy_does(rate):
    x = tones(np.random.default_rng(0), 1.0, rate)
    x = scipy.signal.sosfiltfilt(scipy.signal.butter(12, 3000, fs=rate, output="sos"), x)
    common = np.gcd(rate, RATE)
    expected = scipy.signal.resample_poly(
        x, RATE // common, rate // common, window=("kaiser", 12.0)
    )
    assert_at_most(np.abs(at_rate(x, rate) - expected)[500:-500], 10 * QUIETER_THAN_FULL_SCALE)


def test_what_the_new_rate_cannot_hold_is_filtered_out():
    time = np.arange(44100) / 44100
    for frequency in (4200, 6000, 9000, 15000):
        alias = at_rate(np.sin(2 * np.pi * frequency * time), 44100)
        assert_at_most(np.abs(alias)[500:-500], QUIETER_THAN_FULL_SCALE)


@cache
def resampler():
    return tf.function(
        lambda x, rate: resampled(x, rate, tf.constant(0, tf.int64), to_rate=RATE, count=RATE)
    )


def at_rate(x, rate):
    return resampler()(tf.constant(x, tf.float32), tf.constant(rate, tf.int64)).numpy()


def heard(x, rate=RATE):
    return stretch(tf.constant(x, tf.float32), tf.constant(rate, tf.int64), FORMAT).numpy()


def test_a_short_sound_has_silence_on_both_sides():
    x = np.ones(1000)
    np.testing.assert_array_equal(heard(x), np.pad(x, 1500))


@pytest.mark.parametrize("at", [0, 3040, 11000])
def test_of_a_long_sound_the_loudest_stretch_is_heard(at):
    x = 0.01 * np.random.default_rng(0).normal(size=15000)
    x[at : at + 4000] += np.sin(np.arange(4000))
    np.testing.assert_array_equal(heard(x), x[at : at + 4000].astype(np.float32))


def test_loudness_of_the_recording_does_not_count():
    x = tones(np.random.default_rng(0), 0.5)
    files = [wav(scale * x, bits=64, is_float=True) for scale in (1, 2**-10)]
    np.testing.assert_array_equal(*prepared(*files))


def test_silence_is_the_lowest_value():
    lowest = np.float32(FORMAT.range_db + FORMAT.centre) * np.float32(-1 / FORMAT.spread)
    np.testing.assert_array_equal(prepared(wav(np.zeros(10))), np.full((1, *FORMAT.shape), lowest))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(KINDS),
    st.integers(1, 3),
    st.integers(1, 3000),
    st.sampled_from([4000, 8000, 22050]),
)
def test_one_by_one_and_together_are_the_same(seed, kind, channels, frames, rate):
    x = np.random.default_rng(seed).uniform(-1, 1, (frames, channels))
    content = wav(x, rate, bits=kind[0], is_float=kind[1])
    other = wav(tones(np.random.default_rng(1)))
    alone, together = prepared(content), prepared(other, content, other)
    assert np.isfinite(alone).all()
    np.testing.assert_array_equal(alone[0], together[1])


WHOLE = wav(tones(np.random.default_rng(0)))


def changed(at, form, value):
    content = bytearray(WHOLE)
    struct.pack_into(form, content, at, value)
    return bytes(content)


SPOILT = {
    "empty": (b"", "expected the bytes of WAV files"),
    "no sound": (b"what is this" * 9, "expected the bytes of WAV files"),
    "no samples": (WHOLE[:36], "expected the bytes of WAV files"),
    "cut off": (WHOLE[:-2], "as many bytes of samples as the WAV header promises"),
    "promises gigabytes": (changed(40, "<I", 2**32 - 1), "as many bytes of samples as the WAV"),
    "no frames": (changed(40, "<I", 0), "whole frames of samples, at least one"),
    "half a frame": (changed(40, "<I", 3), "whole frames of samples"),
    "a codec": (changed(20, "<H", 17), "WAV files of 8, 16, 24 or 32 bits"),
    "12 bits": (changed(34, "<H", 12), "WAV files of 8, 16, 24 or 32 bits"),
    "no channels": (changed(22, "<H", 0), "a WAV header whose numbers agree"),
    "many channels": (changed(22, "<H", 65535), "a WAV header whose numbers agree"),
    "no rate": (changed(24, "<I", 0), "1000 to 192000 samples per second"),
    "a huge rate": (changed(24, "<I", 2**32 - 1), "1000 to 192000 samples per second"),
    "no numbers": (wav([np.nan] * 9, bits=32, is_float=True), "expected finite samples"),
    "infinite": (wav([0, np.inf], bits=64, is_float=True), "expected finite samples"),
    "far too loud": (wav([0, 3e4], bits=32, is_float=True), "expected finite samples"),
}


@pytest.mark.attack(
    "WAV files that promise gigabytes, have no rate or no channels, or samples that are no numbers",
    "refused by the input's name before memory is reserved",
)
@pytest.mark.parametrize(("content", "message"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_file_is_refused_by_its_inputs_name(content, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"x_bytes.*{message}"):
        prepared(WHOLE, content)
    with pytest.raises(ValueError, match=r"^(is|has) "):
        wav_samples(content, wav_header(content))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 60), st.integers(0, 255), st.integers(0, 3))
def test_a_changed_header_is_taken_by_both_readers_or_by_none(at, value, cut):
    content = bytearray(wav(tones(np.random.default_rng(0), 0.02), before=[(b"LIST", b"x")]))
    content[at] = value
    content = bytes(content[: len(content) - cut])
    try:
        header = wav_header(content)
        samples = wav_samples(content, header).mean(1)
    except ValueError:
        with pytest.raises(tf.errors.InvalidArgumentError):
            prepared(content)
        return
    again = wav(samples, header.rate, bits=64, is_float=True)
    assert_close(prepared(content), prepared(again))


def test_formats_that_make_no_sense_are_refused():
    for fields, message in [
        ({"rate": 10}, "rate=10; expected 1000 to 192000"),
        ({"mels": 0}, "mels=0; expected a whole number"),
        ({"mels": 200}, "leave bands without a frequency"),
        ({"highest": 5000.0}, "half the rate"),
        ({"spread": 0.0}, "above 0"),
        ({"centre": float("nan")}, "expected a finite number"),
        ({"window": 5000}, "expected from 1 to 10000 frames"),
    ]:
        with pytest.raises(ValueError, match=message):
            SoundFormat(**{**FORMAT.to_dict(), **fields})
    assert SoundFormat.from_dict(FORMAT.to_dict()) == FORMAT


def test_a_spectrogram_goes_from_the_first_sample_to_the_last_and_over_the_pitches():
    time, frequency = FORMAT.picture_axes
    end = ((FORMAT.frames - 1) * 80 + 200) / RATE
    assert time == f"time, 0 to {end:.3g} s"
    assert frequency.endswith(" Hz (mel)")
    lowest, highest = map(float, frequency.removesuffix(" Hz (mel)").split(", ")[1].split(" to "))
    mel = 2595 * np.log10(1 + np.array([lowest, highest]) / 700)
    ends = 2595 * np.log10(1 + np.array([FORMAT.lowest, FORMAT.highest]) / 700)
    step = (ends[1] - ends[0]) / (FORMAT.mels + 1)
    assert_at_most(np.abs(mel - [ends[0] + step, ends[1] - step]), 1.0)  # of whole Hz
