"""Runs a SavedModel through TensorFlow's C++ loader, as TensorFlow Serving does, by ctypes.

TensorFlow's Python is never imported: a model that runs here needs nothing of its exporter.
"""

import ctypes
import functools
import hashlib  # noqa: F401  (see _library)
import importlib
import os
import ssl  # noqa: F401  (see _library)
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from ctypes import c_char_p, c_int64, c_size_t, c_void_p
from dataclasses import replace
from typing import Any

import numpy as np

from tfmeta.exporting.loading.first_answer import session_config, unoptimised
from tfmeta.exporting.loading.genuine_protos import LoaderError, genuine_protos
from tfmeta.exporting.loading.graph_scan import served_graph
from tfmeta.exporting.loading.saver_scan import UnsafeModelError
from tfmeta.exporting.loading.signatures import DTYPES, Signature, TensorInfo

_ID_OF = {dtype: number for number, dtype in DTYPES.items()}
_TSTRING_BYTES = 24
_Output = c_size_t * 2  # a TF_Output: an operation's address, and an int padded to as many bytes
Folder = str | os.PathLike[str]


class _Pointer(c_void_p): ...  # ctypes makes plain ints of c_void_p and cuts them to 32 bits


_RESULTS = {  # of the functions used below that return neither nothing nor an int
    _Pointer: "TF_NewStatus TF_NewGraph TF_NewSessionOptions TF_NewBuffer TF_AllocateTensor "
    "TF_LoadSessionFromSavedModel TF_GraphOperationByName TF_TensorData TF_StringGetDataPointer",
    c_char_p: "TF_Message",
    c_size_t: "TF_Dim TF_StringGetSize",
}


