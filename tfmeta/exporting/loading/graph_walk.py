"""Which nodes of a graph lead to which, and what may run them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Named = Mapping[str, Any]  # nodes or functions of a graph
CALLS = ("StatefulPartitionedCall", "PartitionedCall")
# What the loader runs once, when it has read the weights: a signature, or one of two collections.
_START = "__saved_model_init_op"
_STARTS = ("saved_model_main_op", "legacy_init_op")


def called(item: Any) -> set[str]:
    """The functions that a node may call: its own name, and all names in its attributes."""
    names = {item.op} if hasattr(item, "op") else {item.name}
    for attribute in item.attr.values():
        for each in (attribute.func, *attribute.list.func):
            names |= called(each)
    return names


def reached(nodes: Named, starts: Iterable[str]) -> set[str]:
    """The nodes of `starts`, which may be tensors, and all nodes that lead to them."""
    found: set[str] = set()
    waiting = [node_of(each) for each in starts]
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in found:
            found.add(name)
            waiting += [node_of(each) for each in nodes[name].input]
    return found


def roots(graph: Any) -> Iterator[str]:
    """What others than the saver may run or feed: signatures, and what runs at the start."""
    yield from roots_of_requests(graph)
    for name, signature in graph.signature_def.items():
        if name == _START:
            yield from _ends(signature)
    for name, collection in graph.collection_def.items():
        if name in _STARTS:
            yield from collection.node_list.value


def roots_of_requests(graph: Any) -> Iterator[str]:
    """What others than the saver may run or feed once the model has started."""
    for name, signature in graph.signature_def.items():
        if name != _START:
            yield from _ends(signature)
    for name, collection in graph.collection_def.items():
        if name not in _STARTS:
            yield from collection.node_list.value


def _ends(signature: Any) -> Iterator[str]:
    for side in (signature.inputs, signature.outputs):
        for info in side.values():
            yield from _tensors(info)


def _tensors(info: Any) -> Iterator[str]:
    yield info.name
    sparse = info.coo_sparse
    yield from (
        sparse.values_tensor_name,
        sparse.indices_tensor_name,
        sparse.dense_shape_tensor_name,
    )
    for component in info.composite_tensor.components:
        yield from _tensors(component)


def node_of(tensor: str) -> str:
    return tensor.removeprefix("^").partition(":")[0]
