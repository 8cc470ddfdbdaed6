"""`tfmeta inspect` on vectors, regressions and endless families."""

import numpy as np
import pytest
from closeness import assert_close
from inspecting import inspect, refusal_of_training, run

# Vectors and regressions
ARRAYS, REGRESSION = (f"tfmeta.pipelines.{name}:build" for name in ("arrays", "regression"))


@pytest.fixture
def vectors(tmp_path):
    """An NPZ of 8 classes of 6 vectors each, 2 of them for validation, 2 for test; a builder.

    Feature 2 of 3 is constant. Rows 1 and 2 are alike, and so are rows 7 and 13 (of two classes)
    and rows 19 and 48 (of two splits).
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(48, 3)).astype(np.float32)
    x[:, 1] = 0.1
    x[1], x[12], x[47] = x[0], x[6], x[18]
    split = np.repeat(["train", "validation", "test"], [24, 12, 12])
    path = tmp_path / "vectors.npz"
    np.savez(path, x=x, y=np.repeat(list("abcdefgh"), 6), split=split)
    return path


def test_duplicate_vectors_are_told_apart(vectors):
    report = inspect(ARRAYS, "--data-dir", vectors, "--ways", 2, "--queries", 5)
    names = {
        kind: [[(m["name"], m["class"], m["split"]) for m in members] for members in sets]
        for kind, sets in report["duplicates"].items()
    }
    assert names == {
        "within_class": [[("row 1", "a", "train"), ("row 2", "a", "train")]],
        "across_classes": [[("row 7", "b", "train"), ("row 13", "c", "train")]],
        "across_splits": [[("row 19", "d", "train"), ("row 48", "h", "test")]],
    }
    assert [line.split(":")[0] for line in report["warnings"]][:3] == [
        "duplicates across splits",
        "duplicates across classes",
        "duplicates within class",
    ]


def test_vectors_are_described(vectors):
    report = inspect(ARRAYS, "--data-dir", vectors, "--ways", 2, "--queries", 5)
    facts = report["vectors"]
    with np.load(vectors) as content:
        means = content["x"].mean(0, dtype=np.float64)
    assert (facts["features"], facts["constant_features"]) == (3, [2])
    assert_close(facts["mean"]["max"], means.max(), dtype=np.float32)
    assert facts["deviation"]["min"] == 0
    assert report["contact_sheet"]["skipped"] == "the examples are no images with classes"
    shown = run("inspect", ARRAYS, "--data-dir", vectors, "--ways", 2, "--queries", 5).stdout
    assert "1 (number 2)" in shown


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (("--ways", 4, "--queries", 5), 1),  # too few classes for validation
        (("--ways", 5), 2),  # and for training
        (("--ways", 2, "--shots", 6), 2),  # too few examples
        (("--ways", 2, "--within-group"), 2),  # no groups
        (("--ways", 2, "--shots", 2), 1),  # for validation: MAML trains on one query a class
        (("--ways", 2, "--shots", 2, "--algorithm", "matching"), 2),  # and this one on five
    ],
)
def test_the_refusals_of_vectors_are_those_of_training(vectors, arguments, number):
    data = (ARRAYS, "--data-dir", vectors, *arguments)
    refusals = inspect(*data, status=1)["refusals"]
    assert len(refusals) == number
    assert refusal_of_training(*data) == refusals[0]


def test_few_training_classes_and_a_small_test_split_are_warned_of(vectors):
    ways = ("--ways", 2, "--queries", 5)
    assert "the train split has" not in str(inspect(ARRAYS, "--data-dir", vectors, *ways))
    with np.load(vectors) as content:
        kept = content["split"] != "test"
        kept[:6] = False  # leaves 3 classes to training
        np.savez(vectors, **{name: content[name][kept] for name in content})
    few, test = inspect(ARRAYS, "--data-dir", vectors, *ways)["warnings"][-2:]
    assert few.startswith("the train split has 3 classes for 2 ways; expected 4 or more")
    assert test.startswith("`tfmeta evaluate` would refuse the test split: 2 ways need")


def test_regressions_are_described_by_what_they_know(tmp_path):
    path = tmp_path / "tasks.npz"
    x = np.random.default_rng(0).normal(size=(120, 2))
    np.savez(path, x=x, y=x[:, :1], task=np.repeat(np.arange(10), 12))
    data = (REGRESSION, "--data-dir", path, "--shots", 5, "--queries", 5)
    report = inspect(*data)
    assert report["splits"]["train"] == {"tasks": 6, "most_ways": 1, "most_examples": 12}
    assert (report["input_shape"], report["target_size"]) == ([2], 1)
    assert report["memory"] == {"meta_batch_bytes": 32 * 10 * 2 * 4}
    (refusal, _) = inspect(*data, "--shots", 20, status=1)["refusals"]
    assert refusal_of_training(*data, "--shots", 20) == refusal


def test_an_endless_family_has_limits_alone():
    report = inspect("sinusoid", "--shots", 10)
    assert report["splits"]["test"] == {"tasks": None, "most_ways": 1, "most_examples": 10_000}
    shown = run("inspect", "sinusoid", "--shots", 10).stdout
    assert "any number" in shown
    assert "contact sheet: none, because the examples are no images" in shown
    assert "ready to train: maml, 10-shot, 15 queries" in shown
    (refusal,) = inspect("sinusoid", "--ways", 5, status=1)["refusals"]
    assert refusal_of_training("sinusoid", "--ways", 5) == refusal
