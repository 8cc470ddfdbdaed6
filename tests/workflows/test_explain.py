"""`tfmeta explain` on runs: the text, the JSON, the pictures, and what it refuses."""

import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import trained
from closeness import assert_close
from nightly import second_road
from PIL import Image

import tfmeta
from tfmeta.errors import UserError
from tfmeta.explaining.explanation import AdaptationEffects, Explanations, LayerEffect
from tfmeta.explaining.explanation_lines import name_of, of_adaptation, shortened
from tfmeta.explaining.explanation_pictures import figure_of
from tfmeta.explaining.question import question_of
from tfmeta.reading.example_reader import Place

QUERY = "cross.png"


@pytest.fixture(scope="module")
def support(tmp_path_factory):
    """Two drawings of each class; one more that is the query, and one in two classes."""
    folder = tmp_path_factory.mktemp("explain") / "support"
    shutil.copytree(trained.support_folder(), folder)
    shutil.copy(query(), folder / "cross" / "same.png")
    shutil.copy(folder / "bar" / "0.png", folder / "disc" / "wrong $ and $.png")
    return folder


def query():
    (found,) = (file for file in trained.query_files() if file.name == QUERY)
    return found


@pytest.fixture(scope="module")
def explained(support):
    """By an inner loop, and by a sum."""
    runs = trained.glyph_run(), trained.prototypical_run()
    return [tfmeta.explain(run, query(), support=support) for run in runs]


def test_the_answer_is_that_of_predict(explained, support):
    for found, run in zip(
        explained, (trained.glyph_run(), trained.prototypical_run()), strict=True
    ):
        (each,) = found.of_queries
        (expected,) = tfmeta.predict(run, query(), support=support)
        names = list(expected.probabilities)
        assert list(each.answer) == names
        one, other = (list(e.values()) for e in (each.answer, expected.probabilities))
        assert_close(one, other, dtype=np.float32)
        p = expected.confidence
        assert_close(each.score, np.log(p / (1 - p)), dtype=np.float32, scale=1 / (1 - p))


def test_what_is_the_same_is_named(explained, capfd, support):
    for found in explained:
        examples = {e.place.file: e for e in found.of_queries[0].support.examples}
        assert len(examples) == 12
        assert examples[str(support / "cross" / "same.png")].is_query
        assert sum(each.is_query for each in examples.values()) == 1
        wrong = str(support / "disc" / "wrong $ and $.png")
        (place,) = examples[str(support / "bar" / "0.png")].contradicted_by
        assert place.file == wrong
        text = str(found)
        assert "\n cross/same.png is the query itself\n" in text
        assert " bar/0.png has another target in the same support set: disc/wrong $ and" in text


def test_the_command_prints_what_the_workflow_found(explained, capfd, support, tmp_path):
    arguments = ["explain", trained.glyph_run(), query(), "--support", support]
    picture = tmp_path / "why.png"
    status, out, err = trained.inside(capfd, *arguments, "--output", picture)
    assert status == 0, err
    assert out == f"{explained[0]}\n"
    assert max(map(len, out.splitlines())) <= 80
    for heading in ("Support: what the log-odds", "Input: what", "Adaptation: the log-odds of"):
        assert f"\n{heading}" in out
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert image.width > 1000
    assert f"wrote {picture}" in err
    status, out, err = trained.inside(capfd, *arguments, "--json")
    assert (status, json.loads(out)) == (0, json.loads(json.dumps(explained[0].to_dict())))


