"""Categories and missing numbers: the same vectors from files, in Python and in a graph."""

import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfmeta import UserError
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.exporting.limits import RequestLimits
from tfmeta.exporting.writing.encoded_inputs import with_encoded
from tfmeta.pipelines.arrays import build
from tfmeta.pipelines.regression import build as build_regression
from tfmeta.reading.table_format import TableFormat
from tfmeta.reading.tables import table_of

FORMAT = TableFormat(
    ("age", "colour", "size"), ("label",), None, {"colour": ("blue", "red")}, {"age": 31.25}
)
NUMBERS = st.floats(-1e6, 1e6, width=32)
TEXTS = st.sampled_from(
    ["red\0", "red", " red\t", "blue", "green", "", "  ", "réd", "BLUE", "red blue"]
)
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


def variant(table_format, limits=None):
    """The function of an export that takes columns, and returns what the model sees."""
    spec = tf.TensorSpec((None, *table_format.shape), tf.float32, "x")
    seeing = {"see": (lambda x: {"seen": x}, {"x": spec})}
    functions = with_encoded(seeing, table_format, limits=limits)
    return functions["see_columns"][0]


served = variant(FORMAT)


@tf.function(
    input_signature=[
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([None], tf.string),
        tf.TensorSpec([None], tf.float32),
    ],
    autograph=False,
)
def graph(age, colour, size):
    return served(x_age=age, x_colour=colour, x_size=size)["seen"]


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
    with pytest.raises(UserError, match="has no colour in row 2"):
        strict.examples(table_of({"colour": ["red", None]}))


def test_all_columns_with_gaps_that_had_none_are_named():
    made = TableFormat(("a", "b", "c"), ("label",), missing={"c": 1.0})
    gaps = {"a": [1.0, np.nan], "b": [np.nan, 2.0], "c": [np.nan, 1.0]}
    with pytest.raises(
        UserError, match=r"^2 values .* b in row 1, a in row 2.* fills in gaps in c alone"
    ):
        made.examples(table_of(gaps))


def test_categories_that_are_not_known_are_told():
    made = TableFormat(("a", "b"), ("y",), None, {"a": ("Nord", "3"), "b": ("x",)}, {})
    table = table_of({"a": ["NORD", " Nord", 3, "Mars", "NORD", None], "b": ["x"] * 6})
    assert made.unseen(table) == ["a: 3 of 6 ('NORD', 'Mars')"]


def test_more_rows_than_a_request_may_have_are_refused():
    few = variant(FORMAT, RequestLimits(request_rows=2))
    request = {"x_age": [1.0, 2], "x_colour": ["red", "red"], "x_size": [1.0, 2]}
    assert len(few(**{key: tf.constant(value) for key, value in request.items()})["seen"]) == 2
    more = {key: tf.constant([*value, value[0]]) for key, value in request.items()}
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"(?s)x_age.*at most 2 \(request_rows\)"
    ):
        few(**more)


@pytest.mark.fault("padding of a request that holds anything", "not looked at")
def test_what_is_padding_may_hold_anything():
    strict = TableFormat(("colour", "size"), ("label",), None, {"colour": ("red",)})
    specs = {
        "support_x": tf.TensorSpec((None, None, *strict.shape), tf.float32),
        "support_size": tf.TensorSpec((None,), tf.int32),
    }
    functions = {"see": (lambda support_x, support_size: {"seen": support_x}, specs)}
    served = with_encoded(functions, strict)["see_columns"][0]
    request = {
        "support_x_colour": tf.constant([["green", "red", b"\xff"]]),
        "support_x_size": tf.constant([[1.5, 2, np.nan]]),
        "support_size": tf.constant([2]),
    }
    assert served(**request)["seen"].numpy()[0, :2].tolist() == [[1, 0, 1.5], [0, 1, 2]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="support_x_colour: expected texts"):
        served(**{**request, "support_size": tf.constant([3])})


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
    assert source.input_format.missing == {"age": 3.0, "size": 5.5}  # of 1, 3 and 5; 4 to 7
    assert source.input_format.categories == {"colour": ("blue", "red")}
    expected = [
        *([1, 0, 0, 0, 1, 4, 0], [3, 1, 0, 1, 0, 5, 0], [3, 0, 0, 0, 1, 6, 0]),
        *([5, 0, 1, 0, 0, 7, 0], [100, 0, 1, 0, 0, 8, 0], [3, 1, 0, 0, 1, 9, 0]),
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


@pytest.mark.fault("a column of numbers or dates that is read as text", "refused, and not as names")
@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["0.5", "1.5", "unknown", "2"], r"a \(numbers, 'unknown' in line 4\)"),
        (['"0,5"', '"1,5"', '"2,5"', ""], r"a \(numbers, '0,5' in line 2\)"),
        (['"1,200"', '"$1,300"', "5%", "x"], r"a \(numbers, '1,200' in line 2\)"),
        (["2024-01-05", "2024-01-06", "5.2.2024", ""], r"a \(dates or times, "),
        (["2024-01-05 10:00", "10:30", "", ""], r"a \(dates or times, "),
    ],
)
def test_numbers_and_dates_are_no_categories_by_themselves(tmp_path, values, message):
    rows = "".join(f"{value},{n % 2}\n" for n, value in enumerate(values * 2))
    path = written(tmp_path, f"a,label\n{rows}")
    with pytest.raises(UserError, match=message):
        build(data_dir=path, validation=0, test=1, **{**MEAN, "categories": "auto"})


