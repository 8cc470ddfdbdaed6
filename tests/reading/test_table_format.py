"""Categories and missing numbers: the same vectors from files, in Python and in a graph."""

import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfmeta import UserError
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.pipelines.arrays import build
from tfmeta.pipelines.regression import build as build_regression
from tfmeta.reading.table_format import TableFormat
from tfmeta.reading.tables import table_of

FORMAT = TableFormat(
    ("age", "colour", "size"), ("label",), None, {"colour": ("blue", "red")}, {"age": 31.25}
)
NUMBERS = st.floats(-1e6, 1e6, width=32)
TEXTS = st.sampled_from(["red", " red\t", "blue", "green", "", "  ", "réd", "BLUE", "red blue"])
HEADER = "age,colour,size,label\n"


def by_hand(age, colour, size):
    """One row, by the rule as it is documented."""
    numbers = [31.25, 1] if age is None else [age, 0]
    colour = colour.strip(" \t\n\r\f\v")
    return [*numbers, colour not in ("blue", "red"), colour == "blue", colour == "red", size]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.none() | NUMBERS, TEXTS, NUMBERS), min_size=1, max_size=6))
def test_python_and_the_graph_make_what_the_rule_says(rows):
    expected = np.float32([by_hand(*row) for row in rows])
    ages, colours, sizes = zip(*rows, strict=True)
    columns = {"age": [*ages], "colour": [*colours], "size": [*sizes]}
    assert np.array_equal(FORMAT.examples(table_of(columns)), expected)
    with_nan = np.float32([np.nan if age is None else age for age in ages])
    received = in_graph(with_nan, np.array(colours, object), np.float32(sizes))
    assert np.array_equal(received, expected)


@tf.function(
    input_signature=[
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([None], tf.string),
        tf.TensorSpec([None], tf.float32),
    ],
    autograph=False,
)
def graph(age, colour, size):
    inputs = {"x_age": age, "x_colour": colour, "x_size": size}
    return FORMAT.prepare_inputs(inputs, name="x")


def in_graph(*columns):
    return graph(*map(tf.constant, columns)).numpy()


@pytest.mark.fault("a served row with a gap, infinity or a short column", "refused by its input")
@pytest.mark.parametrize(
    ("age", "colour", "size", "message"),
    [
        ([1, np.inf], ["red", "red"], [1, 2], "x_age: expected numbers, or NaN where one is miss"),
        ([1, 2], ["red", "red"], [1, np.nan], "x_size: expected finite numbers"),
        ([1, 2], ["red"], [1, 2], "x_colour: expected the shape of x_age"),
        ([1, 2], ["red", "red"], [1], "x_size: expected the shape of x_age"),
    ],
)
def test_what_the_graph_refuses(age, colour, size, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        in_graph(np.float32(age), np.array(colour, object), np.float32(size))


def test_where_nothing_may_be_missing_an_empty_text_is_refused():
    strict = TableFormat(("colour",), ("label",), None, {"colour": ("red",)})
    inputs = {"x_colour": tf.constant(["red", " "])}
    with pytest.raises(tf.errors.InvalidArgumentError, match="x_colour: expected texts"):
        strict.prepare_inputs(inputs, name="x")
    own = tf.constant([True, False])  # what is padding may hold anything
    assert strict.prepare_inputs(inputs, name="x", own=own).shape == (2, 2)
    with pytest.raises(UserError, match="has no colour in row 2"):
        strict.examples(table_of({"colour": ["red", None]}))


def written(folder, text):
    path = folder / "table.csv"
    path.write_text(text)
    return path


MEAN = {"missing": "mean"}
ROWS = "1,red,4,a\n,blue,5,a\n3,red,6,b\n5,,7,b\n100,green,8,c\n,red,9,c\n"


def test_what_is_left_open_comes_from_the_training_rows(tmp_path):
    split = "".join(
        f"{row},{'train' if row[-1] in 'ab' else 'test'}\n" for row in ROWS.splitlines()
    )
    path = written(tmp_path, HEADER.replace("label", "label,part") + split)
    options = {"missing": "mean", "categories": "auto", "split": "part"}
    source = build(data_dir=path, **options)
    assert source.input_format.missing == {"age": 3.0}  # of 1, 3 and 5
    assert source.input_format.categories == {"colour": ("blue", "red")}
    expected = [
        *([1, 0, 0, 0, 1, 4], [3, 1, 0, 1, 0, 5], [3, 0, 0, 0, 1, 6], [5, 0, 1, 0, 0, 7]),
        *([100, 0, 1, 0, 0, 8], [3, 1, 0, 0, 1, 9]),
    ]
    assert source.index.examples.tolist() == expected
    again = build(data_dir=path, **{**options, **json.loads(json.dumps(source.pinned_options))})
    assert again.index.examples.tolist() == expected
    assert again.input_format == source.input_format
    assert source.episodes("train", EpisodeShape(2, 1, 1), num_tasks=1) is not None


def test_a_regression_takes_the_same_options(tmp_path):
    text = "x,kind,task,target\n" + "".join(f"{i or ''},k{i % 2},{i % 3},{i}\n" for i in range(12))
    source = build_regression(
        data_dir=written(tmp_path, text), missing="mean", categories="auto", validation=0
    )
    assert source.input_format.features == ("x", "x is missing", "kind=?", "kind=k0", "kind=k1")
    assert source.input_format.task == "task"


@pytest.mark.fault("texts and gaps in a table", "refused, with the option that takes them")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"1 column of .* not numeric: colour .*--set pipeline\.categories=auto$"),
        ({"categories": "auto"}, r"2 values of .* missing: .*: --set pipeline\.missing=mean$"),
        ({"missing": "median"}, r"missing='median'; expected mean, or numbers by column"),
        ({"categories": "all"}, r"categories='all'; expected auto, or values by column"),
        ({"categories": {"hue": ["red"]}}, r"options for the columns hue; expected some of the"),
        ({**MEAN, "categories": {"colour": []}}, r"received 0 values of the category colour"),
        (
            {**MEAN, "categories": {"colour": ["red", "red"]}},
            r"2 values of the category colour; expected",
        ),
        ({"missing": {"age": "old"}, "categories": "auto"}, r"missing={'age': 'old'}; expected a"),
        (
            {"missing": {"age": 1e300}, "categories": "auto"},
            r"missing={'age': 1e\+300}; expected a",
        ),
        ({"missing": {"size": 1}, "categories": "auto"}, r"2 values of .*missing: "),
        ({"missing": {"colour": 1}, "categories": "auto"}, r"colour: expected each to be a number"),
    ],
)
def test_what_is_refused(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        build(data_dir=written(tmp_path, HEADER + ROWS), validation=0, test=1, **options)


def test_an_npz_has_no_columns(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.eye(4), y=[0, 0, 1, 1])
    with pytest.raises(UserError, match="expected a CSV or Parquet file, whose columns have names"):
        build(data_dir=tmp_path / "data.npz", missing="mean")
