"""`tfmeta learn`: from a folder of a few images to two served models."""

import json
import shutil
from functools import partial

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from closeness import assert_close
from made_once import made_once
from model_answers import checked
from nightly import second_road
from PIL import Image
from sklearn.datasets import load_digits
from small_features import small_features

import tfmeta
from tfmeta.cli import main
from tfmeta.exporting.loading.earlier_version import change_for_clients
from tfmeta.workflows import learn_exports

CLASSES = ("eight", "one", "zero")
NUMBERS = {"zero": 0, "one": 1, "eight": 8}


def digits(name, count, first=0):
    found = load_digits()
    images = found.images[found.target == NUMBERS[name]][first : first + count]
    return [Image.fromarray(np.uint8(image * 255 / 16)).resize((32, 32)) for image in images]


def folder_of(path, count=5):
    for name in CLASSES:
        (path / name).mkdir(parents=True)
        for number, image in enumerate(digits(name, count)):
            image.save(path / name / f"{number}.png")
    return path


@made_once("learned")
def learned(path):
    """With one image in the wrong folder, and in its own."""
    data = folder_of(path / "data", 6)
    shutil.copy(data / "one" / "4.png", data / "zero" / "wrong.png")
    (data / "one" / "5.png").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learn_exports, "verify_export", partial(checked, optimize=False))
        found = tfmeta.learn(data, network=str(small_features()), output=path / "model")
    (path / "found.json").write_text(json.dumps(found.to_dict()))


def report():
    return json.loads((learned() / "found.json").read_text())


@pytest.fixture
def unverified(monkeypatch):
    """Leaves out what `learned` has tried, which takes 30 seconds of the processor."""
    monkeypatch.setattr(learn_exports, "verify_export", lambda version: {"ok": True, "checks": []})


@pytest.mark.usefixtures("kept_exports")
def test_the_model_knows_the_classes(tmp_path):
    files, expected = [], []
    for name in CLASSES:
        for number, image in enumerate(digits(name, 5, first=20)):
            image.save(tmp_path / f"{name}{number}.png")
            files.append(tmp_path / f"{name}{number}.png")
            expected.append(name)
    predictions = tfmeta.predict(learned() / "model", files)
    right = [p.label == name for p, name in zip(predictions, expected, strict=True)]
    assert np.mean(right) >= 0.8
    assert all(0 <= p.confidence <= 1 and 0 <= p.unknown <= 1 for p in predictions)


@pytest.mark.usefixtures("kept_exports")
def test_the_learner_takes_the_same_images_in_its_request(tmp_path):
    digits("eight", 1, first=30)[0].save(tmp_path / "eight.png")
    data, query = learned() / "data", tmp_path / "eight.png"
    (by_request,) = tfmeta.predict(learned() / "model-learner", [query], support=data)
    (baked_in,) = tfmeta.predict(learned() / "model", [query])
    assert by_request.label == baked_in.label == "eight"
    assert_close(by_request.confidence, baked_in.confidence, dtype=np.float32)


def test_the_report_says_how_good_it_is_and_what_looks_wrong():
    found = report()
    assert found["class_names"] == list(CLASSES)
    assert (found["num_examples"], found["held_out"]["num_examples"]) == (18, 18)
    low, high = found["held_out"]["ci95"]
    assert low < found["held_out"]["accuracy"] < high
    wrong = [each for each in found["suspects"] if each["name"].endswith("wrong.png")]
    assert wrong
    assert wrong[0]["label"] == "zero"
    assert any("contradict" in warning for warning in found["warnings"])
    assert found["seconds"] > 0


@pytest.mark.usefixtures("unverified")
def test_one_example_per_class_is_enough_and_said(tmp_path):
    (tmp_path / "t.csv").write_text("a,label\n1,x\n8,y\n")
    found = tfmeta.learn(tmp_path / "t.csv", output=tmp_path / "model")
    assert found.held_out is None
    assert found.temperature == 1.0
    assert "none could be held out" in str(found)
    assert "none could be held out" in (found.adapted / "README.md").read_text()


