"""Google's speech embedding, beside ONNX's own runtime, window by window.

The tests are skipped where Python is too old for the package that has the weights and the runtime.
"""

import keras
import numpy as np
import pytest
from closeness import assert_close

from tfmeta import UserError
from tfmeta.keras_files import load_model
from tfmeta.network_registry import NETWORKS
from tfmeta.networks import speech_embedding
from tfmeta.reading import speech_embedding_file as place
from tfmeta.reading.sound_examples import SoundOptions
from tfmeta.reading.speech_embedding_file import speech_embedding_file

onnxruntime = pytest.importorskip("onnxruntime")
WINDOW, STEP, SILENT = 76, 8, 2.0


@pytest.fixture(scope="module")
def reference():
    """`(windows, 76, 32) -> (windows, 96)`, by ONNX's runtime."""
    session = onnxruntime.InferenceSession(speech_embedding_file())

    def embed(windows):
        x = np.asarray(windows, np.float32)[..., np.newaxis]
        return session.run(None, {session.get_inputs()[0].name: x})[0].reshape(len(x), -1)

    return embed


def sounds(frames, mels=32, number=2):
    """Log-mels as the network takes them, whose loudest band is 10."""
    x = np.random.default_rng(0).normal(6, 3, (number, frames, mels, 1)).clip(SILENT, 10)
    x[:, 0, 0] = 10
    return x.astype(np.float32)


def by_hand(x, reference):
    """The mean of the windows; each counts by what is heard in its middle 36 frames."""
    x = x[..., 0]
    starts = range(0, x.shape[1] - WINDOW + 1, STEP)
    rows = []
    for sound in x:
        loudness = sound.max(1)
        is_heard = loudness >= loudness.max() - 0.5625 * (loudness.max() - sound.min())
        weights = np.array([is_heard[s + 20 : s + 56].mean() for s in starts]) + 1e-3
        embeddings = reference([sound[s : s + WINDOW] for s in starts])
        rows.append(weights @ embeddings / weights.sum())
    return np.array(rows)


def test_its_features_are_those_of_onnx(reference):
    x = sounds(150)
    x[0, 40:] = SILENT  # so that few windows are heard
    found = speech_embedding(x.shape[1:])(x).numpy()
    assert_close(found, by_hand(x, reference), dtype=np.float32)


def test_a_short_sound_has_silence_before_and_after_it(reference):
    x = sounds(41)
    around = ((0, 0), (17, 18), (0, 0), (0, 0))
    padded = np.pad(x, around, constant_values=SILENT)
    found = speech_embedding(x.shape[1:])(x).numpy()
    assert_close(found, reference(padded[..., 0]))


def test_higher_bands_are_not_heard(reference):
    x = sounds(80, mels=40)
    x[:, :, :32] = (x[:, :, :32] - 3).clip(SILENT)  # a bird is louder than the voice
    x[1, :, :32] = SILENT  # there is none
    x[:, 5, 35] = 10
    speech = x[:, :, :32].copy()
    speech[0] += 10 - speech[0].max()
    found = speech_embedding(x.shape[1:])(x).numpy()
    assert_close(found, by_hand(speech, reference), dtype=np.float32)


def test_it_is_saved_with_its_weights(tmp_path):
    network = speech_embedding((80, 40, 1), 3)
    network.save(tmp_path / "network.keras")
    x = sounds(80, mels=40)
    assert_close(load_model(tmp_path / "network.keras")(x).numpy(), network(x).numpy())


def test_its_bands_are_those_of_speech_whatever_the_rate():
    options = SoundOptions(**NETWORKS["speech_embedding"].suited)
    mels = 2595 * np.log10(1 + np.array([60.0, 3800.0]) / 700)
    wanted = 700 * (10 ** (np.linspace(*mels, 34) / 2595) - 1)
    for rate, bands in ((7600, 32), (8000, 32), (16_000, 44), (44_100, 62)):
        found = options.resolve([rate], [1.0])
        assert found.mels == bands
        ends = 2595 * np.log10(1 + np.array([found.lowest, found.highest]) / 700)
        edges = 700 * (10 ** (np.linspace(*ends, bands + 2) / 2595) - 1)
        assert_close(edges[:34], wanted, dtype=np.float32)


@pytest.mark.parametrize("shape", [(76,), (76, 31, 1), (76, 32, 3), (None, 32, 1)])
def test_other_examples_are_refused(shape):
    with pytest.raises(
        ValueError, match=r"takes \(frames, mels, 1\), .* with 32 bands or more, which need"
    ):
        speech_embedding(shape, weights=None)


def test_other_weights_are_refused():
    with pytest.raises(ValueError, match="received weights='imagenet'; expected 'speech_embed"):
        speech_embedding(weights="imagenet")


def test_without_its_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(place, "PACKAGE", "no_such_package.wakeword")
    with pytest.raises(UserError, match=r"pip install 'tfmeta\[pretrained\]'"):
        speech_embedding()
    assert isinstance(speech_embedding(weights=None), keras.Model)
