"""The protocol double's model: which version answers, what it refuses, and its warm-up.

What TensorFlow Serving 2.x does, read in its sources (`servables/tensorflow/predict_util.cc`,
`model_servers/server_core.cc`, `get_model_status_impl.cc`), with its codes and messages.
"""

from pathlib import Path

import nightly
import numpy as np

from tfmeta.exporting.loading.c_loader import CLoader, LoaderError, genuine_protos
from tfmeta.exporting.loading.signatures import DTYPES
from tfmeta.exporting.loading.tensor_protos import read_records

MOST_WARM_UP_RECORDS = 1000
WARM_UP = "assets.extra/tf_serving_warmup_requests"
# Of tensorflow.DataType's numbers: the name that messages use, and the field of a TensorProto.
_NAMES = {
    1: ("float", "float_val"), 2: ("double", "double_val"), 3: ("int32", "int_val"),
    4: ("uint8", "int_val"), 5: ("int16", "int_val"), 6: ("int8", "int_val"),
    7: ("string", "string_val"), 9: ("int64", "int64_val"), 10: ("bool", "bool_val"),
    17: ("uint16", "int_val"), 22: ("uint32", "uint32_val"), 23: ("uint64", "uint64_val"),
}  # fmt: skip
NUMBER_OF = {dtype: number for number, dtype in DTYPES.items()}


def dtype_name(dtype) -> str:
    return _NAMES[NUMBER_OF[dtype]][0]


