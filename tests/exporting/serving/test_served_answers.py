"""The client beside an export: what a server answers is what the model answers."""

import grpc
import model_answers
import numpy as np
import pytest
import trained
from closeness import assert_close
from served_models import TRANSPORTS, assert_same, curve, episode, quoted, support_of

from tfmeta.exporting.client import read_support

# What is answered


@TRANSPORTS
@pytest.mark.parametrize("version", [None, 1, "stable"])
def test_an_episode_is_answered_as_by_the_model_itself(learner, transport, version):
    request = episode()
    client = learner.client(transport, version=version)
    expected = model_answers.served(trained.learner_export(), "adapt_and_predict", request)
    assert_same(client.predict("adapt_and_predict", request), expected)
    assert_same(client.predict("serving_default", request), expected)
    client.close()


@TRANSPORTS
def test_adapting_once_and_sending_the_state_is_the_same(learner, transport):
    request = episode()
    client = learner.client(transport)
    state = client.predict("adapt", support_of(request))
    assert_same(state, model_answers.served(trained.learner_export(), "adapt", support_of(request)))
    answers = client.predict("predict", {**state, "query_x": request["query_x"]})
    together = model_answers.served(trained.learner_export(), "adapt_and_predict", request)
    assert_same(answers, together)
    client.close()


@TRANSPORTS
def test_lists_and_wide_numbers_are_sent_as_the_model_takes_them(learner, transport):
    request = episode()
    expected = model_answers.served(trained.learner_export(), "adapt_and_predict", request)
    client = learner.client(transport)
    lists = {key: value.tolist() for key, value in request.items()}
    wide = {
        key: value.astype("i8" if value.dtype.kind == "i" else "f8")
        for key, value in request.items()
    }
    for each in (lists, wide):
        assert_same(client.predict("adapt_and_predict", each), expected)
    client.close()


@TRANSPORTS
def test_image_files_are_decoded_by_the_model(learner, transport):
    names, support = read_support(trained.support_folder())
    assert tuple(names) == trained.CLASSES
    assert support["support_y"] == [[0, 0, 1, 1, 2, 2, 3, 3, 4, 4]]
    queries = [path.read_bytes() for path in trained.query_files()]
    assert {content[:3] for content in queries} == {b"\xff\xd8\xff", b"\x89PN"}
    request = {**support, "query_x_bytes": [queries]}
    arrays = {
        key: np.array(value, np.int32 if key == "support_y" else object)
        for key, value in request.items()
    }
    expected = model_answers.served(trained.learner_export(), "adapt_and_predict_bytes", arrays)
    client = learner.client(transport)
    assert_same(client.predict("adapt_and_predict_bytes", request), expected)
    state = client.predict("adapt_bytes", support)
    answers = client.predict("predict_bytes", {**state, "query_x_bytes": [queries]})
    assert_same(answers, expected)
    client.close()


@TRANSPORTS
def test_an_adapted_model_answers_with_class_names(adapted, transport):
    files = [path.read_bytes() for path in trained.query_files()]
    client = adapted.client(transport)
    answers = client.predict("serving_default_bytes", {"x_bytes": files})
    arrays = {"x_bytes": np.array(files, object)}
    assert_same(answers, model_answers.served(trained.adapted_export(), "predict_bytes", arrays))
    assert all(isinstance(label, str) for label in answers["label"])
    assert set(answers["label"]) <= set(trained.CLASSES)
    client.close()


@TRANSPORTS
def test_the_single_output_of_a_regression_keeps_its_name(batching, transport):
    request = curve(tasks=3)
    client = batching.client(transport)
    expected = model_answers.served(trained.sinusoid_export(), "adapt_and_predict", request)
    assert list(expected) == ["prediction"]
    assert_same(client.predict("adapt_and_predict", request), expected)
    client.close()


def test_rows_are_answered_in_rows(learner, adapted, batching):
    request = episode()
    expected = model_answers.served(trained.learner_export(), "adapt_and_predict", request)
    rows = [{key: value[i].tolist() for key, value in request.items()} for i in range(2)]
    status, answer = learner.http(quoted(":predict"), {"instances": rows})
    assert status == 200
    assert [row.keys() for row in answer["predictions"]] == [expected.keys()] * 2
    by_key = {
        key: np.array([row[key] for row in answer["predictions"]], want.dtype)
        for key, want in expected.items()
    }
    assert_same(by_key, expected)

    # One input: the value may stand by itself. One output: so does the answer.
    images = trained.random_images(2)
    answer = adapted.http(quoted(":predict"), {"instances": images.tolist()})[1]
    labels = model_answers.served(trained.adapted_export(), "predict", {"x": images})["label"]
    assert [row["label"] for row in answer["predictions"]] == [each.decode() for each in labels]
    request = curve(tasks=3)
    rows = [{key: value[i].tolist() for key, value in request.items()} for i in range(3)]
    answer = batching.http(quoted(":predict"), {"instances": rows})[1]
    expected = model_answers.served(trained.sinusoid_export(), "serving_default", request)
    assert_close(answer["predictions"], expected["prediction"])


def test_the_client_takes_answers_that_others_refuse_as_too_large(learner):
    support = support_of(episode(tasks=420))
    with pytest.raises(grpc.RpcError) as caught:
        learner.predict(support, signature="adapt")
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    client = learner.client("grpc")
    state = client.predict("adapt", support)
    assert sum(array.nbytes for array in state.values()) > 4 * 2**20
    assert all(len(array) == 420 and np.isfinite(array).all() for array in state.values())
    client.close()


def test_only_the_outputs_that_are_asked_for_come(learner):
    response = learner.predict(episode(), output_filter=["label"])
    assert list(response.outputs) == ["label"]
    assert response.model_spec.signature_name == "serving_default"
    assert response.model_spec.version.value == 1
    code, message = learner.refusal(episode(), output_filter=["logits"])
    assert code == "INVALID_ARGUMENT"
    assert "output tensor alias not found in signature: logits" in message
