"""Data in memory as readers get it: what has names keeps them, what can't be told is refused."""

import json

import numpy as np
import pandas
import pytest
from sklearn.datasets import load_wine

from tfmeta import UserError
from tfmeta.reading.array_pixels import png_files, range_of
from tfmeta.reading.example_reader import Names
from tfmeta.reading.in_memory import as_file, read_support
from tfmeta.reading.row_format import RowFormat
from tfmeta.reading.row_reader import RowReader
from tfmeta.reading.tables import read_table
from tfmeta.reading.text_reader import TextReader
from tfmeta.workflows.queries import data_or_paths, read_queries

WINE = load_wine(as_frame=True)
TAUGHT, ASKED = slice(0, 178, 6), slice(3, 178, 40)
KIND = WINE.target.map({0: "barolo", 1: "grignolino", 2: "barbera"}).rename("kind")


@pytest.mark.parametrize(
    "rows",
    [
        lambda x: [row for _, row in x.iterrows()],
        lambda x: list(x.itertuples(index=False)),
        lambda x: x.convert_dtypes(),
    ],
    ids=["series", "named tuples", "nullable columns"],
)
def test_rows_keep_the_names_of_their_columns(rows):
    asked = WINE.data[ASKED].rename(columns={"od280/od315_of_diluted_wines": "od"})
    taught = WINE.data[TAUGHT].rename(columns={"od280/od315_of_diluted_wines": "od"})
    support = (taught, KIND[TAUGHT])
    reader = RowReader((13,), None, RowFormat(tuple(taught.columns), ("kind",), None))
    found = read_support(reader, support, num_classes=None)
    np.testing.assert_array_equal(np.float32(found.x), np.float32(taught.to_numpy()))
    queries = read_queries(reader, rows(asked[asked.columns[::-1]]))
    np.testing.assert_array_equal(np.float32(queries.x), np.float32(asked.to_numpy()))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"a": [1, "x"], "label": ["p", "q"]},
            r"column a holds values of several types, such as 'x' and 1",
        ),
        ({"a": [[1], [2]], "label": ["p", "q"]}, r"the column a holds a list in each row"),
        ({"data": [1, 2], "target": [1, 2], "DESCR": "text"}, r"scikit-learn loads: \(b\.data, b"),
    ],
)
def test_columns_that_no_file_has_are_refused_by_their_names(columns, message):
    with pytest.raises(UserError, match=message), as_file(columns, "data", Names()):
        pass


def test_texts_may_be_a_column_a_tensor_or_the_one_that_does_not_repeat():
    import tensorflow as tf

    reader = TextReader("text", "label")
    texts = ["my card is lost", "where is my card", "what is the price", "price please"]
    for given in (
        {"text": texts},
        {"message": texts},
        [{"text": text, "note": "x"} for text in texts],
        tf.constant(texts),
        np.array(texts, object),
    ):
        found = read_queries(reader, data_or_paths(given))
        assert found.x == [text.encode() for text in texts]
    frame = pandas.DataFrame({"message": texts, "intent": ["lost", "lost", "price", "price"]})
    with as_file(frame, "data", Names()) as file:
        lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["text"] for line in lines] == texts
    assert [line["intent"] for line in lines] == ["lost", "lost", "price", "price"]


def test_bytes_that_are_no_text_are_refused():
    """Reading them as other letters would answer another question."""
    reader, odd = TextReader("text", "label"), np.array([b"my card", b"\xff\xfe"], object)
    with pytest.raises(UserError, match="no Unicode text in row 2; expected texts in UTF-8"):
        read_queries(reader, data_or_paths(odd))
    with pytest.raises(UserError, match=r"half a character .*as text"):
        read_support(reader, (odd, ["p", "q"]), num_classes=None)


def test_answers_may_stand_in_one_column_and_have_the_name_of_a_feature(tmp_path):
    name = WINE.data.columns[0]
    for y in (KIND[TAUGHT].to_numpy()[:, np.newaxis], KIND[TAUGHT].rename(name)):
        with as_file((WINE.data[TAUGHT], y), "data", Names(answers=("label",))) as file:
            found = read_table(file, text=())
        assert found.columns["label"].tolist() == KIND[TAUGHT].tolist()
        np.testing.assert_array_equal(found.columns[name], WINE.data[name][TAUGHT])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda x: x.to_dict(), r"received a dictionary as the column alcohol; expected a list of"),
        (lambda x: np.ma.masked_greater(x.to_numpy(), 5), r"received queries with masked numbers;"),
        (lambda x: x.assign(ash=["a", *x["ash"][1:]]), r"ash.*'a'"),
        (lambda x: x[:0], r"received a table without rows; expected some"),
        (lambda x: x.to_numpy()[0], r"shape \(13,\); .* One example is x\[None\]"),
        (lambda x: (x.to_numpy(), np.arange(5)), r"received queries of examples of the shapes"),
    ],
    ids=["rows by their index", "masked", "a word", "empty", "one row", "answers"],
)
def test_queries_that_would_be_misread_are_refused(given, message):
    reader = RowReader((13,), None, RowFormat(tuple(WINE.data.columns), ("kind",), None))
    with pytest.raises(UserError, match=message):
        read_queries(reader, data_or_paths(given(WINE.data[ASKED])))


def test_a_table_and_answers_in_another_order_are_refused():
    shuffled = KIND[TAUGHT].sample(frac=1, random_state=0)
    message = r"indices have the same values in another order; .*y\.loc"
    with (
        pytest.raises(UserError, match=message),
        as_file((WINE.data[TAUGHT], shuffled), "data", Names(answers=("kind",))),
    ):
        pass
    with as_file((WINE.data[TAUGHT], shuffled.to_numpy()), "data", Names(answers=("kind",))):
        pass  # without an index, the order is all there is


def test_images_are_told_by_their_shape_and_their_numbers():
    x = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 3), np.uint8)
    with pytest.raises(UserError, match=r"shape \(24, 24, 3\); .* One image is x\[None\]"):
        png_files(x[0], (0.0, 1.0), "x")
    assert range_of(x[:, 1:].clip(3, 250).astype(np.float32)) == (0.0, 255.0)
    assert range_of(np.float32(x[:1] % 17)) != (0.0, 255.0)  # of scikit-learn's digits
