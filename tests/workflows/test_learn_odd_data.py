"""`tfmeta learn` on data that newcomers brought: taken whole, or refused by name."""

import numpy as np
import pandas
import pytest
from intents import write_intents
from PIL import Image
from recordings import make_sounds
from small_features import small_features

import tfmeta
from tfmeta import UserError
from tfmeta.evaluation import held_out
from tfmeta.reading.image_format import ImageFormat
from tfmeta.training.progress import Progress
from tfmeta.workflows.learnable import classes


@pytest.mark.parametrize("name", ["texts.json", "texts.xlsx", "texts"])
def test_a_file_of_another_kind_is_told_all_that_would_do(name, tmp_path):
    (tmp_path / name).write_text("text,label\na,b\n")
    with pytest.raises(UserError, match=rf"received the file .*{name}; expected a folder .*JSONL"):
        tfmeta.learn(tmp_path / name)


@pytest.mark.usefixtures("unexported")
def test_a_column_of_lists_is_refused_where_it_is_used(tmp_path):
    file = tmp_path / "lists.parquet"
    columns = {"a": [1.0, 2, 8, 9], "label": list("xxyy"), "both": [[1.0, 2.0]] * 4}
    pandas.DataFrame(columns).to_parquet(file)
    with pytest.raises(UserError, match=r"not numeric: both \(array"):
        tfmeta.learn(file)
    with pytest.raises(UserError, match=r"several values as label \(both\) in rows 1, 2, 3, 4"):
        tfmeta.learn(file, label="both")
    assert tfmeta.learn(file, features=["a"], output=tmp_path / "m").class_names == ("x", "y")


@pytest.mark.parametrize("network", ["bag_of_tokens", "bag_of_ngrams", "conv1d"])
def test_a_network_of_other_data_than_images_is_refused(network, tmp_path):
    for name in ("light", "dark"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(2):
            shade = 50 * number + 150 * (name == "light")
            Image.new("L", (8, 8), shade).save(tmp_path / "data" / name / f"{number}.png")
    with pytest.raises(UserError, match=f"the images, of shape .* not for the network '{network}'"):
        tfmeta.learn(tmp_path / "data", network=network)


@pytest.mark.parametrize("network", ["conv4", "efficientnet_lite2"])
def test_a_network_of_other_data_than_texts_is_refused(network, tmp_path):
    file = write_intents(tmp_path / "t.csv", [("one", "a"), ("two", "a"), ("six", "b")])
    with pytest.raises(UserError, match=f"the texts, of shape .* not for the network '{network}'"):
        tfmeta.learn(file, network=network)


def test_images_as_large_as_those_that_are_learned_are_taken(tmp_path, monkeypatch):
    """Of a width of 40 pixels here; a camera's are above the usual limit."""
    monkeypatch.setitem(ImageFormat.limits, "image_pixels", (300, "pixels"))
    exports = []

    def export_both(learner, folder, *, shared, **_):
        exports.append(shared)
        return folder / "1", folder / "2"

    monkeypatch.setattr(classes, "export_both", export_both)
    for number in range(4):
        folder = tmp_path / "data" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8 * number + 16, 20), (60 * number, 0, 0)).save(folder / f"{number}.png")
    tfmeta.learn(tmp_path / "data", network=str(small_features()), output=tmp_path / "model")
    assert exports[0]["limits"]["image_pixels"] == 40 * 20


@pytest.mark.usefixtures("unexported")
def test_sounds_in_folders_of_speakers_are_sounds(tmp_path):
    data = make_sounds(tmp_path / "all", groups=2, sounds=3)
    found = tfmeta.learn(data, output=tmp_path / "model")
    words = ("word0", "word1", "word2")
    assert found.class_names == tuple(
        f"{voice}/{w}" for voice in ("voice0", "voice1") for w in words
    )
    (warning,) = [each for each in found.warnings if "of their own" in each]
    assert warning.startswith("voice0/word0, voice1/word0 are classes of their own")


@pytest.mark.usefixtures("unexported")
def test_a_flag_may_be_missing_as_any_number(tmp_path):
    flags = ["true", "false", "", "true", "false", "false"]
    rows = [f"{a},{flag},{'xy'[a > 2]}" for a, flag in enumerate(flags)]
    (tmp_path / "t.csv").write_text("\n".join(["a,flag,label", *rows]))
    with pytest.raises(UserError, match=r"flag.* line 4"):
        tfmeta.learn(tmp_path / "t.csv")
    assert tfmeta.learn(tmp_path / "t.csv", missing="mean", output=tmp_path / "m").held_out
    (tmp_path / "t.csv").write_text("\n".join(["a,flag,label", *rows, "9,maybe,y"]))
    with pytest.raises(UserError, match=r"flag .'maybe' in line 8"):
        tfmeta.learn(tmp_path / "t.csv")


@pytest.mark.usefixtures("unexported")
def test_a_text_may_be_longer_than_pythons_csv_reader_takes(tmp_path):
    texts = [f"{word} {'x' * 140_000}" for word in ("yes", "no", "yes", "no")]
    file = write_intents(tmp_path / "t.csv", list(zip(texts, "abab", strict=True)))
    assert tfmeta.learn(file, output=tmp_path / "model").held_out.accuracy == 1


@pytest.mark.usefixtures("unexported")
def test_classes_whose_names_look_alike_are_warned_of(tmp_path):
    rows = [
        "a,label",
        "1,Oak",
        "2,Oak",
        "8,oak ",
        "9,oak",
        "20,caf\u00e9",
        "21,cafe\u0301",
        "22,fir",
    ]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    (warning,) = [
        each
        for each in tfmeta.learn(tmp_path / "t.csv", output=tmp_path / "model").warnings
        if "look alike" in each or "differ only in case" in each
    ]
    assert warning.startswith("2 sets of classes")
    assert "'Oak' and 'oak'" in warning


