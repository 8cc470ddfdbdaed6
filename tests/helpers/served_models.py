"""Exports behind TensorFlow Serving's protocol, and requests to them.

The server is the double of `serving_double.py`, in processes of its own.
"""

import contextlib
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
import trained
from closeness import assert_close
from tensorflow_serving.apis import (
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tfmeta.exporting import client as client_module
from tfmeta.exporting.client import GrpcClient, RestClient

DOUBLE = Path(__file__).with_name("serving_double.py")
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


def quoted(rest: str) -> str:
    return NAME.replace(" ", "%20") + rest


# What is refused


def without(request, key):
    return {k: v for k, v in request.items() if k != key}


def renamed(request, key, name):
    return {name if k == key else k: v for k, v in request.items()}


def columns(request) -> dict:
    return {key: value.tolist() for key, value in request.items()}
