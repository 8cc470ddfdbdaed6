"""`tfmeta explain` on exports: beside the run that they are of, and beside `predict`."""

import json
import shutil

import numpy as np
import pytest
import trained
from closeness import assert_all_close, assert_close

import tfmeta
from tfmeta.errors import UserError
from tfmeta.exporting.loading import answering


@pytest.fixture(scope="module")
def support(tmp_path_factory):
    """Two drawings of each class, and one of these again."""
    folder = tmp_path_factory.mktemp("explain") / "support"
    shutil.copytree(trained.support_folder(), folder)
    shutil.copy(folder / "bar" / "0.png", folder / "bar" / "again.png")
    return folder


@pytest.fixture(scope="module")
def queries():
    return [file for file in trained.query_files() if file.name in ("cross.png", "disc.png")]


@pytest.fixture(scope="module")
def explained(support, queries):
    return tfmeta.explain(trained.learner_export(), queries, support=support)


def test_an_export_is_explained_as_the_run_by_leaving_out(explained, support, queries):
    of_run = tfmeta.explain(trained.glyph_run(), queries, support=support)
    for found, expected in zip(explained.of_queries, of_run.of_queries, strict=True):
        assert expected.support.method == found.support.method == "leave-one-out"
        assert found.answer.keys() == expected.answer.keys()
        assert found.input.names == expected.input.names
        assert found.adaptation is None
        effects = [[e.effect for e in one.support.examples] for one in (found, expected)]
        pairs = [
            (found.score, expected.score),
            (found.input.effects, expected.input.effects),
            effects,
        ]
        for one, other in pairs:  # the exports' own rounding, in the logarithm of a probability
            assert_close(np.array(one), np.array(other), dtype=np.float32, scale=30)
        copies = [len(each.copies) for each in found.support.examples]
        assert sum(copies) == 2


def test_an_effect_is_what_predict_loses_without_the_file(explained, support, queries, tmp_path):
    shutil.copytree(support, tmp_path / "less")
    (tmp_path / "less" / "ring" / "1.png").unlink()
    (less,) = tfmeta.predict(trained.learner_export(), queries[:1], support=tmp_path / "less")
    (whole,) = tfmeta.predict(trained.learner_export(), queries[:1], support=support)
    found = explained.of_queries[0]

    def log_odds(prediction):
        p = prediction.probabilities[found.question.name]
        return np.log(p) - np.log(sum(prediction.probabilities.values()) - p)

    (effect,) = (
        each.effect
        for each in found.support.examples
        if each.place.file == str(support / "ring" / "1.png")
    )
    assert_close(effect, log_odds(whole) - log_odds(less), dtype=np.float32, scale=30)


def test_the_text_and_the_json_say_what_an_export_can_not_say(explained, tmp_path):
    text, facts = str(explained), json.loads(json.dumps(explained.to_dict()))
    assert "Adaptation: an export holds the learner's answers and not its layers" in text
    assert facts["kind"] == "learner"
    assert "The run that an export was made of" in facts["without"]["adaptation"]
    assert len(explained.write_pictures(tmp_path / "why")) == 2


def test_with_its_support_set_baked_in_the_input_alone_is_explained(queries, tmp_path):
    model = trained.adapted_export()
    found = tfmeta.explain(model, queries)
    answers = tfmeta.predict(model, queries)
    for each, expected in zip(found.of_queries, answers, strict=True):
        assert each.support is None
        assert_all_close(
            list(each.answer.values()), list(expected.probabilities.values()), dtype=np.float32
        )
        assert np.ptp(each.input.effects) > 0
    text = str(found)
    assert "Support: it is baked into the export" in text
    assert "replaced by the mean of the query" in " ".join(text.split())
    assert found.to_dict()["queries"][0]["support"] is None
    assert len(found.write_pictures(tmp_path / "why")) == 2
    with pytest.raises(UserError, match="has its support set baked in; leave --support out"):
        tfmeta.explain(model, queries, support=trained.support_folder())


def test_values_are_explained_too(tmp_path, monkeypatch):
    processes, ask = [], answering._asked
    monkeypatch.setattr(answering, "_asked", lambda *a: processes.append(a) or ask(*a))
    x = np.linspace(-3, 3, 5, dtype=np.float32)[:, np.newaxis]
    np.savez(tmp_path / "support.npz", x=x, y=np.sin(x))
    np.savez(tmp_path / "queries.npz", x=x[:2] + 0.3)
    options = {"support": tmp_path / "support.npz"}
    found = tfmeta.explain(trained.sinusoid_export(), tmp_path / "queries.npz", **options)
    assert len(processes) == 1  # each loads the model
    of_run = tfmeta.explain(trained.sinusoid_run(), tmp_path / "queries.npz", **options)
    for each, expected in zip(found.of_queries, of_run.of_queries, strict=True):
        assert_close(each.score, expected.score, dtype=np.float32, scale=10)
        effects = [[e.effect for e in one.support.examples] for one in (each, expected)]
        assert_close(*map(np.array, effects), dtype=np.float32, scale=10)