@pytest.mark.usefixtures("unexported")
def test_a_class_that_is_never_recognised_is_warned_of(tmp_path):
    rows = [*(f"{number},often" for number in range(20)), "7.5,rarely", "11.5,rarely"]
    (tmp_path / "t.csv").write_text("\n".join(["a,label", *rows]))
    found = tfmeta.learn(tmp_path / "t.csv", output=tmp_path / "model")
    assert found.held_out.accuracy == 20 / 22
    (warning,) = [each for each in found.warnings if "never recognised" in each]
    assert "rarely (of 2)" in warning


@pytest.mark.usefixtures("unexported")
@pytest.mark.parametrize(("work", "is_said"), [(1e13, False), (1e3, True)])
def test_a_head_that_would_take_too_long_is_named(work, is_said, tmp_path, monkeypatch):
    monkeypatch.setattr(held_out, "_MOST_WORK", work)
    (tmp_path / "t.csv").write_text("a,label\n1,x\n2,x\n8,y\n9,y\n")
    found = tfmeta.learn(tmp_path / "t.csv", output=tmp_path / "model")
    said = [each for each in found.warnings if "logistic regression was not tried" in each]
    assert len(said) == is_said
    assert all("4 examples of 2 classes" in each for each in said)


@pytest.mark.parametrize("output", ["file", "file/below", "beside"])
def test_an_output_that_is_a_file_is_refused_before_anything_is_learned(output, tmp_path):
    (tmp_path / "t.csv").write_text("a,label\n1,x\n2,x\n8,y\n9,y\n")
    for name in ("file", "beside-learner"):
        (tmp_path / name).write_text("")
    with pytest.raises(UserError, match=r"cannot write .* is a file; .*--output FOLDER"):
        tfmeta.learn(tmp_path / "t.csv", output=tmp_path / output, progress=Untouched("learn"))


@pytest.mark.fault("an empty output", "refused, not taken for the default")
def test_an_empty_output_is_refused(tmp_path):
    for data in (tmp_path, ([[1.0], [2.0]], ["a", "b"])):
        with pytest.raises(tfmeta.UserError, match="output=''; expected a path"):
            tfmeta.learn(data, output="")


@pytest.mark.parametrize("output", ["data", "data/model", "data/a/model"])
def test_an_output_in_the_folder_of_the_data_is_refused(output, tmp_path):
    (tmp_path / "data" / "a").mkdir(parents=True)
    with pytest.raises(
        UserError, match=r"which is in the folder of the data, .* is a class\. Give"
    ):
        tfmeta.learn(tmp_path / "data", output=tmp_path / output, progress=Untouched("learn"))


class Untouched(Progress):
    def advance(self, *_):
        pytest.fail("it began to read")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": ["a", "b"]}, r"received target=\['a', 'b'\]; expected the name of one column"),
        ({"label": 3}, r"received label=3; expected the name of one column"),
        ({"network": 5}, r"received network=5; expected the name of one network"),
    ],
)
def test_a_name_that_is_no_text_is_refused(given, message, tmp_path):
    with pytest.raises(UserError, match=message):
        tfmeta.learn(tmp_path / "t.csv", **given)


@pytest.mark.usefixtures("unexported")
def test_arrays_that_are_neither_rows_nor_windows_are_said_to_be_columns(tmp_path):
    x = (
        np.random.default_rng(0).normal(size=(12, 20, 2, 1))
        + np.arange(12).reshape(-1, 1, 1, 1) % 2
    )
    note = "each example, of shape (20, 2, 1), is taken as 40 columns; windows of sensor data have"
    found = tfmeta.learn((x, np.arange(12) % 2), output=tmp_path / "m")
    assert [each.startswith(note) for each in found.notes] == [True]
    assert tfmeta.learn((x[..., 0], np.arange(12) % 2), output=tmp_path / "w").notes == ()


def test_a_network_for_windows_is_trained_by_another_command(tmp_path):
    x = np.random.default_rng(0).normal(size=(12, 20, 2))
    with pytest.raises(UserError, match="'conv1d' and windows; it is for `tfmeta train arrays`"):
        tfmeta.learn((x, np.arange(12) % 2), network="conv1d", output=tmp_path / "m")


@pytest.mark.usefixtures("unexported")
def test_a_constant_channel_of_windows_is_named_and_a_missing_number_has_its_place(tmp_path):
    x = np.random.default_rng(0).normal(size=(12, 20, 3)) + np.arange(12).reshape(-1, 1, 1) % 2
    x[:, :, 1] = 4.0
    x[:, 0, 2] = 0.0  # the first step of each window
    found = tfmeta.learn((x, np.arange(12) % 2), output=tmp_path / "m")
    said = "constant channels: 1 (number 2) of 3; they tell few rows apart or none. Leave them out"
    assert said in found.warnings
    assert not [each for each in found.warnings if "features" in each]


@pytest.mark.usefixtures("unexported")
def test_equal_files_of_two_classes_are_named_by_one_of_each(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'pq'[n % 2]}" for n, (a, b) in enumerate(rng.normal(size=(10, 2)))]
    rows += ["9,9,p", "9,9,p", "9,9,q"]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,label", *rows]))
    found = tfmeta.learn(tmp_path / "t.csv", output=tmp_path / "m")
    said = "1 set of equal examples across classes, such as line 12, line 14; their labels"
    assert any(each.startswith(said) for each in found.warnings)
