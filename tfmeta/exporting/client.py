"""Asks a served model for the class of each image, sound or text. Copy this file and change it.

    python client.py SUPPORT_DIR IMAGE... --model NAME                  (gRPC, localhost:8500)
    python client.py SUPPORT_DIR IMAGE... --model NAME --rest http://localhost:8501
    python client.py SUPPORT.csv TEXT... --model NAME

SUPPORT_DIR has a subfolder of images, or of WAV files, for each class; SUPPORT.csv has the columns
text and label. REST needs numpy alone; gRPC needs tensorflow-serving-api too, with TensorFlow.
"""

import argparse
import base64
import csv
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

# The models take the narrow types; NumPy and JSON make the wide ones.
_NARROW = {np.dtype("f8"): np.dtype("f4"), np.dtype("i8"): np.dtype("i4")}
_EXAMPLES = ("x", "support_x", "query_x")  # with these begin the inputs that are no labels


class ServerError(RuntimeError):
    """The server refuses a request or can't be reached; the text says which, and why."""


class GrpcClient:
    """One model of a server's gRPC port.

    Args:
        target: such as "localhost:8500".
        model: its name.
        version: a number, or a label such as "stable"; None for the newest version.
        timeout: seconds that a request may take.
        wide_inputs: names of inputs that the model takes as float64, such as raw columns whose
            digits float32 would lose.
    """

    def __init__(
        self,
        target: str,
        model: str,
        *,
        version: int | str | None = None,
        timeout: float = 60,
        wide_inputs: Collection[str] = (),
    ):
        import grpc  # here, so that REST works without gRPC
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        # The default refuses messages over 4 MiB; task states and generated weights may be larger.
        unlimited = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
        ]
        self._target, self._model, self._version, self._timeout = target, model, version, timeout
        self._wide_inputs = wide_inputs
        self._channel = grpc.insecure_channel(target, options=unlimited)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def predict(self, signature: str, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The outputs of `signature` by name; inputs are arrays or nested lists, files bytes."""
        import grpc
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = self._model, signature
        if isinstance(self._version, str):
            request.model_spec.version_label = self._version
        elif self._version is not None:
            request.model_spec.version.value = self._version
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(self._as_sent(name, value)))
        try:
            response = self._stub.Predict(request, self._timeout)
        except grpc.RpcError as error:
            message = f"{self._target}: {error.code().name}: {error.details()}"
            raise ServerError(message) from error
        arrays = {name: tf.make_ndarray(proto) for name, proto in response.outputs.items()}
        return {name: _decoded(name, array) for name, array in arrays.items()}

    def _as_sent(self, name: str, value: Any) -> np.ndarray:
        array = _wide(value)
        if name.startswith(_EXAMPLES) and array.dtype.kind in "biu":
            array = array.astype(np.float64)  # a column of whole numbers is one of numbers
        # Unix times and their like keep their digits where the model takes float64.
        return array if name in self._wide_inputs else _array(array)

    def close(self) -> None:
        self._channel.close()


class RestClient:
    """One model of a server's REST port.

    Args:
        url: such as "http://localhost:8501".
        model: its name.
        version: a number, or a label such as "stable"; None for the newest version.
        timeout: seconds that a request may take.
    """

    def __init__(
        self, url: str, model: str, *, version: int | str | None = None, timeout: float = 60
    ):
        self._url, self._timeout = f"{url.rstrip('/')}/v1/models/{quote(model, safe='')}", timeout
        if isinstance(version, str):
            self._url += f"/labels/{quote(version, safe='')}"
        elif version is not None:
            self._url += f"/versions/{version}"

    def predict(self, signature: str, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The outputs of `signature` by name; inputs are arrays or nested lists, files bytes."""
        columns = {name: _to_json(_wide(value).tolist()) for name, value in inputs.items()}
        request = {"signature_name": signature, "inputs": columns}
        outputs = self._ask(":predict", json.dumps(request).encode())["outputs"]
        if not isinstance(outputs, dict):  # a single output comes without its name
            outputs = {self._only_output(signature): outputs}
        return {name: _decoded(name, _array(_from_json(v))) for name, v in outputs.items()}

    def _only_output(self, signature: str) -> str:
        known = self._ask("/metadata")["metadata"]["signature_def"]["signature_def"]
        return next(iter(known[signature]["outputs"]))

    def _ask(self, suffix: str, body: bytes | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            self._url + suffix, body, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                reason = _reason(error.read())
            raise ServerError(f"{self._url}{suffix}: HTTP {error.code}: {reason}") from error
        except OSError as error:  # no such host, no server, no answer in time
            cause = getattr(error, "reason", error)
            raise ServerError(f"{self._url}{suffix}: {cause}") from error

    def close(self) -> None:
        """Does nothing; for use in place of a `GrpcClient`, which has a connection to close."""


def _wide(value: Any) -> np.ndarray:
    """An array with all its digits, which JSON carries; bytes as objects, as in `_array`."""
    array = np.asarray(value)
    return np.array(value, object) if array.dtype.kind in "SU" else array


def _array(value: Any) -> np.ndarray:
    """An array as the models take it; bytes as objects, which may end in zeros."""
    array = _wide(value)
    return array.astype(_NARROW.get(array.dtype, array.dtype), copy=False)


def _decoded(name: str, array: np.ndarray) -> np.ndarray:
    """Strings as str, except in outputs whose name ends in `_bytes`."""
    if not array.dtype.hasobject or name.endswith("_bytes"):
        return array
    strings = [s.decode() if isinstance(s, bytes) else s for s in array.flat]
    return np.array(strings, object).reshape(array.shape)


def _reason(body: bytes) -> str:
    """The reason for a refusal over REST; the answer of a proxy stays as it is."""
    try:
        return json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")


def _to_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    return value


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    if isinstance(value, dict):
        return base64.b64decode(value["b64"])
    return value


def read_support(path: Path) -> tuple[list[str], dict[str, list[Any]]]:
    """The names of the classes, and the support set of one task: files of a folder, or texts."""
    if path.is_dir():
        classes = [each for each in _shown(path) if each.is_dir()]
        files = [(each.name, image) for each in classes for image in _shown(each)]
        names, labels = [each.name for each in classes], [label for label, _ in files]
        support: dict[str, list[Any]] = {
            "support_x_bytes": [[image.read_bytes() for _, image in files]]
        }
    else:
        rows = _read_rows(path)
        labels = [label for label, _ in rows]
        names, support = sorted({*labels}), {"support_x_text": [[text for _, text in rows]]}
    # Dimension 0 of every input is tasks. Here is one task.
    return names, {**support, "support_y": [[names.index(label) for label in labels]]}


def _read_rows(path: Path) -> list[tuple[str, str]]:
    """The label and the text in each row of a CSV file."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if not {"text", "label"} <= {*(rows.fieldnames or ())}:
            raise OSError(f"{path} has the columns {rows.fieldnames}; expected text and label")
        return [(row["label"], row["text"]) for row in rows]


def _shown(folder: Path) -> list[Path]:
    """What is in a folder, without the files that systems hide there."""
    hidden = ("thumbs.db", "desktop.ini")
    paths = sorted(folder.iterdir())
    return [p for p in paths if not p.name.startswith(".") and p.name.lower() not in hidden]


def probabilities_of(
    client: GrpcClient | RestClient,
    support: dict[str, Any],
    queries: list[bytes] | list[str],
    *,
    adapt_once: bool,
) -> np.ndarray:
    """`(queries, classes)`, for the classes of `support`."""
    form = "_text" if "support_x_text" in support else "_bytes"
    query_x = f"query_x{form}"
    if not adapt_once:
        request = {**support, query_x: [queries]}
        return client.predict(f"adapt_and_predict{form}", request)["probabilities"][0]
    # The server keeps nothing of a task: its state comes back, and is sent with each later query.
    state = client.predict(f"adapt{form}", support)
    answers = [client.predict(f"predict{form}", {**state, query_x: [[query]]}) for query in queries]
    return np.concatenate([answer["probabilities"][0] for answer in answers])


def main() -> None:
    parser = argparse.ArgumentParser(description="Label images, sounds or texts.")
    parser.add_argument("support", type=Path, help="a subfolder of files per class; or CSV")
    parser.add_argument("queries", nargs="+", help="PNG, JPEG or GIF files; or texts")
    parser.add_argument("--model", required=True, help="its name on the server")
    parser.add_argument("--grpc", default="localhost:8500", help="host:port (%(default)s)")
    parser.add_argument("--rest", help="use REST instead, such as http://localhost:8501")
    parser.add_argument("--version", help="a number or a label; without it, the newest")
    parser.add_argument(
        "--adapt-once", action="store_true", help="adapt first, send the state later"
    )
    options = parser.parse_args()
    version = options.version and (
        int(options.version) if options.version.isdigit() else options.version
    )
    try:
        names, support = read_support(options.support)
        is_folder = options.support.is_dir()
        queries = [Path(q).read_bytes() if is_folder else q for q in options.queries]
        where = (RestClient, options.rest) if options.rest else (GrpcClient, options.grpc)
        client = where[0](where[1], options.model, version=version)
        answers = probabilities_of(client, support, queries, adapt_once=options.adapt_once)
        client.close()
    except (ServerError, OSError) as error:
        sys.exit(f"client.py: {str(error).splitlines()[0]}")  # the others are of the graph
    for query, row in zip(options.queries, answers[:, : len(names)], strict=True):
        print(f"{query}  {names[row.argmax()]}  {row.max():.3f}")


if __name__ == "__main__":
    main()