class ServedModel:
    """A model's folder, of which some versions are served.

    Args:
        name: what requests call it.
        folder: with a subfolder for each version.
        versions: those that are served; None: the highest.
        labels: `{label: version}`.
        batched: makes `run` of a CLoader into one that batches; None: no batching.
    """

    def __init__(self, name: str, folder, *, versions=None, labels=None, batched=None):
        found = [int(p.name) for p in Path(folder).iterdir() if p.is_dir() and p.name.isdigit()]
        chosen = versions or [max(found, default=0)]
        self.name, self._labels = name, labels or {}
        self.versions = {
            number: ServedVersion(Path(folder) / str(number), batched) for number in sorted(chosen)
        }

    def find(self, spec) -> int:
        """The number of the version that a ModelSpec asks for."""
        if not spec.name:
            raise LoaderError("ModelSpec has no name specified.")
        choice = spec.WhichOneof("version_choice")
        if choice is None:
            number, asked = max(self.versions), f"Latest({spec.name})"
        else:
            number = self._number_of(spec) if choice == "version_label" else spec.version.value
            asked = f"Specific({spec.name}, {number})"
        if spec.name != self.name or number not in self.versions:
            raise LoaderError(f"Servable not found for request: {asked}", "NOT_FOUND")
        return number

    def _number_of(self, spec):
        if spec.name != self.name or spec.version_label not in self._labels:
            raise LoaderError(f"Unrecognized servable version label: {spec.version_label}")
        return self._labels[spec.version_label]

    def predict(self, request):
        """The PredictResponse to a PredictRequest."""
        from tensorflow_serving.apis import predict_pb2

        if not request.HasField("model_spec"):
            raise LoaderError("Missing ModelSpec")
        number = self.find(request.model_spec)
        signature_name = request.model_spec.signature_name or "serving_default"
        response = predict_pb2.PredictResponse()
        response.model_spec.name = self.name
        response.model_spec.version.value = number
        response.model_spec.signature_name = signature_name
        for key, array in self.versions[number].predict(signature_name, request).items():
            response.outputs[key].CopyFrom(to_proto(array))
        return response

    def metadata(self, request):
        """The GetModelMetadataResponse to a GetModelMetadataRequest."""
        from tensorflow_serving.apis import get_model_metadata_pb2

        if not request.HasField("model_spec"):
            raise LoaderError("Missing ModelSpec")
        if not request.metadata_field:
            raise LoaderError("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != "signature_def":
                raise LoaderError(f"Metadata field {field} is not supported")
        number = self.find(request.model_spec)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name, response.model_spec.version.value = self.name, number
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in self.versions[number].signature_defs.items():
            signatures.signature_def[name].CopyFrom(signature)
        response.metadata["signature_def"].Pack(signatures)
        return response

    def status(self, request):
        """The GetModelStatusResponse to a GetModelStatusRequest."""
        from tensorflow_serving.apis import get_model_status_pb2

        spec, numbers = request.model_spec, list(self.versions)
        if not request.HasField("model_spec"):
            raise LoaderError("Missing ModelSpec")
        if choice := spec.WhichOneof("version_choice"):
            numbers = [self._number_of(spec) if choice == "version_label" else spec.version.value]
            if spec.name != self.name or numbers[0] not in self.versions:
                message = f"Could not find version {numbers[0]} of model {spec.name}"
                raise LoaderError(message, "NOT_FOUND")
        elif spec.name != self.name:
            message = f"Could not find any versions of model {spec.name}"
            raise LoaderError(message, "NOT_FOUND")
        response = get_model_status_pb2.GetModelStatusResponse()
        for number in numbers:
            state = get_model_status_pb2.ModelVersionStatus.AVAILABLE
            response.model_version_status.add(version=number, state=state).status.SetInParent()
        return response


class ServedVersion:
    """One version, loaded and warmed up; raises LoaderError if it can't be either."""

    def __init__(self, folder: Path, batched=None):
        # Not optimised, the warm-up takes half of the time; see `model_answers`.
        self._loader = CLoader(folder, check_shapes=False, optimize=nightly.IS_ON)
        self.signature_defs = self._loader.meta_graph.signature_def
        self._run = self._loader.run
        self._warm_up(folder / WARM_UP)
        if batched is not None:  # not before: a record by itself would only wait for others
            self._run = batched(self._loader.run).run

    def inputs_of(self, signature_name: str) -> dict:
        """What REST needs of a signature to read a request: its inputs' TensorInfos."""
        if signature_name not in self._loader.signatures:
            message = f'Serving signature name: "{signature_name}" not found in signature def'
            raise LoaderError(message)
        return self._loader.signatures[signature_name].inputs

    def predict(self, signature_name: str, request) -> dict:
        signature = self._loader.signatures.get(signature_name)
        if signature is None:
            message = f'Serving signature key "{signature_name}" not found.'
            raise LoaderError(message, "FAILED_PRECONDITION")
        inputs = _checked_inputs(signature.inputs, request.inputs)
        wanted = _checked_filter(signature.outputs, list(request.output_filter))
        outputs = self._run(signature_name, inputs)
        return {key: outputs[key] for key in wanted}

    def _warm_up(self, path):
        from tensorflow_serving.apis import prediction_log_pb2

        try:
            records = read_records(path) if path.is_file() else []
        except ValueError as error:
            raise LoaderError(str(error), "DATA_LOSS") from error
        if len(records) > MOST_WARM_UP_RECORDS:
            raise LoaderError(
                f"Number of warmup records exceeds the maximum ({MOST_WARM_UP_RECORDS}) at {path}"
            )
        for record in records:
            log = prediction_log_pb2.PredictionLog.FromString(record)
            if not log.HasField("predict_log"):
                raise LoaderError("Unsupported log_type for warmup", "UNIMPLEMENTED")
            request = log.predict_log.request
            self.predict(request.model_spec.signature_name or "serving_default", request)


def _checked_inputs(expected, protos) -> dict:
    if len(protos) != len(expected):
        raise LoaderError(
            f"input size does not match signature: {len(protos)}!={len(expected)} "
            f"len({_set(protos)}) != len({_set(expected)}). "
            f"Sent extra: {_set(protos.keys() - expected.keys())}. "
            f"Missing but required: {_set(expected.keys() - protos.keys())}."
        )
    arrays = {}
    for key, info in expected.items():
        if key not in protos:
            raise LoaderError(
                f"Signature input alias: {key}(feed name: {info.name}) not found in request and no "
                f"default value provided. Inputs expected to be in the request {_set(protos)}, or "
                "default input alias set: "
            )
        arrays[key] = from_proto(protos[key], key)
    for index, key in enumerate(sorted(expected, key=lambda key: expected[key].name)):
        if arrays[key].dtype != expected[key].dtype:
            raise LoaderError(
                f"Expects arg[{index}] to be {dtype_name(expected[key].dtype)} but "
                f"{dtype_name(arrays[key].dtype)} is provided"
            )
    return arrays


def _checked_filter(outputs, wanted) -> list:
    for position, key in enumerate(wanted):
        if key not in outputs:
            raise LoaderError(
                f"output tensor alias not found in signature: {key} Outputs expected to be in the "
                f"set {_set(outputs)}."
            )
        if key in wanted[:position]:
            raise LoaderError(f"duplicate output tensor alias: {key}")
    return wanted or list(outputs)


def _set(keys) -> str:
    return "{" + ",".join(sorted(keys)) + "}"


def to_proto(array: np.ndarray):
    """A TensorProto as the server answers: values in their field, not as `tensor_content`."""
    genuine_protos()
    from tensorflow.core.framework import tensor_pb2

    number = NUMBER_OF[array.dtype]
    proto = tensor_pb2.TensorProto(dtype=number)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, _NAMES[number][1]).extend(array.ravel().tolist())
    return proto


def from_proto(proto, key: str) -> np.ndarray:
    """The array of a TensorProto in either form; the last value stands for those that are left out.

    Raises:
        LoaderError: as the server, if it makes no tensor.
    """
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    try:
        dtype, field = DTYPES[proto.dtype], _NAMES[proto.dtype][1]
        if proto.tensor_content:
            return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
        values, size = list(getattr(proto, field)), int(np.prod(shape, dtype=np.int64))
        last = values[-1] if values else b"" if dtype.hasobject else 0
        array = np.empty(size, dtype)
        array[:] = values + [last] * (size - len(values))
        return array.reshape(shape)
    except (KeyError, ValueError) as error:
        raise LoaderError(f"tensor parsing error: {key}") from error