def test_all_columns_of_numbers_are_refused_together_and_only_names_are_suggested(tmp_path):
    """The command that was suggested took fares and dates as categories."""
    rows = '"0,5",5.2.2024,red,0\n"1,5",6.2.2024,blue,1\n' * 2
    path = written(tmp_path, f"fare,day,colour,label\n{rows}")
    with pytest.raises(UserError) as refused:
        build(data_dir=path, validation=0, test=1, categories="auto")
    words = str(refused.value)
    assert "2 columns of" in words
    assert "fare (numbers, '0,5' in line 2), day (dates or times, '5.2.2024' in line 2)" in words
    assert "exclude=fare,day" in words
    assert """categories={"fare":"auto","colour":"auto"}""" in words.replace(": ", ":").replace(
        ", ", ","
    )


def test_numbers_are_categories_if_they_are_named(tmp_path):
    rows = "".join(f"{value},{n % 4}\n" for n, value in enumerate(["1", "1b", "20-30", "3"] * 2))
    path = written(tmp_path, f"a,label\n{rows}")
    for categories in ("auto", {"a": "auto"}):  # half of them are numbers, which is not most
        source = build(data_dir=path, validation=0, test=1, categories=categories)
        assert set(source.input_format.categories["a"]) < {"1", "1b", "20-30", "3"}
    path = written(tmp_path, f"a,label\n{rows}".replace("1b", "2").replace("20-30", "4x"))
    source = build(data_dir=path, validation=0, test=1, categories={"a": "auto"})
    assert set(source.input_format.categories["a"]) < {"1", "2", "4x", "3"}


@pytest.mark.parametrize("values", [[3, None], [3.0, None], np.array([3, np.nan]), ["3 ", ""]])
def test_a_number_is_the_category_that_says_the_same_number(values):
    classes = TableFormat(("class",), ("label",), None, {"class": ("1", "3")}, {})
    assert classes.examples(table_of({"class": values})).tolist() == [[0, 0, 1], [1, 0, 0]]
    twice = TableFormat(("class",), ("label",), None, {"class": ("3", "3.0", "x")}, {})
    assert twice.examples(table_of({"class": [3]})).tolist() == [[0, 1, 0, 0]]
    assert twice.examples(table_of({"class": [3.0]})).tolist() == [[0, 0, 1, 0]]


@pytest.mark.parametrize("text", ["\ud800", b"\xff"])
def test_a_category_that_is_no_unicode_is_refused(text):
    with pytest.raises(UserError, match="colour that is no Unicode text in row 2"):
        FORMAT.examples(table_of({"age": [1, 2], "colour": ["red", text], "size": [1, 2]}))


def test_a_frame_is_refused_with_what_to_do():
    with pytest.raises(UserError, match=r'frame\.to_dict\("list"\)'):
        table_of([[1, 2]])


def test_an_npz_has_no_columns(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.eye(4), y=[0, 0, 1, 1])
    with pytest.raises(UserError, match="expected a CSV or Parquet file, whose columns have names"):
        build(data_dir=tmp_path / "data.npz", missing="mean")


def test_random_numbers_of_an_export_are_such_as_the_network_has():
    prepared = np.random.default_rng(1).normal(1013, 5, (2, 50, *FORMAT.shape))
    drawn = FORMAT.draw_inputs(np.random.default_rng(0), (2, 50), lambda: prepared)
    for column in set(FORMAT.columns) - FORMAT.categories.keys():
        place, numbers = FORMAT.features.index(column), drawn[FORMAT.endings[column]]
        is_there = ~np.isnan(numbers)
        assert 0 < is_there.sum() <= numbers.size
        expected = prepared[..., place].astype(np.float32)
        np.testing.assert_array_equal(numbers[is_there], expected[is_there])
