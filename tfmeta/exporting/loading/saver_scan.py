"""Whether only a graph's saver touches files, and only for the loader.

TensorFlow's loader gives the name of the file with the weights to a placeholder and runs one node,
which calls a function that restores. Another node calls a function that would write; nobody runs
it. Nothing else may lead to the two, and the name of the file may come from nowhere else.
"""

from collections.abc import Iterable
from typing import Any

from tfmeta.exporting.loading.graph_walk import CALLS, Named, called, node_of, reached, roots
from tfmeta.exporting.loading.operations import RESTORING, SAVING

FILE_OPERATIONS = RESTORING | SAVING


class UnsafeModelError(ValueError):
    """Why a SavedModel is not loaded; the text is for the user."""


def check_saver(graph: Any) -> None:
    """Raises UnsafeModelError if anything but its saver makes a MetaGraphDef touch files.

    Args:
        graph: all its operations are known, and no two functions have the same name.
    """
    nodes = {node.name: node for node in graph.graph_def.node}
    if len(nodes) < len(graph.graph_def.node):
        raise UnsafeModelError("the graph has two nodes of one name")
    functions = graph.graph_def.library.function
    touching = {f.signature.name: f for f in functions if _file_operations(f.node_def)}
    used = _file_operations(graph.graph_def.node)
    for function in functions:
        for node in function.node_def:
            for each in called(node) & touching.keys():
                used |= _file_operations(touching[each].node_def)
    if used:
        raise _outside(used)
    _check_callers(graph.saver_def, nodes, touching)
    callers = {name for name, node in nodes.items() if called(node) & touching.keys()}
    saver = graph.saver_def
    restoring, file = map(node_of, (saver.restore_op_name, saver.filename_tensor_name))
    own_way = reached(nodes, nodes[restoring].input) if restoring in nodes else set()
    if callers & own_way or (callers | {file} - {""}) & reached(nodes, roots(graph)):
        raise _outside(FILE_OPERATIONS)


def _check_callers(saver: Any, nodes: Named, touching: Named) -> None:
    """Only the saver's two nodes call what touches files, and one of them only restores."""
    restoring, saving = node_of(saver.restore_op_name), node_of(saver.save_tensor_name)
    file = node_of(saver.filename_tensor_name)
    for name, node in nodes.items():
        for each in called(node) & touching.keys():
            function, operations = touching[each], _file_operations(touching[each].node_def)
            if node.op not in CALLS or name not in (restoring, saving):
                raise _outside(operations)
            if file not in nodes or nodes[file].op != "Placeholder":
                raise UnsafeModelError(
                    "the loader has no say in which file the weights are read from"
                )
            if name == restoring and (
                operations - RESTORING or not _restores_what_it_is_told(function, node, file)
            ):
                raise _outside(operations)


def _restores_what_it_is_told(function: Any, caller: Any, file: str) -> bool:
    """Whether a function restores only from its first argument, which is the loader's."""
    first = "".join(argument.name for argument in function.signature.input_arg[:1])
    is_given = caller.input[:1] in ([file], [f"{file}:0"])
    is_hidden = first in {node.name for node in function.node_def}
    return (is_given and not is_hidden and "api_implements" not in function.attr) and all(
        node.input[:1] == [first] for node in function.node_def if node.op in RESTORING
    )


def _file_operations(nodes: Iterable[Any]) -> set[str]:
    return {node.op for node in nodes} & FILE_OPERATIONS


def _outside(operations: Iterable[str]) -> UnsafeModelError:
    return UnsafeModelError(
        f"{', '.join(sorted(operations))}: the graph touches files other than its own weights, or "
        "when it is asked to answer"
    )
