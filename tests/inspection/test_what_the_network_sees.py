"""`tfmeta inspect` looks at prepared examples: what can't be learned from is refused."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from closeness import assert_close, assert_within_chance
from PIL import Image

from tfmeta.cli import main
from tfmeta.inspection.lines import UNLIMITED, grid
from tfmeta.pipelines.regression import build

WAYS = ("--ways", 2, "--queries", 5, "--set")
SIZE = "pipeline.size=16"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)


def run(*arguments):
    return CliRunner().invoke(main, ["inspect", *map(str, arguments)])


def inspect(*arguments, status=0):
    result = run(*arguments, "--json")
    assert result.exit_code == status, result.stderr
    return json.loads(result.stdout)


def write_images(folder, picture):
    """12 classes of 8 images, each `picture(class, number)`."""
    for c in range(12):
        (folder / f"class{c:02d}").mkdir(parents=True)
        for number in range(8):
            picture(c, number).save(folder / f"class{c:02d}" / f"{number}.png")
    return folder


@pytest.mark.fault("images that are one colour once prepared", "inspect and train refuse them")
def test_images_in_which_nothing_can_be_seen_are_refused(tmp_path):
    def picture(c, number):
        return Image.new("RGB", (20, 20), (0, 0, 0) if number else (c, c, c))

    data = ("image-folder", "--data-dir", write_images(tmp_path / "photos", picture), *WAYS, SIZE)
    report = inspect(*data, status=1)
    assert report["prepared_images"] == {"constant": 96, "images": 96}
    assert "this can't be learned from: all" in report["refusals"][-1]
    assert "have one and the same value in every pixel" in report["refusals"][-1]
    trained = CliRunner().invoke(
        main, ["train", *map(str, data), "--set", "validation_tasks=0", "--run-dir", "never"]
    )
    assert trained.exit_code == 2
    assert "this can't be learned from" in trained.stderr


@pytest.mark.fault("texts of unknown words alone", "refused, and no duplicates of each other")
def test_texts_without_a_known_token_are_refused(tmp_path):
    rows = [{"text": f"word{i} other{i}", "label": f"{i // 8:02d}"} for i in range(96)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = json.dumps(["", "[UNK]", "never", "seen"])
    data = ("text", "--data-dir", tmp_path, *WAYS, f"pipeline.vocabulary={words}")
    report = inspect(*data, status=1)
    assert report["tokens"]["unknown"] == {"train": 1.0, "validation": 1.0, "test": 1.0}
    assert report["tokens"]["without_known_tokens"] == 96
    assert "all 64 texts have no token that the vocabulary knows" in report["refusals"][-1]
    assert report["duplicates"] == {"across_splits": [], "across_classes": [], "within_class": []}
    assert report["identical"]["across_splits"] == 1.0
    assert "vectors" not in report
    assert "unknown tokens in the test split: 100%" in str(report["warnings"])


def test_rows_that_are_all_the_same_are_refused(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.full((96, 3), 2.5), y=np.repeat(np.arange(12), 8))
    report = inspect("arrays", "--data-dir", tmp_path, *WAYS, "pipeline.label=y", status=1)
    assert "are the same once they are prepared" in report["refusals"][-1]


def numbers(tmp_path, x, labels):
    np.savez(tmp_path / "data.npz", x=x, y=labels)
    return inspect("arrays", "--data-dir", tmp_path, *WAYS, "pipeline.label=y")


def test_the_nearest_mean_is_that_of_well_parted_classes_and_of_none(tmp_path):
    labels, rng = np.repeat(np.arange(12), 20), np.random.default_rng(0)
    noise = rng.normal(size=(240, 4))
    far = numbers(tmp_path, noise + 100 * rng.normal(size=(12, 4))[labels], labels)["baselines"]
    assert [(each["num_shots"], each["num_ways"]) for each in far] == [(1, 2), (5, 2)]
    assert min(each["accuracy"] for each in far) > 0.97
    assert {each["split"] for each in far} == {"test"}
    report = numbers(tmp_path, noise, labels)
    for each in report["baselines"]:
        assert each["chance"] == 0.5
        assert each["num_tasks"] == 200
        # The episodes are of the same 40 examples, which chance has parted or not.
        assert_within_chance(each["accuracy"], 0.5, (0.25 / 40) ** 0.5)
        assert 0 < each["ci95"] < 0.03


def test_columns_that_tell_nothing_are_warned_of(tmp_path):
    labels, rng = np.repeat(np.arange(12), 20), np.random.default_rng(0)
    x = rng.normal(size=(240, 4)) + 9 * labels[:, np.newaxis]
    x[:, 1], x[:, 2], x[:, 3] = 7, 0, x[:, 3] + 1.7e9
    x[5, 2] = 1
    report = numbers(tmp_path, x, labels)
    facts, warnings = report["vectors"], str(report["warnings"])
    assert (facts["constant_features"], facts["nearly_constant_features"]) == ([2], [3])
    assert facts["float32_loses"] == [4]
    assert "nearly constant features: 1 (number 3) of 4" in warnings
    assert "a served model takes float64" in warnings


def test_a_class_of_one_example_many_times_is_warned_of(tmp_path):
    labels, rng = np.repeat(np.arange(12), 20), np.random.default_rng(0)
    x = rng.normal(size=(240, 4)) + 9 * labels[:, np.newaxis]
    x[labels == 3] = x[60]
    report = numbers(tmp_path, x, labels)
    assert report["identical"]["classes"] == ["3"]
    assert report["identical"]["within_class"] == 20 / 240
    assert "whose examples are all the same to the network: 1 (3)" in str(report["warnings"])


def test_a_regression_is_told_by_its_targets_scale_and_the_support_mean(tmp_path):
    tasks, rng = np.repeat(np.arange(40), 30), np.random.default_rng(0)
    y = rng.normal(size=(1200, 1)) * 1000 + 5000
    np.savez(tmp_path / "data.npz", x=rng.normal(size=(1200, 2)), y=y, task=tasks)
    report = inspect("regression", "--data-dir", tmp_path, "--shots", 5)
    error = 1000 / 1000**0.5  # of a mean of as many as are drawn
    assert_within_chance(report["targets"]["mean"][0], 5000, error)
    assert_within_chance(report["targets"]["deviation"][0], 1000, error / 2**0.5)
    source = build(data_dir=tmp_path)
    rows = [source.targets[source.index.labels == task] for task in source.index.classes("test")]
    variance = np.mean([each.var(ddof=1) for each in rows])
    for each, shots in zip(report["baselines"], (1, 5), strict=True):
        # Var(query - mean of S) = sigma^2 (1 + 1 / S).
        expected = variance * (1 + 1 / shots)
        assert_within_chance(each["mse"], expected, each["ci95"] / 1.96)
        assert_close(each["rmse"], np.sqrt(each["mse"]))


# Tables

LONG = "a-folder-of-a-very-long-name/with-another-in-it/and-a-photograph-of-1234567890.jpeg"


@pytest.mark.fault("a file name longer than the terminal is wide", "printed whole")
@pytest.mark.parametrize("width", [40, 80, UNLIMITED])
def test_a_name_is_never_broken(width):
    rows = [(LONG, "class", "train"), ("short.png", "银行", "test")]
    lines = grid(("example", "class", "split"), rows, width)
    assert any(LONG in line for line in lines)
    others = [line for line in lines if LONG not in line]
    assert max(map(len, others)) <= max(width, len(LONG) + 20)
    if width == UNLIMITED:
        assert f" {LONG}   class   train" in lines


def test_a_pipe_has_whole_lines_and_80_columns_have_no_more(tmp_path, monkeypatch):
    def picture(c, number):
        rng = np.random.default_rng(100 * c + number)
        return Image.fromarray(rng.integers(0, 255, (20, 20, 3), dtype=np.uint8))

    folder = write_images(tmp_path / "photos", picture)
    (folder / "class00" / f"{'x' * 90}.png").write_bytes(b"no image")
    piped = run("image-folder", "--data-dir", folder, *WAYS, SIZE).stdout.splitlines()
    name = f"class00/{'x' * 90}.png"
    assert sum(line.startswith(f" {name}") and "is no image" in line for line in piped) == 1
    monkeypatch.setenv("COLUMNS", "80")
    narrow = run("image-folder", "--data-dir", folder, *WAYS, SIZE).stdout.splitlines()
    assert f" {name}" in narrow
    assert max(len(line) for line in narrow[1:] if name not in line) <= 80
