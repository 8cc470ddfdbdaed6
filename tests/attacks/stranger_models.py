"""Exports as a stranger could write them: ours, with something else in the graph."""

import tensorflow as tf
import trained
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf import saved_model_pb2


def edited(export, folder, change):
    """A copy of an export after `change(saved_model)`, its digests right again."""
    version = trained.copy_of(export, folder)
    edit(version, change)
    return version


def edit(version, change) -> None:
    path = version / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    change(model)
    path.write_bytes(model.SerializeToString())
    trained.rewrite_manifest(version)


def text_node(name, text) -> NodeDef:
    node = NodeDef(op="Const", name=name)
    node.attr["dtype"].type = tf.string.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(text))
    return node


def nodes_that_write(path) -> list[NodeDef]:
    """What writes a file when its last node, `evil`, is run."""
    write = NodeDef(op="WriteFile", name="evil", input=["evil/path", "evil/text"])
    return [text_node("evil/path", str(path)), text_node("evil/text", "was here"), write]


def at_the_start(*nodes):
    """A change: the last of these nodes is run when the model is loaded."""

    def change(model):
        (graph,) = model.meta_graphs
        graph.graph_def.node.extend(nodes)
        start = graph.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name
        (node,) = (node for node in graph.graph_def.node if node.name == start)
        node.input.append(f"^{nodes[-1].name}")

    return change


def in_a_function(operation):
    """A change: a function that only another function names has a node of this kind."""

    def change(model):
        library = model.meta_graphs[0].graph_def.library
        hidden = library.function.add()
        hidden.signature.name = "hidden"
        hidden.node_def.add(op=operation, name="evil")
        caller = library.function[0].node_def.add(op="PartitionedCall", name="caller")
        caller.attr["f"].func.name = "hidden"

    return change


def saver_nodes(graph):
    """The nodes that write and restore the weights, and the function that each calls."""
    nodes = {node.name: node for node in graph.graph_def.node}
    functions = {each.signature.name: each for each in graph.graph_def.library.function}
    saver = graph.saver_def
    both = (
        nodes[name.partition(":")[0]] for name in (saver.save_tensor_name, saver.restore_op_name)
    )
    return [(node, functions[node.attr["f"].func.name]) for node in both]
