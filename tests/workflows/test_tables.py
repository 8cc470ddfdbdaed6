"""Tables with categories and gaps, from a file to a server that is sent columns by their names."""

import csv

import keras
import numpy as np
import pytest
from closeness import assert_close
from model_answers import checked, refusal, served
from table_models import QUERIES, REQUEST, learned

import tfmeta
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.reading.table_format import TableFormat


@pytest.mark.usefixtures("kept_exports")
def test_files_columns_rows_and_requests_get_one_answer(tmp_path):
    model = learned() / "model"
    rows = [dict(zip(QUERIES, row, strict=True)) for row in zip(*QUERIES.values(), strict=True)]
    with (tmp_path / "q.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["size", "age", "hair colour"])
        writer.writeheader()
        writer.writerows(rows)
    of_server = served(model, "serving_default_columns", REQUEST)["probabilities"]
    for queries in (tmp_path / "q.csv", QUERIES, rows):
        found = tfmeta.predict(model, queries)
        probabilities = np.float32([list(each.probabilities.values()) for each in found])
        assert_close(probabilities, of_server)
    assert found[0].label == "y"
    assert str(found[0].place) == "row 1"


def test_a_learner_takes_columns_of_any_support_set():
    folder = learned()
    with (folder / "train.csv").open() as file:
        rows = list(csv.DictReader(file))
    support = {
        "support_x_age": np.float32([[float(row["age"] or "nan") for row in rows]]),
        "support_x_hair_colour": np.array([[r["hair colour"].encode() for r in rows]], object),
        "support_x_size": np.float32([[float(row["size"]) for row in rows]]),
        "support_y": np.int32([["xy".index(row["label"]) for row in rows]]),
    }
    queries = {name.replace("x_", "query_x_", 1): each[None] for name, each in REQUEST.items()}
    answer = served(folder / "model-learner", "adapt_and_predict_columns", support | queries)
    baked_in = served(folder / "model", "predict_columns", REQUEST)
    assert_close(answer["probabilities"][0], baked_in["probabilities"])


def test_the_models_pass_every_check():
    for name in ("model", "model-learner"):
        assert checked(learned() / name / "1")["ok"]


def test_a_request_is_refused_by_the_name_of_its_input():
    code, message = refusal(
        learned() / "model", "predict_columns", {**REQUEST, "x_size": np.float32([1, np.inf, 3])}
    )
    assert code == "INVALID_ARGUMENT"
    assert "x_size: expected numbers, or NaN where one is missing" in message


@pytest.mark.attack("a request by columns of more rows than the limit", "refused by its name")
def test_too_many_rows_are_refused_before_they_are_prepared():
    many = {name: np.repeat(each, 7_000) for name, each in REQUEST.items()}
    code, message = refusal(learned() / "model", "predict_columns", many)
    assert code == "INVALID_ARGUMENT"
    assert "expected at most 5000 (queries)" in message.replace("\n", " ")


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ({"age": [1], "size": [1]}, "the given table has no column hair colour"),
        ({**QUERIES, "size": [1]}, "received columns of the lengths"),
        ([{**dict.fromkeys(QUERIES), "size": "large"}], "size .'large' in row 1"),
    ],
)
def test_columns_that_do_not_fit_are_refused(queries, message):
    with pytest.raises(tfmeta.UserError, match=message):
        tfmeta.predict(learned() / "model", queries)


def test_what_fills_up_a_support_set_of_columns_may_be_anything(tmp_path):
    row = TableFormat(("age", "hue"), ("label",), None, {"hue": ("red", "blue")})
    inputs = keras.Input(row.shape)
    learner = tfmeta.Prototypical(keras.Model(inputs, keras.layers.Identity()(inputs)))
    export = export_model(learner, tmp_path / "model", input_format=row, padded=True)
    assert checked(export)["ok"]
    request = {
        "support_x_age": np.float32([[0, 5, np.nan]]),
        "support_x_hue": np.array([[b"red", b"blue", b""]], object),
        "support_y": np.int32([[0, 1, 0]]),
        "support_size": np.int32([2]),
        "query_x_age": np.float32([[1, 4]]),
        "query_x_hue": np.array([[b"red", b"blue"]], object),
    }
    answer = served(export, "adapt_and_predict_columns", request)
    assert answer["label"].tolist() == [[0, 1]]
    own = {**request, "support_size": np.int32([3])}
    code, message = refusal(export, "adapt_and_predict_columns", own)
    assert code == "INVALID_ARGUMENT"
    assert "support_x_age: expected finite numbers" in message or "support_x_hue" in message


def test_the_readme_names_the_inputs():
    text = (learned() / "model" / "1" / "README.md").read_text()
    assert "`x_age`, `x_hair_colour`, `x_size`" in text
    assert '"x_hair_colour": ["blue"]' in text
    assert "- `hair colour=?`" in text
    assert '.predict("predict_columns", {...})' in text
    assert "`--most-request-rows N`" in text
