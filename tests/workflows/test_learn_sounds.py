"""`tfmeta learn` on a folder of sounds."""

import numpy as np
import pytest
from recordings import make_sounds, tones, wav

import tfmeta
from tfmeta.errors import UserError
from tfmeta.network_registry import NETWORKS
from tfmeta.workflows import learn_exports
from tfmeta.workflows.learnable import sound_folders
from tfmeta.workflows.learnable.sound_folders import holds_sounds
from tfmeta.workflows.learnable.task import first_unless_surely_worse


@pytest.fixture
def unverified(monkeypatch):
    """Leaves out what `test_sound_exports.py` tries of exports."""
    monkeypatch.setattr(learn_exports, "verify_export", lambda version: {"ok": True, "checks": []})


@pytest.fixture
def without_weights(monkeypatch):
    """As if the package that has the weights were not installed."""
    monkeypatch.setattr("tfmeta.network_registry.is_installed", lambda package: False)


@pytest.mark.usefixtures("unverified", "without_weights")
def test_a_folder_of_sounds_becomes_a_model_that_knows_them(tmp_path):
    data = make_sounds(tmp_path / "all", groups=1, sounds=5) / "voice0"
    (data / "word1" / "silence.wav").write_bytes(wav(np.zeros(4000)))
    found = tfmeta.learn(data, output=tmp_path / "model")
    assert found.network == "statistics"
    assert found.class_names == ("word0", "word1", "word2")
    assert {each.name for each in found.suspects} <= {"word1/silence.wav"}
    assert found.held_out.accuracy >= 15 / 16
    long, silent = found.warnings
    assert long.startswith("1 of 16 sounds are longer than the 0.4")
    assert long.endswith("their loudest part counts: word1/silence.wav")
    assert silent == "sounds that are silent: word1/silence.wav; leave them out"
    queries, rng = [], np.random.default_rng(5)
    for number in range(3):
        x = tones(rng, 0.5, 16000, (300 + 500 * number, 600 + 1000 * number))
        queries.append(tmp_path / f"{number}.wav")
        queries[-1].write_bytes(wav(x, 16000, bits=24))
    answers = tfmeta.predict(tmp_path / "model", queries)
    assert [each.label for each in answers] == ["word0", "word1", "word2"]
    assert all("drawn at random" not in line for line in found.warnings)


@pytest.mark.skipif(
    not NETWORKS["speech_embedding"].is_installed, reason="needs the weights of the embedding"
)
def test_with_the_embedding_of_speech_the_exports_are_verified_and_answer_rightly(
    tmp_path, monkeypatch
):
    """Of tones, which no one speaks, statistics alone may be likelier, but not surely."""
    tried = []

    def chosen(tasks, *, standard_errors):
        tried.extend(tasks)
        return first_unless_surely_worse(tasks, standard_errors=standard_errors)

    monkeypatch.setattr(sound_folders, "first_unless_surely_worse", chosen)
    data = make_sounds(tmp_path / "all", groups=1, sounds=4) / "voice0"
    found = tfmeta.learn(data, output=tmp_path / "model")
    assert found.network == "speech_embedding and statistics"
    assert [each.network for each in tried] == [found.network, "statistics"]
    speech, statistics = (-np.log(own_class(each.held_out)) for each in tried)
    gains = speech - statistics
    assert 0 < gains.mean() < 2 * gains.std(ddof=1) / np.sqrt(len(gains))
    assert found.held_out.accuracy >= 11 / 12
    queries = sorted(data.glob("*/*.wav"))
    for support in (None, data):
        export = tmp_path / ("model-learner" if support else "model")
        answers = tfmeta.predict(export, queries, support=support)
        assert [each.label for each in answers] == [file.parent.name for file in queries]


def own_class(held_out):
    """The probabilities of the classes that the sounds that were held out are of."""
    return held_out.probabilities[np.arange(len(held_out.rows)), held_out.answers.labels]


def test_the_files_decide_what_is_learned(tmp_path):
    data = make_sounds(tmp_path / "all", groups=1, sounds=2) / "voice0"
    assert holds_sounds(data)
    for number in range(3):
        (data / "word0" / f"{number}.png").write_bytes(b"")
        (data / "word1" / f"{number}.png").write_bytes(b"")
    assert not holds_sounds(data)
    with pytest.raises(UserError, match="received label='x' and a folder; it is for a table"):
        tfmeta.learn(data, label="x", output=tmp_path / "model")
