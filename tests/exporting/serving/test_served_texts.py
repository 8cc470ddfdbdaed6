"""Texts over REST and gRPC, by the client and by a raw request, as the README shows them."""

import csv
import shutil
import sys

import model_answers
import numpy as np
import pytest
import text_exports
import trained
from export_requests import strings
from nightly import second_road
from served_models import CLIENT, NAME, TRANSPORTS, assert_same, double, quoted

from tfmeta.exporting.client import read_support

TEXTS = list(text_exports.QUERIES)
LABELS = list(text_exports.QUERIES.values())


@pytest.fixture(scope="module")
def learner():
    with double(text_exports.learner_export()) as served:
        yield served


@pytest.fixture(scope="module")
def adapted():
    with double(text_exports.adapted_export()) as served:
        yield served


def test_a_support_set_of_texts(tmp_path):
    names, support = read_support(text_exports.support_csv())
    assert names == sorted(LABELS)
    with open(text_exports.support_csv(), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert support["support_x_text"] == [[row["text"] for row in rows]]
    assert support["support_y"] == [[names.index(row["label"]) for row in rows]]
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    with pytest.raises(OSError, match=r"has the columns \['a', 'b'\]; expected text and l"):
        read_support(tmp_path / "bad.csv")


@TRANSPORTS
def test_sentences_are_answered_as_by_the_model_itself(learner, transport):
    names, support = read_support(text_exports.support_csv())
    arrays = {
        "support_x_text": strings([t.encode() for t in support["support_x_text"][0]], (1, -1)),
        "support_y": np.array(support["support_y"], np.int32),
        "query_x_text": strings([text.encode() for text in TEXTS], (1, -1)),
    }
    export = text_exports.learner_export()
    expected = model_answers.served(export, "adapt_and_predict_text", arrays)
    client = learner.client(transport)
    answers = client.predict("adapt_and_predict_text", {**support, "query_x_text": [TEXTS]})
    assert_same(answers, expected)
    assert [names[label] for label in answers["label"][0]] == LABELS
    state = client.predict("adapt_text", support)
    assert_same(client.predict("predict_text", {**state, "query_x_text": [TEXTS]}), expected)
    client.close()


@TRANSPORTS
def test_an_adapted_model_names_the_class_of_a_sentence(adapted, transport):
    client = adapted.client(transport)
    answers = client.predict("serving_default_text", {"x_text": TEXTS})
    assert answers["label"].tolist() == LABELS
    client.close()


def test_a_request_over_rest_needs_nothing_but_strings(adapted):
    body = {"signature_name": "serving_default_text", "inputs": {"x_text": TEXTS}}
    status, answer = adapted.http(quoted(":predict"), body)
    assert (status, answer["outputs"]["label"]) == (200, LABELS)
    status, answer = adapted.http(quoted(":predict"), {**body, "inputs": {"x_text": ["?!"]}})
    assert status == 400
    assert "x_text: expected texts with a word" in answer["error"]


@second_road(
    "tests/exporting/serving/test_served_texts.py"
    "::test_sentences_are_answered_as_by_the_model_itself",
    "tests/exporting/serving/test_client_program.py::test_the_program_prints_a_label_for_each_file",
    "tests/exporting/test_text_exports.py"
    "::test_a_client_without_python_for_texts_gets_the_labels_of_predict",
)
def test_the_program_takes_texts(learner, tmp_path):
    copy = shutil.copy(CLIENT, tmp_path / "client.py")
    command = [sys.executable, copy, text_exports.support_csv(), *TEXTS, "--model", NAME]
    for options in (["--rest", learner.rest], ["--grpc", learner.grpc, "--adapt-once"]):
        done = trained.run([*command, *options], cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        shown = [line.split("  ")[:2] for line in done.stdout.splitlines()]
        assert shown == [list(pair) for pair in text_exports.QUERIES.items()]