@pytest.mark.usefixtures("kept_exports")
def test_a_table_of_features_is_learned_too(tmp_path):
    rng = np.random.default_rng(0)
    # Of the second column, such as a pressure, 0 is far away.
    numbers = [(x, x + rng.normal()) for x in (0, 4, 9) for _ in range(6)]
    rows = ["a,b,kind", *(f"{a},{1013 - x},k{x}" for x, a in numbers)]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    found = tfmeta.learn(tmp_path / "t.csv", label="kind", output=tmp_path / "model")
    assert found.held_out.accuracy == 1.0
    (tmp_path / "q.csv").write_text("b,a\n1004,9.5\n1013,0.1\n")
    predictions = tfmeta.predict(tmp_path / "model", [tmp_path / "q.csv"])
    assert [p.label for p in predictions] == ["k9", "k0"]


@second_road(
    "tests/workflows/test_learn.py::test_the_model_knows_the_classes",
    "tests/workflows/test_learn.py::test_a_table_of_features_is_learned_too",
    "tests/pipelines/arrays/test_array_images.py::test_size_and_channels_are_those_of_image_files",
)
@pytest.mark.usefixtures("unverified")
def test_images_in_an_array_are_learned_as_those_in_files(tmp_path):
    data = folder_of(tmp_path / "data", 2)
    files = sorted(data.rglob("*.png"))
    for file in files:  # of the size that files are read at
        Image.open(file).resize((84, 84)).save(file)
    images = np.stack([np.asarray(Image.open(file)) for file in files])
    labels = np.array([file.parent.name for file in files])
    np.savez(tmp_path / "images.npz", x=images, label=labels)
    found = []
    for each in (data, tmp_path / "images.npz"):
        keras.utils.set_random_seed(0)  # of the network's weights
        output = tmp_path / f"of-{each.stem}"
        found.append(tfmeta.learn(each, network=str(small_features()), output=output))
    of_files, of_arrays = found
    assert of_arrays.class_names == of_files.class_names
    assert of_arrays.head == of_files.head
    assert_close(of_arrays.temperature, of_files.temperature, dtype=np.float32)
    (prediction,) = tfmeta.predict(of_arrays.adapted, [files[0]])
    assert prediction.label in of_files.class_names


@pytest.mark.usefixtures("unverified")
def test_the_command_prints_the_report(tmp_path):
    (tmp_path / "t.csv").write_text("a,label\n1,x\n2,x\n8,y\n9,y\n")
    arguments = ["learn", str(tmp_path / "t.csv"), "--output", str(tmp_path / "model"), "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["held_out"]["accuracy"] == 1.0
    assert "Its mean over them is at most 83.3%, which is" in found["rests_on"]
    text = (tmp_path / "model" / "1" / "README.md").read_text()
    assert "one minus" not in text  # of two classes too, `unknown` is calibrated


@pytest.mark.fault("a model of `learn` that fails a check", "refused, and no version of it is left")
def test_a_model_that_fails_a_check_is_not_left_for_a_server(tmp_path, monkeypatch):
    def report(version):
        is_good = version.parent.name == "model"
        return {"checks": [{"check": "answers", "ok": is_good, "detail": "they differ"}]}

    monkeypatch.setattr(learn_exports, "verify_export", report)
    (tmp_path / "t.csv").write_text("a,label\n1,x\n2,x\n8,y\n9,y\n")
    (tmp_path / "out" / "model" / "1").mkdir(parents=True)  # an earlier one
    words = r"neither model is kept, because the export .*model-learner/1 fails its check answers"
    with pytest.raises(tfmeta.UserError, match=words):
        tfmeta.learn(tmp_path / "t.csv", output=tmp_path / "out" / "model")
    left = [str(each.relative_to(tmp_path / "out")) for each in (tmp_path / "out").rglob("*")]
    assert sorted(left) == ["model", "model/1"]


@pytest.mark.usefixtures("unexported")
def test_columns_that_spoil_the_model_are_named(tmp_path):
    rows = [f"{i % 7},{i % 7},5,{i % 2},{'xy'[i % 2]}" for i in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["a,again,still,code,label", *rows]))
    found = tfmeta.learn(tmp_path / "t.csv", output=tmp_path / "model")
    for words in (
        "constant features: 1 (still) of 4",
        "features equal to an earlier one: 1 (again)",
        "features that say the answer itself: 1 (code)",
    ):
        assert any(warning.startswith(words) for warning in found.warnings), words
    assert len(found.warnings) == 3 + sum("equal examples" in each for each in found.warnings)


