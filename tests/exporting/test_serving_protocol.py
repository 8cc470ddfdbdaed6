"""Exports behind TensorFlow Serving's protocol, asked by the client that is copied beside them.

The server is the double of `serving_double.py`, in processes of its own.
"""

import ast
import contextlib
import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import serving_batching
import tensorflow as tf
import trained
from closeness import assert_close
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)

from tfmeta.exporting import client as client_module
from tfmeta.exporting.client import GrpcClient, RestClient, ServerError, read_support

DOUBLE = Path(__file__).parents[1] / "helpers" / "serving_double.py"
CLIENT = Path(client_module.__file__)
NAME = "few shots"  # a name that a URL has to quote


class Served:
    """Where a double listens, and ways to ask it without the client."""

    def __init__(self, ports):
        self.grpc, self.rest = f"localhost:{ports['grpc']}", f"http://localhost:{ports['rest']}"
        self.channel = grpc.insecure_channel(self.grpc)
        self.stub = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)

    def client(self, transport, **options):
        made = GrpcClient if transport == "grpc" else RestClient
        return made(getattr(self, transport), NAME, **options)

    def predict(self, inputs, *, signature="", name=NAME, output_filter=(), **version):
        """The raw response; `inputs` as they are, in whatever type."""
        request = predict_pb2.PredictRequest(output_filter=output_filter)
        request.model_spec.name, request.model_spec.signature_name = name, signature
        if "number" in version:
            request.model_spec.version.value = version["number"]
        if "label" in version:
            request.model_spec.version_label = version["label"]
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        return self.stub.Predict(request, 60)

    def refusal(self, inputs, **options) -> tuple[str, str]:
        with pytest.raises(grpc.RpcError) as caught:
            self.predict(inputs, **options)
        return caught.value.code().name, caught.value.details()

    def http(self, path, body=None) -> tuple[int, dict]:
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(f"{self.rest}/v1/models/{path}", data, 60) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


