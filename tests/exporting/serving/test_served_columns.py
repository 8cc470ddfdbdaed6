"""Named columns and WAV files over REST and gRPC, as a client sends them."""

import model_answers
import numpy as np
import pytest
from export_requests import strings
from served_models import TRANSPORTS, assert_same, double, quoted
from sound_models import WORDS, sound_learner, sound_queries, sound_support
from table_models import QUERIES, REQUEST, learned

from tfmeta.exporting.client import read_support


@pytest.fixture(scope="module")
def table():
    with double(learned() / "model") as served:
        yield served


@pytest.fixture(scope="module")
def sounds():
    with double(sound_learner()) as served:
        yield served


@TRANSPORTS
def test_columns_by_their_names_are_answered_as_by_the_model_itself(table, transport):
    expected = model_answers.served(learned() / "model", "serving_default_columns", REQUEST)
    client = table.client(transport)
    columns = {
        "x_age": [np.nan if age is None else age for age in QUERIES["age"]],
        "x_hair_colour": QUERIES["hair colour"],
        "x_size": QUERIES["size"],
    }
    assert_same(client.predict("serving_default_columns", columns), expected)
    client.close()


@TRANSPORTS
def test_whole_numbers_beyond_32_bits_keep_their_value(table, transport):
    sizes = [3_000_000_000, -3_000_000_000, 1]
    request = {**REQUEST, "x_size": np.float32(sizes)}
    expected = model_answers.served(learned() / "model", "serving_default_columns", request)
    client = table.client(transport)
    columns = {"x_age": [np.nan, 3.5, 0.25], "x_hair_colour": QUERIES["hair colour"]}
    assert_same(client.predict("serving_default_columns", {**columns, "x_size": sizes}), expected)
    client.close()


def test_a_refusal_over_rest_names_the_column(table):
    inputs = {"x_age": [1.5, 2], "x_hair_colour": ["red"], "x_size": [1, 2]}
    body = {"signature_name": "serving_default_columns", "inputs": inputs}
    status, answer = table.http(quoted(":predict"), body)
    assert status == 400
    assert "x_hair_colour: expected the shape of x_age" in answer["error"]


@TRANSPORTS
def test_wav_files_are_answered_as_by_the_model_itself(sounds, transport):
    names, support = read_support(sound_support())
    queries = [path.read_bytes() for path in sound_queries()]
    arrays = {
        "support_x_bytes": strings(support["support_x_bytes"][0], (1, -1)),
        "support_y": np.array(support["support_y"], np.int32),
        "query_x_bytes": strings(queries, (1, -1)),
    }
    expected = model_answers.served(sound_learner(), "adapt_and_predict_bytes", arrays)
    client = sounds.client(transport)
    request = {**support, "query_x_bytes": [queries]}
    assert_same(client.predict("adapt_and_predict_bytes", request), expected)
    assert names == sorted(WORDS)
    client.close()
