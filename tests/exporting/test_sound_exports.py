"""Models that take WAV files: the answers of training's own preparation, at any rate."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import trained
from closeness import assert_close, assert_same_answers
from export_requests import strings
from model_answers import refusal, served
from nightly import second_road
from recordings import tones, wav
from sound_models import (
    WORDS,
    sound_adapted,
    sound_data,
    sound_learner,
    sound_queries,
    sound_run,
    sound_support,
)
from verified import failures

import tfmeta
from tfmeta import UserError
from tfmeta.training.run_directory import RunDirectory

FUZZ = Path(__file__).parents[2] / "benchmarks" / "serving_fuzz.py"
LABELS = np.array([[0, 0, 1, 1, 2, 2]], np.int32)


def files(paths):
    return [path.read_bytes() for path in paths]


def support_files():
    return files(sorted(sound_support().glob("*/*.wav")))


def prepared(contents):
    sound_format = RunDirectory.open(sound_run()).source_facts.input_format
    return sound_format.prepare(tf.constant(contents)).numpy()


def test_files_are_answered_as_spectrograms_of_training_are():
    export, queries = sound_learner(), files(sound_queries())
    support = {"support_x_bytes": strings(support_files(), (1, -1)), "support_y": LABELS}
    plain = {"support_x": prepared(support_files())[np.newaxis], "support_y": LABELS}
    expected = served(
        export, "serving_default", {**plain, "query_x": prepared(queries)[np.newaxis]}
    )
    asked = {"query_x_bytes": strings(queries, (1, -1))}
    received = served(export, "serving_default_bytes", {**support, **asked})
    assert received["label"].tolist() == expected["label"].tolist() == [[0, 1, 2]]
    assert_close(received["probabilities"], expected["probabilities"])
    state = served(export, "adapt_bytes", support)
    later = served(export, "predict_bytes", {**state, **asked})
    assert_close(later["probabilities"], expected["probabilities"])


def test_a_served_model_hears_the_same_at_other_rates_and_with_more_channels():
    rng = np.random.default_rng(0)
    for number, word in enumerate(WORDS):
        pitch = 300 + 500 * number
        state = rng.bit_generator.state
        for rate, channels, bits in ((8000, 1, 16), (44100, 2, 24), (22050, 1, 16), (48000, 1, 32)):
            rng.bit_generator.state = state  # the same phases
            x = tones(rng, 0.3, rate, (pitch, 2 * pitch))
            content = wav(np.stack([x] * channels, 1), rate, bits=bits, is_float=bits == 32)
            answer = served(sound_adapted(), "predict_bytes", {"x_bytes": strings([content], 1)})
            assert answer["label"].tolist() == [word.encode()], (word, rate)


@pytest.mark.fault("a silent sound in a request", "answered, and `unknown` is 1")
def test_a_silent_sound_is_unknown():
    silence = wav(np.zeros((4000, 1), np.float32), 8000)
    asked = {"x_bytes": strings([silence, sound_queries()[0].read_bytes()], 2)}
    unknown = served(sound_adapted(), "predict_bytes", asked)["unknown"]
    assert unknown[0] == 1 > unknown[1]


def test_a_file_that_is_no_sound_is_refused_and_the_model_goes_on():
    good = sound_queries()[0].read_bytes()
    for bad in (b"", b"no sound", good[:-7], good[:40] + b"\xff" * 4 + good[44:]):
        asked = {"x_bytes": strings([good, bad], 2)}
        code, message = refusal(sound_adapted(), "predict_bytes", asked)
        assert code == "INVALID_ARGUMENT", message
        assert "x_bytes" in message
    answer = served(sound_adapted(), "predict_bytes", {"x_bytes": strings([good], 1)})
    assert answer["probabilities"].shape == (1, 3)
    wrong = np.full((1, *prepared([good]).shape[1:]), 9.0, np.float32)
    _, message = refusal(sound_adapted(), "predict", {"x": wrong})
    assert "x: expected log-mels on the scale of this model, from" in message


@pytest.mark.attack(
    "WAV files of more bytes or seconds than a model takes, and too many of them",
    "refused by the limit's name before any is decoded",
)
def test_the_limits_of_a_request_hold(tmp_path):
    limits = {"sound_seconds": 2, "request_sounds": 13, "request_seconds": 14}
    export = tfmeta.export(
        sound_run(),
        kind="adapted",
        support=sound_support(),
        output=tmp_path / "small",
        limits=limits,
        calibration_tasks=0,
    )
    second = wav(np.ones(8000))
    for contents, limit in (
        ([wav(np.ones(16001))], "sound_seconds"),
        ([second] * 14, "request_sounds"),
        ([wav(np.ones(16000))] * 8, "request_seconds"),
    ):
        _, message = refusal(export, "predict_bytes", {"x_bytes": strings(contents, -1)})
        assert f"({limit})" in message


@pytest.mark.parametrize("export", [sound_learner, sound_adapted])
def test_verify_passes(export):
    assert failures(export()) == {}


@pytest.mark.usefixtures("kept_exports")
def test_predict_answers_the_same_from_a_run_and_from_exports():
    support, queries = sound_support(), sound_queries()
    expected = tfmeta.predict(sound_run(), queries, support=support)
    assert [each.label for each in expected] == list(WORDS)
    for found in (
        tfmeta.predict(sound_learner(), queries, support=support),
        tfmeta.predict(sound_adapted(), queries),
    ):
        for one, other in zip(found, expected, strict=True):
            assert_same_answers([one.to_dict()], [other.to_dict()])
    folder = sound_data() / "voice1" / "word0"
    every = tfmeta.predict(sound_adapted(), folder)
    assert [each.place.file for each in every] == [str(f) for f in sorted(folder.glob("*.wav"))]


def test_predict_names_files_that_are_no_sounds(tmp_path):
    (tmp_path / "note.txt").write_text("no sound")
    with pytest.raises(UserError, match=r"holds no sound files, but note.txt; expected a folder"):
        tfmeta.predict(sound_adapted(), tmp_path)
    (tmp_path / "cut.wav").write_bytes(sound_queries()[0].read_bytes()[:-9])
    with pytest.raises(UserError, match=r"cut.wav is cut off: its header promises"):
        tfmeta.predict(sound_adapted(), tmp_path / "cut.wav")


@second_road(
    "tests/exporting/test_sound_exports.py::test_verify_passes",
    "tests/exporting/test_sound_exports.py"
    "::test_a_file_that_is_no_sound_is_refused_and_the_model_goes_on",
    "tests/exporting/test_sound_exports.py"
    "::test_files_are_answered_as_spectrograms_of_training_are",
    "tests/system/test_fuzz.py"
    "::test_random_requests_are_answered_as_the_learner_does_or_refused_by_name",
)
def test_random_requests_are_answered_as_the_learner_does_or_refused_by_name():
    few = ["--requests", 300, "--warm-up", 300, "--draws", 5, "--threads", 4]
    done = trained.run([sys.executable, FUZZ, sound_run(), sound_learner(), *few])
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["faults"] == {}
    assert report["requests"]["malformed"] > 100
    assert report["passed"] is True