@contextlib.contextmanager
def double(folder, *options):
    command = [sys.executable, str(DOUBLE), str(folder), "--name", NAME, *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            started = process.stdout.readline()
            assert started, f"the double ended with status {process.wait()}"
            served = Served(json.loads(started))
            yield served
            served.channel.close()
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def learner():
    with double(trained.learner_export(), "--label", "stable=1") as served:
        yield served


@pytest.fixture(scope="module")
def adapted_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapted")
    for version in ("1", "9", "10"):
        shutil.copytree(trained.adapted_export() / "1", folder / version)
    return folder


@pytest.fixture(scope="module")
def adapted(adapted_folder):
    with double(adapted_folder) as served:
        yield served


@pytest.fixture(scope="module")
def batching():
    """A regression model whose batches wait for three tasks, far longer than any test does."""
    options = ["--enable-batching", "--pad", "--batch-size", "3", "--timeout-ms", "600000"]
    with double(trained.sinusoid_export(), *options) as served:
        yield served


TRANSPORTS = pytest.mark.parametrize("transport", ["grpc", "rest"])


def episode(*, tasks=2, queries=3, seed=0) -> dict:
    """A request to a learner of glyphs, one example of each of the five classes."""
    labels = np.tile(np.arange(5, dtype=np.int32), (tasks, 1))
    return {
        "support_x": trained.random_images(tasks, 5, seed=seed),
        "support_y": labels,
        "query_x": trained.random_images(tasks, queries, seed=seed + 1),
    }


def curve(*, tasks=1, queries=3, seed=0) -> dict:
    """A request to a learner of sinusoids."""
    rng = np.random.default_rng(seed)
    shapes = {
        "support_x": (tasks, 5, 1),
        "support_y": (tasks, 5, 1),
        "query_x": (tasks, queries, 1),
    }
    return {key: rng.normal(size=shape).astype(np.float32) for key, shape in shapes.items()}


def support_of(request) -> dict:
    return {key: value for key, value in request.items() if key.startswith("support")}


def assert_same(received: dict, expected: dict):
    assert received.keys() == expected.keys()
    for key, want in expected.items():
        got = received[key]
        assert got.shape == want.shape, key
        if want.dtype.hasobject:
            want = np.vectorize(bytes.decode, otypes=[object])(want)
        assert got.dtype == want.dtype, key
        assert_close(got, want)


# What is answered


@TRANSPORTS
@pytest.mark.parametrize("version", [None, 1, "stable"])
def test_an_episode_is_answered_as_by_the_model_itself(learner, transport, version):
    request = episode()
    client = learner.client(transport, version=version)
    expected = trained.served(trained.learner_export(), "adapt_and_predict", request)
    assert_same(client.predict("adapt_and_predict", request), expected)
    assert_same(client.predict("serving_default", request), expected)
    client.close()


@TRANSPORTS
def test_adapting_once_and_sending_the_state_is_the_same(learner, transport):
    request = episode()
    client = learner.client(transport)
    state = client.predict("adapt", support_of(request))
    assert_same(state, trained.served(trained.learner_export(), "adapt", support_of(request)))
    answers = client.predict("predict", {**state, "query_x": request["query_x"]})
    together = trained.served(trained.learner_export(), "adapt_and_predict", request)
    assert_same(answers, together)
    client.close()


@TRANSPORTS
def test_lists_and_wide_numbers_are_sent_as_the_model_takes_them(learner, transport):
    request = episode()
    expected = trained.served(trained.learner_export(), "adapt_and_predict", request)
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
    expected = trained.served(trained.learner_export(), "adapt_and_predict_bytes", arrays)
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
    assert_same(answers, trained.served(trained.adapted_export(), "predict_bytes", arrays))
    assert all(isinstance(label, str) for label in answers["label"])
    assert set(answers["label"]) <= set(trained.CLASSES)
    client.close()


@TRANSPORTS
def test_the_single_output_of_a_regression_keeps_its_name(batching, transport):
    request = curve(tasks=3)
    client = batching.client(transport)
    expected = trained.served(trained.sinusoid_export(), "adapt_and_predict", request)
    assert list(expected) == ["prediction"]
    assert_same(client.predict("adapt_and_predict", request), expected)
    client.close()


def test_rows_are_answered_in_rows(learner, adapted, batching):
    request = episode()
    expected = trained.served(trained.learner_export(), "adapt_and_predict", request)
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
    labels = trained.served(trained.adapted_export(), "predict", {"x": images})["label"]
    assert [row["label"] for row in answer["predictions"]] == [each.decode() for each in labels]
    request = curve(tasks=3)
    rows = [{key: value[i].tolist() for key, value in request.items()} for i in range(3)]
    answer = batching.http(quoted(":predict"), {"instances": rows})[1]
    prediction = trained.served(trained.sinusoid_export(), "serving_default", request)["prediction"]
    assert_close(answer["predictions"], prediction)


def quoted(rest: str) -> str:
    return NAME.replace(" ", "%20") + rest


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


# What is known of a model


def test_metadata_names_every_signature(learner):
    signatures = trained.signatures(trained.learner_export())
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


# What is refused


def without(request, key):
    return {k: v for k, v in request.items() if k != key}


def renamed(request, key, name):
    return {name if k == key else k: v for k, v in request.items()}


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


def columns(request) -> dict:
    return {key: value.tolist() for key, value in request.items()}


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
    expected = trained.served(trained.learner_export(), "adapt_and_predict", request)
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


# Batching


def at_once(served, requests, transport="grpc") -> list:
    """The answers, or the ServerErrors, to requests that are sent together."""
    client = served.client(transport)

    def ask(request):
        try:
            return client.predict("adapt_and_predict", request)
        except ServerError as error:
            return error

    with ThreadPoolExecutor(len(requests)) as pool:
        answers = list(pool.map(ask, requests))
    client.close()
    return answers


@TRANSPORTS
def test_requests_that_are_merged_are_answered_as_if_alone(batching, transport):
    requests = [curve(tasks=1, seed=1), curve(tasks=2, seed=2)]  # neither fills a batch
    answers = at_once(batching, requests, transport)
    for request, answer in zip(requests, answers, strict=True):
        alone = trained.served(trained.sinusoid_export(), "adapt_and_predict", request)
        assert_same(answer, alone)


def test_merged_requests_of_other_sizes_are_padded_with_their_own_first_element(batching):
    requests = [curve(tasks=1, queries=1, seed=1), curve(tasks=2, queries=4, seed=2)]
    answers = at_once(batching, requests)
    first = requests[0]["query_x"]
    as_padded = {**requests[0], "query_x": np.repeat(first, 4, axis=1)}
    for request, answer in zip([as_padded, requests[1]], answers, strict=True):
        alone = trained.served(trained.sinusoid_export(), "adapt_and_predict", request)
        assert_same(answer, alone)


def test_a_batch_shares_its_refusal_and_the_next_is_answered(batching):
    bad = curve(tasks=1)
    bad["query_x"][0, 0, 0] = np.nan
    for error in at_once(batching, [bad, curve(tasks=2)]):
        assert isinstance(error, ServerError)
        assert "query_x: expected finite numbers" in str(error)
    requests = [curve(tasks=1, seed=1), curve(tasks=2, seed=2)]
    assert all(isinstance(answer, dict) for answer in at_once(batching, requests))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda r: {**r, "query_x": r["query_x"][:1]}, "must have equal 0th-dimension size"),
        (lambda r: {**r, "query_x": r["query_x"][0, 0, 0]}, "must have at least one dimension"),
        (lambda r: curve(tasks=4), "Task size 4 is larger than maximum input batch size 3"),
    ],
)
def test_what_does_not_go_into_a_batch_is_refused(batching, change, expected):
    code, message = batching.refusal(change(curve(tasks=2)))
    assert code == "INVALID_ARGUMENT"
    assert expected in message


