"""What a server says of its models, and how it refuses what it does not serve."""

import sys

import model_answers
import numpy as np
import pytest
import tensorflow as tf
import trained
from served_models import (
    DOUBLE,
    NAME,
    TRANSPORTS,
    assert_same,
    columns,
    double,
    episode,
    quoted,
    renamed,
    without,
)
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    prediction_log_pb2,
)

from tfmeta.exporting.client import GrpcClient, RestClient, ServerError

# What is known of a model


def test_metadata_names_every_signature(learner):
    signatures = model_answers.signatures(trained.learner_export())
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = NAME
    known = get_model_metadata_pb2.SignatureDefMap()
    response = learner.stub.GetModelMetadata(request, 60)
    assert response.metadata["signature_def"].Unpack(known)
    status, answer = learner.http(quoted("/metadata"))
    assert status == 200
    over_rest = answer["metadata"]["signature_def"]["signature_def"]
    assert answer["model_spec"]["version"] == "1"
    for name, (inputs, outputs) in signatures.items():
        assert known.signature_def[name].inputs.keys() == inputs.keys()
        assert known.signature_def[name].outputs.keys() == outputs.keys()
        assert over_rest[name]["inputs"].keys() == inputs.keys()
        assert over_rest[name]["outputs"].keys() == outputs.keys()


def test_the_highest_number_is_the_version_that_serves(adapted):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = NAME
    stub = model_service_pb2_grpc.ModelServiceStub(adapted.channel)
    (status,) = stub.GetModelStatus(request, 60).model_version_status
    assert (status.version, status.State.Name(status.state)) == (10, "AVAILABLE")
    code, answer = adapted.http(quoted(""))
    assert (code, answer["model_version_status"][0]["version"]) == (200, "10")
    assert adapted.http(quoted("/versions/9"))[0] == 404
    assert adapted.http("other")[0] == 404
    response = adapted.predict({"x": trained.random_images(1)})
    assert response.model_spec.version.value == 10


def test_versions_that_are_chosen_serve_side_by_side(adapted_folder):
    with double(adapted_folder, "--version=1", "--version=9", "--label=canary=1") as served:
        known = served.http(quoted(""))[1]["model_version_status"]
        assert [each["version"] for each in known] == ["1", "9"]
        request = {"x": trained.random_images(1)}
        for choice, number in (({}, 9), ({"number": 1}, 1), ({"label": "canary"}, 1)):
            assert served.predict(request, **choice).model_spec.version.value == number
        assert served.refusal(request, number=10)[0] == "NOT_FOUND"


MALFORMED = {
    "missing": (lambda r: without(r, "query_x"), "Missing but required: {query_x}"),
    "extra": (lambda r: {**r, "query_z": r["query_x"]}, "Sent extra: {query_z}"),
    "renamed": (lambda r: renamed(r, "query_x", "query"), "query_x(feed name"),
    "dtype": (
        lambda r: {**r, "support_y": r["support_y"].astype(np.int64)},
        "to be int32 but int64 is provided",
    ),
    "size": (lambda r: {**r, "support_x": r["support_x"][:, :, :20]}, ""),
    "rank": (lambda r: {**r, "query_x": r["query_x"][0]}, ""),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_request_is_an_invalid_argument(learner, what):
    change, expected = MALFORMED[what]
    code, message = learner.refusal(change(episode()), signature="adapt_and_predict")
    assert code == "INVALID_ARGUMENT"
    assert expected in message


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"name": "other"}, "NOT_FOUND", "Servable not found for request: Latest(other)"),
        ({"number": 7}, "NOT_FOUND", f"Servable not found for request: Specific({NAME}, 7)"),
        ({"label": "new"}, "INVALID_ARGUMENT", "Unrecognized servable version label: new"),
        ({"signature": "fit"}, "FAILED_PRECONDITION", 'signature key "fit" not found'),
    ],
)
def test_what_is_not_served_is_refused(learner, options, code, message):
    received = learner.refusal(episode(), **options)
    assert received[0] == code
    assert message in received[1]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (":predict", lambda r: {"inputs": without(r, "query_x")}, "Missing named input: query_x"),
        (":predict", lambda r: {"instances": [without(r, "query_x")]}, "keys must be equal to"),
        (":predict", lambda r: {"inputs": {**r, "support_y": [[0.5] * 5] * 2}}, "type: int32"),
        (":predict", lambda r: {"inputs": {**r, "support_y": [[0], [0, 1]]}}, "unexpected size: 2"),
        (":predict", lambda r: {"inputs": r, "instances": [r]}, "only one of"),
        (":predict", lambda r: {"data": r}, "Missing 'inputs' or 'instances' key"),
        (":predict", lambda r: {"signature_name": "fit", "inputs": r}, '"fit" not found'),
        ("/labels/new:predict", lambda r: {"inputs": r}, "version label: new"),
        (":fit", lambda r: {"inputs": r}, "Malformed request"),
    ],
)
def test_a_malformed_request_over_rest_is_a_bad_one(learner, path, body, expected):
    status, answer = learner.http(quoted(path), body(columns(episode())))
    assert status == 400
    assert expected in answer["error"]


def test_rest_finds_no_other_model_and_passes_over_unknown_columns(learner):
    body = {"inputs": {**columns(episode()), "query_z": []}}
    assert learner.http("other:predict", body)[0] == 404
    assert learner.http(quoted("/versions/7:predict"), body)[0] == 404
    assert learner.http(quoted(":predict"), body)[0] == 200


@TRANSPORTS
@pytest.mark.parametrize("key", ["support_x", "query_x", "support_y"])
def test_what_the_model_refuses_is_named_and_it_goes_on_serving(learner, transport, key):
    request = episode()
    wrong = request[key].copy()
    wrong.flat[0] = -1 if key == "support_y" else np.nan
    client = learner.client(transport)
    with pytest.raises(ServerError, match=rf"(INVALID_ARGUMENT|HTTP 400): .*{key}: "):
        client.predict("adapt_and_predict", {**request, key: wrong})
    expected = model_answers.served(trained.learner_export(), "adapt_and_predict", request)
    assert_same(client.predict("adapt_and_predict", request), expected)
    client.close()


@TRANSPORTS
@pytest.mark.parametrize(
    ("version", "expected"),
    [(7, rf"Servable not found for request: Specific\({NAME}, 7\)"), ("new", "label: new")],
)
def test_the_client_asks_for_the_version_that_it_is_given(learner, transport, version, expected):
    client = learner.client(transport, version=version)
    with pytest.raises(ServerError, match=expected):
        client.predict("adapt_and_predict", episode())
    client.close()


@TRANSPORTS
def test_a_server_that_is_not_there_is_said_to_be(transport):
    nowhere = {"grpc": "localhost:1", "rest": "http://localhost:1"}[transport]
    client = (GrpcClient if transport == "grpc" else RestClient)(nowhere, NAME, timeout=20)
    with pytest.raises(ServerError, match=r"localhost:1\b"):
        client.predict("serving_default", {"x": [0.0]})
    client.close()


def test_a_model_whose_warm_up_fails_is_not_served(tmp_path):
    version = trained.copy_of(trained.adapted_export(), tmp_path)
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.inputs["y"].CopyFrom(tf.make_tensor_proto([1.0]))
    with tf.io.TFRecordWriter(str(version / "assets.extra/tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())
    done = trained.run([sys.executable, DOUBLE, tmp_path])
    assert (done.returncode, done.stdout) == (1, "")
    assert "INVALID_ARGUMENT: Signature input alias: x(feed name" in done.stderr
