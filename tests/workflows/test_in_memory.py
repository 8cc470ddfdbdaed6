"""Data in memory says the same as the same data in files."""

import tempfile
from pathlib import Path

import numpy as np
import pandas
import pytest
import trained
from closeness import assert_close
from intents import intents, write_intents
from PIL import Image
from sklearn.datasets import load_diabetes, load_wine

import tfmeta
from tfmeta import UserError
from tfmeta.reading.example_reader import Names
from tfmeta.reading.in_memory import as_file, is_in_memory
from tfmeta.reading.tables import read_table
from tfmeta.workflows import learn_exports

WINE = load_wine(as_frame=True)
TAUGHT, ASKED = slice(0, 178, 6), slice(3, 178, 40)
KIND = WINE.target.map({0: "barolo", 1: "grignolino", 2: "barbera"}).rename("kind")


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files, which must be empty afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert not [*folder.glob("tfmeta-*/data.*")]


@pytest.fixture(scope="module", autouse=True)
def unverified():
    """`test_learn_tables.py` and its neighbours have the exports verified."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learn_exports, "verify_export", lambda _: {"ok": True, "checks": []})
        yield


def in_memory(rows):
    """The same rows, in each of the ways in which they may be given with their classes."""
    x, y = WINE.data[rows], KIND[rows]
    return {
        "a frame and a series": (x, y),
        "a frame and names": (x, y.to_numpy()),
        "a frame": x.assign(kind=y),
        "columns": x.assign(kind=y).to_dict("list"),
        "a dictionary per row": x.assign(kind=y).to_dict("records"),
    }


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    """Models of a CSV file and of the same rows in memory, and two such files."""
    folder = tmp_path_factory.mktemp("wine")
    for name, rows in (("taught", TAUGHT), ("asked", ASKED)):
        WINE.data[rows].assign(kind=KIND[rows]).to_csv(folder / f"{name}.csv", index=False)
    tfmeta.learn(folder / "taught.csv", output=folder / "model")
    given = in_memory(TAUGHT)["a frame and a series"]
    found = tfmeta.learn(given, output=folder / "of-memory")
    assert "data." not in str(found)
    return folder


def probabilities(found):
    return [each.probabilities for each in found]


def test_a_table_in_memory_is_learned_as_the_same_file(wine):
    expected, found = (tfmeta.predict(wine / m, wine / "asked.csv") for m in ("model", "of-memory"))
    assert probabilities(found) == probabilities(expected)


@pytest.mark.parametrize("way", in_memory(TAUGHT))
def test_each_way_to_give_a_table_is_read_as_pandas_reads_its_file(wine, way):
    expected = pandas.read_csv(wine / "taught.csv")
    with as_file(in_memory(TAUGHT)[way], "data", Names(answers=("kind",))) as file:
        found = read_table(file, text=())
    assert list(found.columns) == list(expected.columns)
    for name, values in found.columns.items():
        np.testing.assert_array_equal(values, expected[name].to_numpy())
    assert list(found.rows[:2]) == ["row 1", "row 2"]


@pytest.mark.parametrize("way", ["a frame and a series", "a dictionary per row"])
def test_support_sets_and_labelled_queries_in_memory_are_those_of_files(wine, way):
    taught, asked = in_memory(TAUGHT)[way], in_memory(ASKED)[way]
    learner, support = wine / "model-learner", wine / "taught.csv"
    expected = tfmeta.predict(learner, wine / "asked.csv", support=support, labelled=True)
    found = tfmeta.predict(learner, asked, support=taught, labelled=True)
    assert [e.truth for e in found] == [e.truth for e in expected] == KIND[ASKED].tolist()
    assert probabilities(found) == probabilities(expected)
    assert str(found[1]).startswith(f"row 2  {found[1].label}")


def test_arrays_and_tensors_are_answered_as_the_columns_of_a_file(wine):
    import tensorflow as tf

    x = WINE.data.to_numpy()[ASKED]
    expected = probabilities(tfmeta.predict(wine / "model", wine / "asked.csv"))
    for asked in (x, x.tolist(), tf.constant(x, tf.float64)):
        found = tfmeta.predict(wine / "model", asked)
        assert probabilities(found) == expected
    assert [each.place.row for each in found] == [1, 2, 3, 4, 5]


def test_values_in_memory_are_learned_by_the_name_that_they_are_given(tmp_path):
    x, y = load_diabetes(return_X_y=True)
    learned = tfmeta.learn((x[:9], y[:9] / 7), target="progress", output=tmp_path / "m")
    assert (learned.target, learned.num_examples) == ("progress", 9)
    others = (len(y[:9]) / (len(y[:9]) - 1)) * (y[:9] - y[:9].mean()) / 7
    assert_close(learned.rmse_of_mean, np.sqrt(np.mean(others**2)), dtype=np.float32)
    asked = (pandas.DataFrame(x[9:12]).to_numpy(), y[9:12])
    found = tfmeta.predict(tmp_path / "m", asked, labelled=True)
    assert [each.truth for each in found] == [[value] for value in y[9:12]]


def test_texts_in_memory_are_learned_as_those_of_a_file(tmp_path):
    rows = [row for row in intents() if row[1] in ("lost card", "price room")]
    texts, labels = map(list, zip(*rows, strict=True))
    tfmeta.learn((texts, labels), network="bag_of_ngrams", output=tmp_path / "m")
    asked, learner = ["where is my card", "how much is a room"], tmp_path / "m-learner"
    expected = tfmeta.predict(learner, asked, support=write_intents(tmp_path / "t.csv", rows))
    frame = pandas.DataFrame({"utterance": texts, "label": labels})
    for support in ((texts, labels), (pandas.Series(texts), np.array(labels)), frame):
        found = tfmeta.predict(learner, asked, support=support)
        assert probabilities(found) == probabilities(expected)


def test_images_in_arrays_are_answered_and_baked_in_as_those_of_files(tmp_path):
    run, folder = trained.glyph_run(), trained.support_folder()
    files = sorted(folder.glob("*/*.png"))
    names = [file.parent.name for file in files]
    support = (np.stack([np.asarray(Image.open(file)) for file in files]), names)
    queries = np.stack([np.asarray(Image.open(file)) for file in trained.query_files()[2:]])
    found = tfmeta.predict(run, queries, support=support)
    expected = tfmeta.predict(run, trained.query_files()[2:], support=folder)
    assert probabilities(found) == probabilities(expected)
    options = {"kind": "adapted", "calibration_tasks": 0}
    tfmeta.export(run, output=tmp_path / "m", support=support, **options)
    for each, query in zip(tfmeta.predict(tmp_path / "m", queries), expected, strict=True):
        assert list(each.probabilities) == list(query.probabilities)
        given = [list(one.probabilities.values()) for one in (each, query)]
        assert_close(*given, dtype=np.float32, scale=30)


X, Y = WINE.data.to_numpy()[TAUGHT], KIND.to_numpy()[TAUGHT]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X, Y[:4]), r"label of data \(in memory\) has shape \(4,\); expected 30 rows, as x has"),
        (([np.zeros(3), np.zeros(4)], ["a", "b"]), r"of the shapes \(3,\), \(4,\); expected exam"),
        ((WINE.data[TAUGHT], Y[:4]), r"received 30 rows and 4 answers; expected one for each"),
        (X, r"received data of type ndarray; expected a path, a pair \(x, y\) of examples and"),
        (None, r"received data of type NoneType; expected a path, a pair \(x, y\)"),
        ((["a", "b"], ["c"]), r"received 2 texts and 1 answers; expected one for each text"),
        (
            (X, [None] * 30),
            r"received data with None as an answer; expected a list or an array with",
        ),
        ((["a", 3], ["b", "c"]), r"received 3 as text 2 of data; expected a text"),
        (([__file__] * 2, ["b", "c"]), r"received data with names of files, such as .*; files are"),
        (
            ([Path(__file__)] * 2, ["b", "c"]),
            r"of type list of PosixPath; .*numpy.stack; files",
        ),
        (
            (["a", "b"], ["c", float("nan")]),
            r"received data with nan as an answer; expected a",
        ),
        (
            (WINE.data[TAUGHT].assign(label="a"), Y),
            r"received answers, and a table that has a column label itself; expected one of the",
        ),
        (
            WINE.data[TAUGHT].assign(odd=[1, "a", None] * 10, label=Y),
            r"the column odd holds values of several types, such as ",
        ),
        ({"a": [1, 2], "label": ["x"]}, r"received columns of the lengths \{'a': 2, 'label': 1\}"),
        (
            {"a b": ["u", "v"], "c": ["u", "v"], "label": ["x", "y"]},
            r"leave them out: exclude=\['a b', 'c'\], .*: categories='auto'$",
        ),
        (
            {"a": ["u", "v"], "label": ["x", "y"], "b": [1, 2]},
            r"leave them out: exclude=\['a'\], .*, or take texts as categories: categories='auto'$",
        ),
    ],
)
def test_data_that_is_no_task_is_refused(tmp_path, data, message):
    with pytest.raises(UserError, match=message) as refusal:
        tfmeta.learn(data, output=tmp_path / "m")
    assert str(tempfile.gettempdir()) not in str(refusal.value)
    assert not (tmp_path / "m").exists()


def test_queries_that_do_not_fit_are_refused_in_words_about_what_was_given(wine):
    model = wine / "model"
    for asked, message in (
        (X[:, :5], r"queries \(in memory\) holds x of shape \(30, 5\); expected examples of shape"),
        (np.full((2, 13), np.nan), r"queries \(in memory\) holds x with nan at \[0, 0\]"),
        (np.array(["a", "b"]), r"there is no file a"),
    ):
        with pytest.raises(UserError, match=message):
            tfmeta.predict(model, asked)
    with pytest.raises(UserError, match=r"received no support set; expected --support FILE, rows"):
        tfmeta.predict(wine / "model-learner", X)


def test_paths_are_no_data(tmp_path):
    for given in ("a", tmp_path, ["a", "b"], [tmp_path], ("a", "b"), (tmp_path, tmp_path), b"a"):
        assert not is_in_memory(given, with_answers=True)
    assert is_in_memory((["a", "b"], ["c", "d"]), with_answers=True)
    assert not is_in_memory((["a", "b"], ["c", "d"]), with_answers=False)


def test_a_file_is_there_only_as_long_as_it_is_read():
    with as_file((X, Y), "data", Names()) as file, np.load(file) as arrays:
        np.testing.assert_array_equal(arrays["x"], X)
        np.testing.assert_array_equal(arrays["y"], Y.astype(str))
    assert not file.exists()
