"""Whether a graph's tables are filled from files of the model alone, and only by the loader.

TensorFlow's loader gives the path of each file in `assets/` to a placeholder, and runs one node
when it starts. That leads to calls of functions that fill a table from a file. No other name of a
file may come to these functions, and no request may lead to them.
"""

from pathlib import Path, PurePosixPath
from typing import Any

from tfmeta.exporting.loading.graph_walk import (
    CALLS,
    called,
    node_of,
    reached,
    roots_of_requests,
)
from tfmeta.exporting.loading.operations import READING
from tfmeta.exporting.loading.saver_scan import UnsafeModelError

_FOLDER = "assets"
_FILE_INPUT = 1  # of the operation, after the table


def check_assets(graph: Any, folder: Path) -> None:
    """Raises UnsafeModelError if a MetaGraphDef fills a table from anything but its own files.

    Args:
        graph: all its operations are known, and no two functions or nodes have the same name.
        folder: of the model, whose links lead to no place outside.
    """
    nodes = {node.name: node for node in graph.graph_def.node}
    files = {_checked_file(asset, nodes, folder) for asset in graph.asset_file_def}
    weights = node_of(graph.saver_def.filename_tensor_name)
    if len(files) < len(graph.asset_file_def) or weights in files:
        raise UnsafeModelError("the loader names two files to one node of the graph")
    functions = graph.graph_def.library.function
    reading = {f.signature.name: f for f in functions if _reads(f.node_def)}
    if _reads(nodes.values()) or any(
        called(node) & reading.keys() for function in functions for node in function.node_def
    ):
        raise _elsewhere()
    callers = {name for name, node in nodes.items() if called(node) & reading.keys()}
    if not all(_names_an_asset(nodes[name], reading, files) for name in callers):
        raise _elsewhere()
    using = {name for name, node in nodes.items() if files & set(map(node_of, node.input))}
    if using - callers or (callers | files) & reached(nodes, roots_of_requests(graph)):
        raise _elsewhere()


def _checked_file(asset: Any, nodes: dict[str, Any], folder: Path) -> str:
    """The node to which the loader gives the path of a file, which is in the model."""
    name, node = asset.filename, node_of(asset.tensor_info.name)
    is_plain = PurePosixPath(name).name == name and "\\" not in name and "\0" not in name
    if not name or name == ".." or not is_plain:
        raise UnsafeModelError(f"the model reads the file {name!r}, which is none of its own")
    if not (folder / _FOLDER / name).is_file():
        raise UnsafeModelError(f"{_FOLDER}/{name} is missing, from which the model fills a table")
    if node not in nodes or nodes[node].op != "Placeholder":
        raise UnsafeModelError(f"the loader has no say in where the graph finds {name}")
    return node


def _names_an_asset(caller: Any, reading: dict[str, Any], files: set[str]) -> bool:
    """Whether a node calls one reading function alone, and gives it a path of the loader's."""
    function = reading.get(caller.attr["f"].func.name)
    if (
        caller.op not in CALLS
        or function is None
        or called(caller) & reading.keys() != {function.signature.name}
    ):
        return False
    inner = {node.name for node in function.node_def}
    arguments = [argument.name for argument in function.signature.input_arg]
    for node in function.node_def:
        if node.op not in READING:
            continue
        name = node.input[_FILE_INPUT] if len(node.input) > _FILE_INPUT else ""
        if name not in arguments or name in inner:
            return False
        given = caller.input[arguments.index(name) :][:1]
        if not {each.removesuffix(":0") for each in given} & files:
            return False
    return "api_implements" not in function.attr and len(set(arguments)) == len(arguments)


def _reads(nodes: Any) -> bool:
    return any(node.op in READING for node in nodes)


def _elsewhere() -> UnsafeModelError:
    return UnsafeModelError(
        f"{', '.join(sorted(READING))}: the graph reads files other than its own (assets), or when "
        "it is asked to answer"
    )
