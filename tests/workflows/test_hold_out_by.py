"""`hold_out_by`: examples of one person, device or place are held out together."""

import json

import numpy as np
import pytest
from closeness import assert_close
from PIL import Image

import tfmeta

pytestmark = pytest.mark.usefixtures("unexported")
RNG = np.random.default_rng(1)
CLASSES = np.tile(np.repeat(["a", "b"], 3), 4)
PERSONS = np.repeat(["Ann", "Bea", "Cem", "Dov"], 6)
_, NUMBERS = np.unique(PERSONS, return_inverse=True)
# Each person has a way of their own for each class.
WAYS = RNG.normal(size=(4, 2, 5))
X = WAYS[NUMBERS, np.int32(CLASSES == "b")] + RNG.normal(size=(24, 5)) / 50
ON_OTHERS = "held out with all others of their"


def table(path, **columns):
    lines = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def right(found):
    return next(words for name, words in found.rows() if name == "right")


@pytest.fixture
def rows(tmp_path):
    features = {f"f{number}": X[:, number] for number in range(5)}
    return table(tmp_path / "t.csv", **features, kind=CLASSES, who=PERSONS)


def test_a_table_is_held_out_by_a_column_that_is_no_feature(rows, tmp_path):
    alone = tfmeta.learn(rows, label="kind", exclude="who", output=tmp_path / "m")
    together = tfmeta.learn(rows, label="kind", hold_out_by="who", output=tmp_path / "m")
    assert alone.held_out.accuracy == 1
    assert together.held_out.accuracy < 0.8
    assert (alone.held_out.by, together.held_out.by) == (None, "who")
    assert f"24 {ON_OTHERS} who" in right(together)
    assert "held out in turn" in right(alone)
    assert "with all others of its who" in together.rests_on
    assert (
        tfmeta.learn(rows, hold_out_by="who", output=tmp_path / "m").held_out == together.held_out
    )


def test_arrays_and_data_in_memory(rows, tmp_path):
    expected = tfmeta.learn(rows, label="kind", hold_out_by="who", output=tmp_path / "m").held_out
    np.savez(tmp_path / "t.npz", x=X, y=CLASSES, who=PERSONS)
    found = tfmeta.learn(tmp_path / "t.npz", hold_out_by="who", output=tmp_path / "m")
    assert found.held_out == expected
    columns = {f"f{number}": X[:, number] for number in range(5)} | {"kind": CLASSES, 7: PERSONS}
    found = tfmeta.learn(columns, label="kind", hold_out_by=7, output=tmp_path / "m")
    assert found.held_out.accuracy == expected.accuracy
    for groups in (PERSONS, list(PERSONS), NUMBERS):
        found = tfmeta.learn((X, CLASSES), hold_out_by=groups, output=tmp_path / "m")
        assert found.held_out.accuracy == expected.accuracy
        assert f"24 {ON_OTHERS} group" in right(found)


def test_texts(tmp_path):
    words = [
        f"{name} says {kind * 3} {number}"
        for name, kind, number in zip(PERSONS, CLASSES, X[:, 0], strict=True)
    ]
    place = table(tmp_path / "t.csv", words=words, label=CLASSES, who=PERSONS)
    found = tfmeta.learn(place, hold_out_by="who", output=tmp_path / "m")
    assert "of texts" not in found.network
    assert found.held_out.by == "who"
    lines = [
        {"text": w, "kind": k, "who": p} for w, k, p in zip(words, CLASSES, PERSONS, strict=True)
    ]
    place = tmp_path / "t.jsonl"
    place.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert tfmeta.learn(place, hold_out_by="who", output=tmp_path / "m").held_out == found.held_out


def test_values_are_worse_for_new_persons_and_their_intervals_wider(tmp_path):
    features = {f"f{number}": X[:, number] for number in range(5)}
    y = X[:, 0] + NUMBERS
    place = table(tmp_path / "t.csv", **features, load=y, who=NUMBERS)
    alone = tfmeta.learn(place, target="load", exclude="who", output=tmp_path / "m")
    found = tfmeta.learn(place, target="load", hold_out_by="who", output=tmp_path / "m")
    assert found.rmse > 5 * alone.rmse
    others = [y[number != NUMBERS].mean() for number in NUMBERS]
    assert_close(found.rmse_of_mean, np.sqrt(np.mean((y - others) ** 2)), dtype=np.float32)
    assert "if the who of a row is held out" in dict(found.rows())["off by"]


def test_a_pattern_finds_the_group_in_the_names_of_files(tmp_path):
    for number, kind in enumerate(["cats", "dogs"] * 4):
        file = tmp_path / "folder" / kind / f"{('ann', 'bea')[number // 4]}-{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.uint8(RNG.integers(0, 256, (9, 9)))).save(file)
    options = {"network": "conv4", "output": tmp_path / "m"}
    found = tfmeta.learn(tmp_path / "folder", hold_out_by="([a-z]+)-[0-9]", **options)
    assert f"8 {ON_OTHERS} group" in right(found)
    for pattern, words in {
        "cat(": "no regular expression",
        "bea": "finds nothing in 4 names of 8, such as cats/ann-",
        "[.]png": "all examples are of one group, '.png'",
        "cats|dogs": "each class has examples of one group only",
    }.items():
        with pytest.raises(tfmeta.UserError, match=words.replace("(", r"\(")):
            tfmeta.learn(tmp_path / "folder", hold_out_by=pattern, **options)


def test_a_class_of_one_person_is_named(tmp_path):
    kinds = np.where(PERSONS == "Dov", "c", CLASSES)
    found = tfmeta.learn((X, kinds), hold_out_by=PERSONS, output=tmp_path / "m")
    assert found.held_out.num_examples == 18
    assert any(
        "c: examples of one group each, which can't be held out" in w for w in found.warnings
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("wo", "has no column 'wo'.*Name yours with --hold-out-by NAME"),
        (["Ann"] * 5, "received 5 values for --hold-out-by and 24 examples"),
        (["Ann", None] * 12, "value 2 of --hold-out-by is missing"),
        ("", "expected the name of a column"),
        (3.5, "expected the name of a column"),
        ("kind", "each class has examples of one kind only"),
    ],
)
def test_what_is_no_group_is_refused(rows, tmp_path, given, words):
    with pytest.raises(tfmeta.UserError, match=words):
        tfmeta.learn(rows, label="kind", features="f0,f1", hold_out_by=given, output=tmp_path / "m")


def test_a_row_without_a_group_and_groups_of_classes_are_refused(tmp_path):
    place = table(tmp_path / "t.csv", f=X[:, 0], label=CLASSES, who=["", *PERSONS[1:]])
    with pytest.raises(tfmeta.UserError, match="line 2"):
        tfmeta.learn(place, hold_out_by="who", output=tmp_path / "m")
    np.savez(tmp_path / "t.npz", x=X, y=CLASSES, group=PERSONS)
    with pytest.raises(tfmeta.UserError, match="rename the array group"):
        tfmeta.learn(tmp_path / "t.npz", hold_out_by="group", output=tmp_path / "m")