@functools.cache
def _library() -> ctypes.CDLL:
    """TensorFlow's C API; raises LoaderError if the wheel does not have it all.

    Its symbols are global, and BoringSSL's are among them. Modules of Python that need OpenSSL
    crash if they are imported afterwards, so this file imports them first.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    folder, suffix = genuine_protos(), "2.dylib" if sys.platform == "darwin" else "so.2"
    try:
        for part in ("framework", "cc"):  # the second needs the first
            library = ctypes.CDLL(f"{folder}/libtensorflow_{part}.{suffix}", ctypes.RTLD_GLOBAL)
        library._ZN10tensorflow20EnableXlaCompilationEv()
        for result, names in _RESULTS.items():
            for name in names.split():
                getattr(library, name).restype = result
    except (OSError, AttributeError) as error:  # no such file, no such symbol
        raise LoaderError(f"no usable C API in {folder}: {error}", "UNIMPLEMENTED") from error
    return library


@contextmanager
def _without_xla() -> Iterator[None]:
    """Inside, XLA compiles nothing, as in a server with its default options.

    This lasts only while a model runs, because training in the same process may need XLA.
    """
    with _running.lock:
        _running.number += 1
        _library()._ZN10tensorflow21DisableXlaCompilationEv()
    try:
        yield
    finally:
        with _running.lock:
            _running.number -= 1
            if not _running.number:
                _library()._ZN10tensorflow20EnableXlaCompilationEv()


class _Running:
    """How many calls need XLA to be off now."""

    def __init__(self) -> None:
        self.lock, self.number = threading.Lock(), 0


_running = _Running()


def _call(name: str, *arguments: Any, subject: str = "") -> Any:
    """Calls a function whose last parameter is a TF_Status; raises the error that it reports."""
    library = _library()
    status = library.TF_NewStatus()
    result = getattr(library, name)(*arguments, status)
    code, message = library.TF_GetCode(status), library.TF_Message(status)
    library.TF_DeleteStatus(status)
    if code:
        codes = importlib.import_module("tensorflow.core.protobuf.error_codes_pb2").Code
        raise LoaderError(subject + message.decode(errors="replace"), codes.Name(code))
    return result


class CLoader(AbstractContextManager["CLoader"]):
    """A SavedModel in a C++ session; several threads may `run` it at once.

    `signatures` are the signatures that it serves, by name, and `meta_graph` is its MetaGraphDef.
    Raises LoaderError unless `directory` is a sound SavedModel with dense signatures, which
    `graph_scan` finds harmless before anything is loaded. TensorFlow takes `num_threads` from the
    first session of a process; later sessions share its threads. Without `check_shapes` an input of
    a wrong shape reaches the graph, as in TensorFlow Serving. Without `optimize` the first
    answer comes sooner, and later ones take longer; see `first_answer`.
    """

    def __init__(
        self,
        directory: Folder,
        *,
        tags: Sequence[str] = ("serve",),
        num_threads: int | None = None,
        check_shapes: bool = True,
        optimize: bool = True,
    ):
        graph, self.signatures, self._ends = _library().TF_NewGraph(), {}, {}
        with ExitStack() as stack:
            stack.callback(_library().TF_DeleteGraph, graph)  # deferred while a session is on it
            self._session, self.meta_graph = _load(
                graph, directory, tags, num_threads or 0, optimize
            )
            for name, proto in self.meta_graph.signature_def.items():
                if name != "__saved_model_init_op":
                    sides = [_resolve(graph, side) for side in (proto.inputs, proto.outputs)]
                    self.signatures[name] = Signature(*(infos for infos, _ in sides))
                    self._ends[name] = [ends for _, ends in sides]
        self._check_shapes = check_shapes

    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns the outputs, by key; strings are arrays of bytes, in and out.

        In an array of dtype 'S' a string loses the zero bytes at its end, as always in NumPy; in
        an array of objects it does not. Raises LoaderError if TensorFlow refuses the request, or
        the inputs are not exactly the signature's.
        """
        if (session := self._session) is None:  # held here, it outlives a `close` meanwhile
            raise LoaderError("the model is closed", "FAILED_PRECONDITION")
        if (signature := self.signatures.get(signature_name)) is None:
            message = f"signature {signature_name!r} not found among {sorted(self.signatures)}"
            raise LoaderError(message, "FAILED_PRECONDITION")
        if inputs.keys() != signature.inputs.keys():
            raise LoaderError(f"inputs: received {[*inputs]}, expected {[*signature.inputs]}")
        infos = signature.inputs
        if not self._check_shapes:
            infos = {key: replace(info, shape=None) for key, info in infos.items()}
        arrays = [_checked(key, info, inputs[key]) for key, info in infos.items()]
        feeds, fetches = self._ends[signature_name]
        results = (_Pointer * len(fetches))()
        with ExitStack() as stack:
            values = (_Pointer * len(feeds))(*(_tensor(array, stack) for array in arrays))
            ends = (feeds, values, len(feeds), fetches, results, len(fetches))
            with _without_xla():
                _call("TF_SessionRun", session, None, *ends, None, 0, None)
            stack.callback(lambda: [_library().TF_DeleteTensor(result) for result in results])
            return {key: _array(end) for key, end in zip(signature.outputs, results, strict=True)}

    def close(self) -> None:
        """Frees the session when no `run` is in progress; a later `run` raises LoaderError."""
        self._session = None

    def __exit__(self, *_: object) -> None:
        self.close()


def _load(
    graph: _Pointer, directory: Folder, tags: Sequence[str], threads: int, optimize: bool
) -> tuple[Any, Any]:
    """Fills `graph`; returns a session, freed with the last reference to it, and a MetaGraphDef."""
    from tensorflow.core.protobuf import meta_graph_pb2

    library = _library()
    config = session_config(threads, optimize=optimize).SerializeToString()
    options, buffer = library.TF_NewSessionOptions(), library.TF_NewBuffer()
    with ExitStack() as stack:
        stack.callback(library.TF_DeleteSessionOptions, options)
        stack.callback(library.TF_DeleteBuffer, buffer)
        _call("TF_SetConfig", options, config, c_size_t(len(config)))
        scanned = _scanned(directory, tags)
        folder = directory if optimize else stack.enter_context(unoptimised(directory, scanned))
        names = (c_char_p * len(tags))(*(tag.encode() for tag in tags))
        model = (options, None, os.fsencode(folder), names, len(tags), graph, buffer)
        with _without_xla():
            session = _call("TF_LoadSessionFromSavedModel", *model, subject=f"{directory}: ")
        finalizer = weakref.finalize(session, _call, "TF_DeleteSession", c_void_p(session.value))
        finalizer.atexit = False  # another thread may still be inside it then
        data, length = (c_size_t * 2).from_address(buffer.value)  # as a TF_Buffer begins
        return session, meta_graph_pb2.MetaGraphDef.FromString(ctypes.string_at(data, length))


