"""Lets what fills a table take the path of its file from the loader, without a detour."""

from typing import Any

from tfmeta.exporting.loading.graph_walk import node_of


def take_assets_directly(graph: Any) -> None:
    """Removes the variables in which `tf.saved_model.save` keeps the paths of a model's files.

    Without them it can be seen from the graph alone that no other path comes to the functions that
    read the files; see `loading/asset_scan.py`.

    Args:
        graph: a MetaGraphDef; it is changed.
    """
    nodes = graph.graph_def.node
    for asset in graph.asset_file_def:
        path = node_of(asset.tensor_info.name)
        (assigning,) = (node for node in nodes if path in node.input)
        variable = assigning.input[0]
        using = {node.name: node.op for node in nodes if variable in node.input}
        for node in nodes:
            kept = [
                each for each in node.input if each.removeprefix("^") not in using or each[0] != "^"
            ]
            node.input[:] = [path if using.get(each) == "ReadVariableOp" else each for each in kept]
        left = [node for node in nodes if node.name not in {variable, *using}]
        del nodes[:]
        nodes.extend(left)