def test_a_batch_that_does_not_fill_runs_after_its_timeout():
    batcher = serving_batching.Batcher(lambda _, inputs: inputs, max_batch_size=3, timeout=0.01)
    requests = [curve(tasks=2, seed=seed) for seed in (1, 2)]  # no two of them fit in one
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda request: batcher.run("any", request), requests))
    for request, answer in zip(requests, answers, strict=True):
        assert_same(answer, request)


def test_without_padding_only_like_shapes_are_merged():
    short, long = curve(queries=1), curve(queries=2)
    with pytest.raises(serving_batching.LoaderError, match="padding is turned off") as caught:
        serving_batching.merge([short, long], pad=False)
    assert caught.value.code == "FAILED_PRECONDITION"
    merged = serving_batching.merge([short, short], pad=False)
    parts = serving_batching.split(merged, [1, 1])
    for key, value in short.items():
        assert merged[key].shape == (2, *value.shape[1:])
        np.testing.assert_array_equal(parts[1][key], value)
    with pytest.raises(serving_batching.LoaderError, match="does not equal the sum"):
        serving_batching.split(merged, [1, 2])


# The client as a program


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """`run(*arguments)` of a copy of the client that stands by itself."""
    folder = tmp_path_factory.mktemp("client")
    copy = shutil.copy(CLIENT, folder / "client.py")

    def run(*arguments):
        support, *images = trained.support_folder(), *trained.query_files()
        command = [sys.executable, copy, support, *images, "--model", NAME, *arguments]
        return trained.run(command, cwd=folder)

    return run


def test_the_program_prints_a_label_for_each_file(learner, program):
    support = read_support(trained.support_folder())[1]
    files = [path.read_bytes() for path in trained.query_files()]
    client = learner.client("rest")
    answers = client.predict("adapt_and_predict_bytes", {**support, "query_x_bytes": [files]})
    expected = "".join(
        f"{path}  {trained.CLASSES[row.argmax()]}  {row.max():.3f}\n"
        for path, row in zip(trained.query_files(), answers["probabilities"][0], strict=True)
    )
    over_rest = program("--rest", learner.rest)
    assert (over_rest.stdout, over_rest.stderr) == (expected, "")
    adapted_once = program("--rest", learner.rest, "--adapt-once", "--version", "stable")
    assert adapted_once.stdout == expected
    over_grpc = program("--grpc", learner.grpc, "--version", "1")
    assert over_grpc.stdout == expected, over_grpc.stderr


def test_the_program_says_what_the_server_refuses_in_a_line(learner, adapted, program):
    done = program("--rest", learner.rest, "--version", "7")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "HTTP 404: Servable not found" in done.stderr
    done = program("--rest", adapted.rest)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert '"adapt_and_predict_bytes" not found' in done.stderr


def test_the_client_needs_nothing_of_tfmeta():
    imported = set()
    for node in ast.walk(ast.parse(CLIENT.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
    others = imported - sys.stdlib_module_names
    assert others == {"numpy", "grpc", "tensorflow", "tensorflow_serving"}
