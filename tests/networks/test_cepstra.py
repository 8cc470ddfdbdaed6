"""The features of sounds that nothing trains, beside NumPy in loops."""

import keras
import numpy as np
import pytest
import scipy.fft
import tensorflow as tf
from closeness import assert_close

from tfmeta.networks.cepstra import cepstra


def by_hand(x, coefficients=12, parts=4):
    found = []
    for spectrogram in x[..., 0].astype(np.float64):
        loudness = spectrogram.max(1)
        threshold = loudness.max() - 0.75 * (loudness.max() - spectrogram.min())
        frames = scipy.fft.dct(spectrogram[loudness >= threshold], norm="ortho")
        frames = frames[:, 1 : coefficients + 1]
        place = (np.arange(len(frames)) + 0.5) / len(frames)
        row = []
        for middle in (np.arange(parts) + 0.5) / parts:
            weights = np.maximum(0, 1 - abs(place - middle) * parts) + 1e-3
            row.append((frames * weights[:, np.newaxis]).sum(0) / weights.sum())
        found.append(np.concatenate([*row, frames.std(0)]))
    return np.array(found)


def sounds(number=5, frames=30, mels=20):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(number, frames, mels, 1)).astype(np.float32)
    x[1, :10], x[2, 3:] = -4, -4  # silence before and after a sound
    x[3, 1:] = -4  # one frame is heard
    return x


def test_the_features_are_those_by_hand():
    x = sounds()
    assert_close(cepstra(x.shape[1:])(x).numpy(), by_hand(x).astype(np.float32))
    network = cepstra(x.shape[1:], coefficients=5, parts=2)
    assert_close(network(x).numpy(), by_hand(x, 5, 2).astype(np.float32))


def test_silence_around_a_sound_does_not_count():
    x = sounds()[:1]
    padded = np.pad(x, ((0, 0), (7, 20), (0, 0), (0, 0)), constant_values=x.min())
    assert_close(cepstra(padded.shape[1:])(padded).numpy(), cepstra(x.shape[1:])(x).numpy())


def test_a_silent_sound_has_no_features_whatever_is_beside_it():
    """Rounding errors in place of zeros would become an answer at unit length."""
    x = sounds()
    x[4] = -2.3456789
    found = cepstra(x.shape[1:])(x).numpy()
    assert (found[4] == 0).all()
    assert (found[:4] != 0).any(1).all()


def test_the_derivatives_at_a_silent_sound_are_finite():
    x = tf.constant(np.full((1, 30, 20, 1), -2, np.float32))
    network = cepstra(x.shape[1:])
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(network(x))
    assert np.isfinite(tape.gradient(total, x)).all()


def test_it_comes_back_from_its_file(tmp_path):
    network = cepstra((30, 20, 1), 3, parts=2)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(sounds()), network(sounds()))


def test_what_is_no_spectrogram_is_refused():
    with pytest.raises(ValueError, match=r"takes \(frames, mels, 1\)"):
        cepstra((30,))
    with pytest.raises(ValueError, match="fewer coefficients than bands"):
        cepstra((30, 10, 1))