@pytest.mark.slow
@second_road(
    "tests/workflows/test_explain.py::test_the_command_prints_what_the_workflow_found",
    "tests/workflows/test_predict.py"
    "::test_json_is_alone_on_standard_output_and_tensorflow_starts_quietly",
)
def test_the_command_says_nothing_of_tensorflow(support):
    words = ["explain", str(trained.prototypical_run()), str(query()), "--support", str(support)]
    command = [sys.executable, "-m", "tfmeta", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "oneDNN" not in done.stderr
    assert "absl" not in done.stderr


def test_the_json_has_all_numbers(explained):
    looped, summed = (found.to_dict() for found in explained)
    assert looped["task_state"]
    (each,) = looped["queries"]
    assert each["label"] == each["explained"]
    assert each["support"]["method"] == "leave-one-out"
    layers = each["adaptation"]["layers"]
    assert [layer["name"] for layer in layers if layer["is_head"]] == ["head"]
    assert_close(sum(layer["share"] for layer in layers), 1.0)
    assert_close(each["adaptation"]["after"], each["score"], dtype=np.float32, scale=1)
    assert len(each["input"]["parts"]) == 81
    assert each["input"]["parts"][0]["box"] == [0, 5, 0, 5]
    (each,) = summed["queries"]
    assert each["adaptation"] is None
    assert each["support"]["method"] == "sum"
    parts = [example["effect"] for example in each["support"]["examples"]]
    assert_close(sum(parts) + each["support"]["rest"], each["support"]["total"], scale=max(parts))
    assert each["support"]["examples"][0].keys() >= {"image", "weight", "squared_distance"}


def test_the_picture_shows_the_heat_and_the_strongest_examples(explained):
    for found in explained:
        figure = figure_of(found, 0)
        images = [axes.images for axes in figure.axes if axes.images]
        heat = found.of_queries[0].input.heat
        np.testing.assert_array_equal(images[1][-1].get_array(), heat)
        titles = [axes.get_title() for axes in figure.axes]
        strongest = found.of_queries[0].support.strongest
        assert f"{strongest[0].effect:+.3f}" in titles
        assert f"{strongest[-1].effect:+.3f}" in titles


@pytest.mark.filterwarnings("ignore:Glyph")
def test_a_class_may_have_dollar_signs_and_any_letters(explained, tmp_path):
    (each,) = explained[1].of_queries
    names = ["$x_{1$", "割草机 <b>", "table lamp " * 9]
    answer = dict(zip(names, (0.5, 0.3, 0.2), strict=True))
    renamed = dataclasses.replace(each, answer=answer)
    found = Explanations(explained[1].facts, [renamed], explained[1].support_pictures)
    (file,) = found.write_pictures(tmp_path / "odd.png")
    with Image.open(file) as picture:
        assert picture.size[0] > 1000
    title = figure_of(found, 0).get_suptitle()
    assert all(name in title for name in names[:2])
    assert max(map(len, title.split("\n"))) <= 90


def test_the_sides_of_a_spectrogram_are_named_and_those_of_a_photograph_not(explained):
    (each,) = explained[1].of_queries
    for sides in (None, ("time, 0 to 1 s", "frequency, 20 to 4000 Hz")):
        one = dataclasses.replace(each, input=dataclasses.replace(each.input, axes=sides))
        figure = figure_of(Explanations(explained[1].facts, [one], None), 0)
        labels = [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes[:2]]
        assert labels == [sides or ("", "")] * 2


def test_a_folder_gets_a_picture_of_each_query(explained, tmp_path):
    (each,) = explained[1].of_queries
    both = Explanations(explained[1].facts, [each, each], explained[1].support_pictures)
    with pytest.raises(UserError, match="for 2 queries; expected a folder"):
        both.write_pictures(tmp_path / "one.png")
    assert not (tmp_path / "one.png").exists()
    files = both.write_pictures(tmp_path / "why")
    assert files == [tmp_path / "why" / name for name in ("001-cross.png", "002-cross.png")]
    assert files[0].read_bytes() == files[1].read_bytes()
    with pytest.raises(UserError, match="exists and is never overwritten"):
        both.write_pictures(tmp_path / "why")
    with pytest.raises(UserError, match=r"expected a new folder, or a file that ends in \.png"):
        both.write_pictures(tmp_path / "why.jpg")


def test_names_are_short_where_the_support_set_says_the_rest(explained, support):
    text = str(explained[1])
    assert "squared distance   example\n" in text
    assert " with no effect\n" in text  # those of the third class
    assert name_of(Place("s.csv", 3, name="line 4"), "s.csv") == "line 4"
    assert name_of(Place("other.csv", 3), "s.csv") == "other.csv row 3"
    assert name_of(Place("s/cat/1.png"), "s") == "cat/1.png"
    assert name_of(Place("q.csv", 1, text="how to pay?"), None) == "how to pay?"


def test_values_of_a_run(tmp_path):
    x = np.linspace(-1, 1, 6, dtype=np.float32)[:, np.newaxis]
    np.savez(tmp_path / "support.npz", x=x, y=np.sin(x))
    np.savez(tmp_path / "query.npz", x=x[:1])
    run, rows = trained.sinusoid_run(), tmp_path / "query.npz"
    found = tfmeta.explain(run, rows, support=tmp_path / "support.npz")
    (expected,) = tfmeta.predict(run, rows, support=tmp_path / "support.npz")
    (each,) = found.of_queries
    assert_close(each.score, expected.prediction[0], dtype=np.float32, scale=1)
    assert each.input.names == ["number 1"]
    assert "Support: what the value would lose" in str(found)
    assert "effect   target    example" in str(found)
    files = found.write_pictures(tmp_path / "why")
    assert len(files) == 1


REFUSED = [
    ({"model": "EXPORT", "checkpoint": "last"}, "an export is of one, so leave it out"),
    (
        {"model": "CHECKPOINT"},
        r"is a file, .* expected a run directory: .*glyphs, with --checkpoint",
    ),
    ({"model": "nowhere"}, "nowhere"),
    ({"support": None}, "received no support set"),
    ({"of": "horse"}, r"of='horse' \(--of\); expected a class of the support set: arrow, bar"),
    ({"images": []}, "expected one path or more"),
    ({"checkpoint": "first"}, "checkpoint='first'"),
]


@pytest.mark.parametrize(("wrong", "message"), REFUSED, ids=lambda value: str(value)[:30])
def test_what_makes_no_sense_is_refused(wrong, message, support):
    model = wrong.get("model")
    if model == "EXPORT":
        wrong = {**wrong, "model": trained.learner_export()}
    elif model == "CHECKPOINT":
        wrong = {"model": next((trained.glyph_run() / "checkpoints").glob("*.keras"))}
    given = {"model": trained.glyph_run(), "images": query(), "support": support, **wrong}
    with pytest.raises(UserError, match=message):
        tfmeta.explain(**given)


def test_a_command_without_an_input_says_what_is_missing(capfd):
    status, _, err = trained.inside(capfd, "explain", "runs/x", "--support", "s")
    assert status == 2
    assert "received no INPUT" in err
    two = ["a.png", "b.png", "--output", "one.png"]
    status, _, err = trained.inside(capfd, "explain", "runs/x", "--support", "s", *two)
    assert status == 2
    assert "received --output one.png for 2 queries; expected a folder" in err


def test_the_table_of_the_layers_says_where_the_answer_comes_from():
    head = LayerEffect("top", True, 1285, 1.234, 0.75, effect=2.0)
    features = LayerEffect("conv", False, 36864, 0.0123, 0.25, effect=-0.5)
    fresh = LayerEffect("bias", False, 8, None, 0.0, effect=0.0)
    question = question_of(np.array([0.0, 1.0]), ["cat", "dog"], None)
    for layers, words in (
        ([features, fresh, head], "features alone, +1.50 with the changed head alone, +2.00 with"),
        ([head], "-1.00 before the first step, +2.00 after the last one; only the head is adapted"),
    ):
        found = AdaptationEffects(layers, -1.0, 0.5, 1.5, 2.0)
        lines = list(of_adaptation(found, question, {}, 200))
        assert words in lines[0]
        assert lines[-1].split() == ["1,285", "123%", "75%", "+2.000", "top", "(the", "head)"]
    lines = list(of_adaptation(AdaptationEffects([fresh], 0, 0, 0, 0), question, {}, 80))
    assert lines[-1].split() == ["8", "from", "0", "0%", "+0.000", "bias"]


def test_a_long_name_keeps_its_ends():
    assert shortened("a" * 50 + "z" * 50) == "a" * 21 + "…" + "z" * 21
    assert shortened("短" * 30) == "短" * 10 + "…" + "短" * 10
    assert shortened("short") == "short"


def test_without_matplotlib_the_extra_is_named_before_any_work(monkeypatch, tmp_path, capfd):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    arguments = ["explain", "nowhere", "a.png", "--support", "s", "--output", tmp_path / "why"]
    status, _, err = trained.inside(capfd, *arguments)
    assert status == 2
    assert "this needs Matplotlib: pip install 'tfmeta[report]'" in err