@pytest.mark.usefixtures("unexported")
@pytest.mark.fault("a column of names or numbers of the rows, or of the answer", "named by `learn`")
def test_categories_and_identifiers_that_spoil_the_model_are_named(tmp_path):
    rows = [f"{i},n{i},{'uv'[i % 2]},{i % 7},{'pqr'[i % 3]},{'xy'[i % 2]}" for i in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["id,name,alias,a,colour,label", *rows]))
    found = tfmeta.learn(tmp_path / "t.csv", categories="auto", output=tmp_path / "model")
    for words in (
        "features that say the answer itself: 1 (alias)",
        "features that number or name the rows: 2 (id, name)",
    ):
        assert any(warning.startswith(words) for warning in found.warnings), words
    assert len(found.warnings) == 2


@pytest.mark.fault("learning from too little", "refused: no data, one class, an empty class")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "nothing", r"there is no .*nothing; expected a folder"),
        (lambda path: path, r"has no class folders"),
        (lambda path: one_class(path), r"received one class, zero; expected two or more"),
        (lambda path: empty_class(path), r"the classes one have no example"),
    ],
)
def test_too_little_is_refused(make, message, tmp_path):
    output = tmp_path.with_name(f"{tmp_path.name}-model")  # not in the folder of the data
    with pytest.raises(tfmeta.UserError, match=message):
        tfmeta.learn(make(tmp_path), network=str(small_features()), output=output)
    assert not output.exists()


@pytest.mark.usefixtures("kept_exports")
def test_a_version_that_clients_of_the_one_before_cannot_use_says_so(tmp_path):
    knows, takes = learned() / "model" / "1", learned() / "model-learner" / "1"
    for number, each in enumerate([knows, knows, takes, knows], 1):
        (tmp_path / "model" / str(number)).mkdir(parents=True)
        shutil.copy(each / "tfmeta.json", tmp_path / "model" / str(number))
    one, same, other, back = (change_for_clients(tmp_path / "model" / n) for n in "1234")
    assert one is None
    assert same is None
    assert "the kind (adapted before, learner now)" in other
    assert str(tmp_path / "model" / "3") in back
    (tmp_path / "model" / "3" / "tfmeta.json").write_text("{}")
    assert change_for_clients(tmp_path / "model" / "4") is None


def one_class(path):
    (path / "data" / "zero").mkdir(parents=True)
    digits("zero", 1)[0].save(path / "data" / "zero" / "0.png")
    return path / "data"


def empty_class(path):
    (one_class(path) / "one").mkdir()
    return path / "data"


@pytest.mark.parametrize("option", [{"network": "conv4"}, {"skip_unreadable": True}])
def test_what_a_table_does_not_take_is_refused(option, tmp_path):
    (tmp_path / "t.csv").write_text("a,label\n1,x\n2,x\n8,y\n9,y\n")
    with pytest.raises(tfmeta.UserError, match=rf"received {next(iter(option))}=.* and a table"):
        tfmeta.learn(tmp_path / "t.csv", output=tmp_path / "model", **option)


def test_a_folder_takes_no_label(tmp_path):
    with pytest.raises(tfmeta.UserError, match="received label='kind' and a folder"):
        tfmeta.learn(folder_of(tmp_path / "data", 1), label="kind", network=str(small_features()))


@pytest.mark.usefixtures("unexported")
def test_a_table_is_told_of_the_options_of_this_command(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,kind\n1,u,x\n2,v,x\n8,w,y\n9,z,y\n")
    with pytest.raises(tfmeta.UserError, match="--exclude b"):
        tfmeta.learn(tmp_path / "t.csv", label="kind", output=tmp_path / "model")
    found = tfmeta.learn(tmp_path / "t.csv", output=tmp_path / "model", features=["a"])
    assert found.held_out
    (note,) = found.notes
    assert note.startswith("the classes are the column kind")
    assert ("note", note) in found.rows()


@pytest.mark.usefixtures("unexported")
def test_a_class_of_one_example_is_named_because_it_was_not_measured(tmp_path):
    (tmp_path / "t.csv").write_text("a,label\n1,x\n2,x\n1.5,x\n9,y\n")
    found = tfmeta.learn(tmp_path / "t.csv", output=tmp_path / "model")
    assert found.held_out.num_examples == 3
    assert any(warning.startswith("y: one example each") for warning in found.warnings)
