"""What a SavedModel could do to the machine, read from its files before anything is loaded.

A graph is a program. It is loaded only if all operations in it and in its functions were looked at
before (`operations.ALLOWED`). There are two exceptions: its saver, which reads the weights from the
file that the loader names, and tables that the loader fills from the model's own files; see
`saver_scan` and `asset_scan`.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tfmeta.errors import listed
from tfmeta.exporting.contract import MODEL
from tfmeta.exporting.loading.asset_scan import check_assets
from tfmeta.exporting.loading.operations import ALLOWED, READING
from tfmeta.exporting.loading.saver_scan import FILE_OPERATIONS, UnsafeModelError, check_saver

_OTHER_MODELS = ("saved_model.pbtxt", "saved_model.cpb")  # other forms that TensorFlow may load
# Weights are in other files. The largest model in the tests has 3 MiB; unrolled steps add to it.
_MOST_BYTES = {MODEL: 64 * 2**20, "fingerprint.pb": 2**16}
_SPARE = 2**28  # bytes that any file may have
_BLOCK = 512  # bytes in a block of `st_blocks`


def served_graph(folder: str | os.PathLike[str], tags: Sequence[str] = ("serve",)) -> Any:
    """The MetaGraphDef that TensorFlow's loader would load, which was found to be harmless.

    `tensorflow.core` must be importable; see `c_loader.genuine_protos`.

    Raises:
        UnsafeModelError: if it is not harmless, or can't be read.
        OSError: if there is no such file.
    """
    folder = Path(folder)
    check_files(folder)
    graph = _tagged(_parsed(folder / MODEL), tags)
    _check_operations(graph)
    check_saver(graph)
    check_assets(graph, folder)
    return graph


def check_files(folder: Path) -> None:
    """Raises UnsafeModelError if the folder has other than regular files, or links to outside."""
    inside = folder.resolve()
    for parent, folders, files in os.walk(folder):
        for path in (Path(parent, name) for name in (*folders, *files)):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink() and inside not in path.resolve().parents:
                raise UnsafeModelError(f"{name} is a link to a place outside of the export")
            mode = path.stat().st_mode if path.exists() else 0
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise UnsafeModelError(f"{name} is no regular file")
            _check_size(name, path.stat())
    for name in _OTHER_MODELS:
        if (folder / name).exists():
            raise UnsafeModelError(f"{name} is a second model in it; expected {MODEL} alone")


def _check_size(name: str, state: os.stat_result) -> None:
    most = _MOST_BYTES.get(name)
    if most and state.st_size > most:
        raise UnsafeModelError(f"{name} has {state.st_size:,} bytes; expected {most:,} at most")
    if state.st_size > _SPARE and state.st_blocks * _BLOCK < state.st_size // 2:
        raise UnsafeModelError(f"{name} has {state.st_size:,} bytes, most of which are not there")


def _parsed(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    try:
        return saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except (DecodeError, RecursionError) as error:
        raise UnsafeModelError(f"{MODEL} is no SavedModel, or damaged: {error}") from error


def _tagged(model: Any, tags: Sequence[str]) -> Any:
    found = [each for each in model.meta_graphs if set(each.meta_info_def.tags) == set(tags)]
    if len(found) != 1:
        raise UnsafeModelError(
            f"{MODEL} has {len(found)} graphs tagged {', '.join(tags)}; expected exactly one"
        )
    return found[0]


def all_nodes(graph: Any) -> Iterator[Any]:
    """The NodeDefs of a MetaGraphDef, including those in its functions."""
    yield from graph.graph_def.node
    for function in graph.graph_def.library.function:
        yield from function.node_def


def _check_operations(graph: Any) -> None:
    names = [each.signature.name for each in graph.graph_def.library.function]
    functions, known = set(names), ALLOWED | FILE_OPERATIONS | READING
    if len(functions) < len(names) or functions & known:
        raise UnsafeModelError(
            "the graph has two functions of one name, or one named as operations"
        )
    denied = sorted({node.op for node in all_nodes(graph)} - known - functions)
    if denied:
        raise UnsafeModelError(
            f"the graph has operations that could act on the machine, or that no export was found "
            f"to need: {listed(denied)}"
        )