def _scanned(directory: Folder, tags: Sequence[str]) -> Any:
    """The graph to be loaded; raises LoaderError if it could act on the machine."""
    try:
        return served_graph(directory, tags)
    except OSError as error:
        raise LoaderError(f"{directory}: {error.strerror}", "NOT_FOUND") from error
    except UnsafeModelError as error:
        raise LoaderError(f"{directory}: {error}", "PERMISSION_DENIED") from error


def _resolve(graph: _Pointer, protos: Mapping[str, Any]) -> tuple[dict[str, TensorInfo], Any]:
    """One side of a signature by key, and the TF_Outputs of the same tensors, in that order."""
    infos, ends = {}, []
    for key, proto in sorted(protos.items()):
        if proto.WhichOneof("encoding") != "name" or proto.dtype not in DTYPES:
            raise LoaderError(f"{key!r} is sparse or of an odd dtype: {proto}", "UNIMPLEMENTED")
        sizes = tuple(None if dim.size < 0 else dim.size for dim in proto.tensor_shape.dim)
        shape = None if proto.tensor_shape.unknown_rank else sizes
        infos[key] = TensorInfo(proto.name, DTYPES[proto.dtype], shape)
        name, _, index = proto.name.partition(":")
        if not index.isdecimal() and index:
            raise LoaderError(f"{key!r} is no tensor: {proto.name!r}")
        if not (operation := _library().TF_GraphOperationByName(graph, name.encode())):
            raise LoaderError(f"the graph lacks {proto.name!r}, which is {key!r}", "NOT_FOUND")
        ends.append(_Output(operation.value, int(index or 0)))
    return infos, (_Output * len(ends))(*ends)


def _checked(key: str, info: TensorInfo, value: np.ndarray) -> np.ndarray:
    """`value` in C order, strings as objects; raises LoaderError if it does not fit `info`."""
    received: object = type(value)
    if isinstance(value, np.ndarray):
        value = value.astype(object if value.dtype.kind == "S" else value.dtype, "C", copy=False)
        received = TensorInfo(key, value.dtype, value.shape)
        shape = value.shape if info.shape is None else info.shape
        sizes = zip(shape, value.shape, strict=False)
        is_allowed = len(shape) == value.ndim and all(want in (None, size) for want, size in sizes)
        if is_allowed and value.dtype == info.dtype:
            if not value.dtype.hasobject or all(isinstance(item, bytes) for item in value.flat):
                return value
            received = "objects that are not all bytes"
    raise LoaderError(f"input {key!r}: received {received}, expected {info}")


def _tensor(array: np.ndarray, stack: ExitStack) -> _Pointer:
    """A TF_Tensor with a copy of `array`, which `stack` frees."""
    library, is_string = _library(), array.dtype.hasobject
    num_bytes = c_size_t(array.size * _TSTRING_BYTES if is_string else array.nbytes)
    shape = (c_int64 * array.ndim)(*array.shape)
    tensor = library.TF_AllocateTensor(_ID_OF[array.dtype], shape, array.ndim, num_bytes)
    stack.callback(library.TF_DeleteTensor, tensor)
    data = library.TF_TensorData(tensor).value
    if not is_string:
        ctypes.memmove(data, array.ctypes.data, array.nbytes)
    for position, value in enumerate(array.flat if is_string else ()):
        string = c_void_p(data + position * _TSTRING_BYTES)
        library.TF_StringInit(string)
        library.TF_StringCopy(string, value, c_size_t(len(value)))
        stack.callback(library.TF_StringDealloc, string)  # to TensorFlow it is plain bytes
    return tensor


def _array(tensor: _Pointer) -> np.ndarray:
    """A copy of `tensor`."""
    library = _library()
    shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
    array = np.empty(shape, DTYPES[library.TF_TensorType(tensor)])
    data = library.TF_TensorData(tensor).value
    if not array.dtype.hasobject:
        ctypes.memmove(array.ctypes.data, data, array.nbytes)
    for position in range(array.size if array.dtype.hasobject else 0):
        string = c_void_p(data + position * _TSTRING_BYTES)
        text = library.TF_StringGetDataPointer(string)
        array.flat[position] = ctypes.string_at(text, library.TF_StringGetSize(string))
    return array
