"""The REST side of the protocol double, over HTTP.

After `model_servers/http_rest_api_handler.cc`, `http_rest_api_util.cc` and `http_server.cc` of
TensorFlow Serving.
"""

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import serving_json
from serving_core import ServedModel, from_proto, to_proto

from tfmeta.exporting.loading.c_loader import LoaderError

_CHOICE = r"(?:(?:/versions/(?P<version>\d+))|(?:/labels/(?P<label>[^/:]+)))?"
PREDICT = re.compile(rf"(?i)/v1/models/(?P<name>[^/:]+){_CHOICE}:predict")
STATUS = re.compile(rf"(?i)/v1/models/(?P<name>[^/:]+){_CHOICE}(?P<metadata>/metadata)?")
HTTP_STATUS = {
    "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "OUT_OF_RANGE": 400, "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429, "UNIMPLEMENTED": 501, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504,
}  # fmt: skip


def serve(model: ServedModel) -> ThreadingHTTPServer:
    """An HTTP server for `model` on a free port of this machine; `serve_forever` starts it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self._reply(get)

        def do_POST(self):
            self._reply(post)

        def _reply(self, method):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                status, answer = 200, method(model, self.path, body)
            except LoaderError as error:
                status = HTTP_STATUS.get(error.code, 500)
                answer = {"error": str(error).removeprefix(f"{error.code}: ")}
            content = json.dumps(answer, indent=4).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Says nothing: what tests print should be theirs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


def get(model: ServedModel, path: str, _body) -> dict:
    """The status or the metadata of a model."""
    from google.protobuf.json_format import MessageToDict
    from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

    def as_json(message):
        return MessageToDict(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )

    if not (match := STATUS.fullmatch(path)):
        raise LoaderError(f"Malformed request: GET {path}")
    if not match["metadata"]:
        request = get_model_status_pb2.GetModelStatusRequest()
        _fill_spec(request.model_spec, match)
        return as_json(model.status(request))
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    _fill_spec(request.model_spec, match)
    response, signatures = model.metadata(request), get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    metadata = {"signature_def": as_json(signatures)}
    return {"model_spec": as_json(response.model_spec), "metadata": metadata}


def post(model: ServedModel, path: str, body: bytes) -> dict:
    """The answer to a predict request."""
    from tensorflow_serving.apis import predict_pb2

    if not (match := PREDICT.fullmatch(path)):
        raise LoaderError(f"Malformed request: POST {path}")
    request = predict_pb2.PredictRequest()
    _fill_spec(request.model_spec, match)
    asked = _parsed(body)
    signature_name = asked.get("signature_name", "serving_default")
    if not isinstance(signature_name, str):
        raise LoaderError("not formatted correctly. 'signature_name' key must be a string value.")
    version = model.versions[model.find(request.model_spec)]
    inputs = version.inputs_of(signature_name)
    request.model_spec.signature_name = signature_name
    arrays, is_by_row = serving_json.read(asked, inputs)
    for key, array in arrays.items():
        request.inputs[key].CopyFrom(to_proto(array))
    outputs = model.predict(request).outputs
    arrays = {key: from_proto(proto, key) for key, proto in outputs.items()}
    return serving_json.write(arrays, is_by_row=is_by_row)


def _fill_spec(spec, match):
    spec.name = unquote(match["name"])
    if match["version"]:
        spec.version.value = int(match["version"])
    elif match["label"]:
        spec.version_label = unquote(match["label"])


def _parsed(body) -> dict:
    try:
        asked = json.loads(body)
    except ValueError as error:
        raise LoaderError(f"JSON Parse error: {error}") from error
    if not isinstance(asked, dict):
        raise LoaderError(f"JSON Value: {json.dumps(asked)} Is not object")
    return asked
