"""A model from a stranger fills its tables from its own files, and only when it is loaded."""

import shutil

import pytest
import tensorflow as tf
from made_once import made_once
from stranger_models import text_node
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf import saved_model_pb2

from tfmeta.exporting.loading.graph_scan import served_graph
from tfmeta.exporting.loading.saver_scan import UnsafeModelError
from tfmeta.exporting.writing.direct_assets import take_assets_directly
from tfmeta.reading.text_graph import token_ids, vocabulary_of

WORDS = ("", "[UNK]", "how", "pay")
SECRET = "/etc/passwd"


@made_once("models/vocabulary")
def model(path):
    """A SavedModel of a vocabulary alone."""
    module = tf.Module()
    module.vocabulary = vocabulary_of(WORDS)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "x_text")], autograph=False)
    def ids(x_text):
        return {"ids": token_ids(x_text, WORDS, 4, "x_text")}

    tf.saved_model.save(module, str(path), signatures={"serving_default": ids})
    edit(path, take_assets_directly)


def edit(folder, change):
    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    change(saved.meta_graphs[0])
    path.write_bytes(saved.SerializeToString())


def refusal(folder, change):
    """Why the scan refuses a copy of the model after `change(graph)`."""
    edit(folder, change)
    with pytest.raises(UnsafeModelError) as caught:
        served_graph(folder)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(model(), tmp_path / "model")


def reader_of(graph):
    """The function that fills the table, and the node that calls it."""
    (function,) = (
        each
        for each in graph.graph_def.library.function
        if any(node.op == "InitializeTableFromTextFileV2" for node in each.node_def)
    )
    (caller,) = (
        node for node in graph.graph_def.node if node.attr["f"].func.name == function.signature.name
    )
    return function, caller


def answering_function(graph):
    """The function that answers requests. The library holds its functions in no certain order."""
    ids = graph.signature_def["serving_default"].outputs["ids"].name.partition(":")[0]
    (node,) = (node for node in graph.graph_def.node if node.name == ids)
    (function,) = (
        each
        for each in graph.graph_def.library.function
        if each.signature.name == node.attr["f"].func.name
    )
    return function


def reading_node(function):
    return next(n for n in function.node_def if n.op == "InitializeTableFromTextFileV2")


def test_its_own_file_is_no_danger(folder):
    graph = served_graph(folder)
    assert [asset.filename for asset in graph.asset_file_def] == ["vocabulary.txt"]
    assert (folder / "assets/vocabulary.txt").read_bytes() == b"how\npay\n"
    _, caller = reader_of(graph)
    assert caller.input[0] == graph.asset_file_def[0].tensor_info.name.removesuffix(":0")
    assert b"/tmp" not in (folder / "saved_model.pb").read_bytes()


# Each makes the graph read another file, or read when it is asked to answer.


def calls_with_a_name(graph):
    graph.graph_def.node.append(text_node("evil", SECRET))
    reader_of(graph)[1].input[0] = "evil"


def is_the_name(graph):
    _, caller = reader_of(graph)
    (node,) = (node for node in graph.graph_def.node if node.name == caller.input[0])
    node.CopyFrom(text_node(node.name, SECRET))


def has_a_name_in_the_function(graph):
    function, _ = reader_of(graph)
    function.node_def.append(text_node("evil", SECRET))
    reading_node(function).input[1] = "evil:output:0"


def hides_the_argument(graph):
    function, _ = reader_of(graph)
    function.node_def.append(text_node(function.signature.input_arg[0].name, SECRET))


def takes_the_table_for_the_name(graph):
    function, _ = reader_of(graph)
    reading_node(function).input[:] = reading_node(function).input[:1]


def reads_in_the_graph_itself(graph):
    graph.graph_def.node.append(text_node("evil/path", SECRET))
    graph.graph_def.node.add(
        op="InitializeTableFromTextFileV2", name="evil", input=["hash_table", "evil/path"]
    )


def reads_by_another_function(graph):
    function, _ = reader_of(graph)
    node = answering_function(graph).node_def.add(op="PartitionedCall", name="evil")
    node.attr["f"].func.name = function.signature.name


def hands_the_function_on(graph):
    function, _ = reader_of(graph)
    node = graph.graph_def.node.add(op="PartitionedCall", name="evil")
    node.attr["f"].func.name = answering_function(graph).signature.name
    node.attr["f"].func.attr["g"].func.name = function.signature.name


def calls_by_its_name(graph):
    function, caller = reader_of(graph)
    graph.graph_def.node.add(op=function.signature.name, name="evil", input=list(caller.input))


def claims_another_implementation(graph):
    reader_of(graph)[0].attr["api_implements"].s = b"other"


def reads_when_asked(graph):
    _, caller = reader_of(graph)
    graph.signature_def["serving_default"].outputs["ids"].name = f"{caller.name}:0"


def reads_before_it_answers(graph):
    _, caller = reader_of(graph)
    name = graph.signature_def["serving_default"].outputs["ids"].name.partition(":")[0]
    (node,) = (node for node in graph.graph_def.node if node.name == name)
    node.input.append(f"^{caller.name}")


def takes_the_name_from_requests(graph):
    _, caller = reader_of(graph)
    graph.signature_def["serving_default"].inputs["x_text"].name = f"{caller.input[0]}:0"


def keeps_the_name_in_a_variable(graph):
    _, caller = reader_of(graph)
    graph.graph_def.node.add(op="VarHandleOp", name="evil")
    graph.graph_def.node.add(
        op="AssignVariableOp", name="evil/assign", input=["evil", caller.input[0]]
    )


def names_one_file_twice(graph):
    graph.asset_file_def.add().CopyFrom(graph.asset_file_def[0])


def names_the_weights(graph):
    graph.asset_file_def[0].tensor_info.name = graph.saver_def.filename_tensor_name


def fills_it_at_the_start_with_another(graph):
    _, caller = reader_of(graph)
    graph.graph_def.node.append(text_node("evil/path", SECRET))
    again = NodeDef()
    again.CopyFrom(caller)
    again.name, again.input[0] = "evil", "evil/path"
    graph.graph_def.node.append(again)


@pytest.mark.attack(
    "a model that fills a table from another file, by a name of its own, by a request's, or when "
    "it is asked",
    "refused: the loader alone fills tables, from files in `assets/`",
)
@pytest.mark.parametrize(
    "change",
    [
        calls_with_a_name,
        is_the_name,
        has_a_name_in_the_function,
        hides_the_argument,
        takes_the_table_for_the_name,
        reads_in_the_graph_itself,
        reads_by_another_function,
        hands_the_function_on,
        calls_by_its_name,
        claims_another_implementation,
        reads_when_asked,
        reads_before_it_answers,
        takes_the_name_from_requests,
        keeps_the_name_in_a_variable,
        names_one_file_twice,
        names_the_weights,
        fills_it_at_the_start_with_another,
    ],
)
def test_an_abused_table(change, folder):
    message = refusal(folder, change)
    assert "reads files other than its own" in message or "loader" in message


@pytest.mark.attack(
    "a model whose asset has a name that leads out of it, or is missing, or a link",
    "refused with the name",
)
@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", SECRET, "..", ".", "", "a/b", "a\\b", "../assets/vocabulary.txt"],
)
def test_an_asset_of_another_place(name, folder):
    def change(graph):
        graph.asset_file_def[0].filename = name

    assert repr(name) in refusal(folder, change)


def test_an_asset_that_is_missing_or_a_link(folder, tmp_path):
    file = folder / "assets/vocabulary.txt"
    (tmp_path / "secret").write_text("secret\n")
    file.unlink()
    assert "assets/vocabulary.txt is missing" in refusal(folder, lambda graph: None)
    file.symlink_to(tmp_path / "secret")
    assert "assets/vocabulary.txt is a link" in refusal(folder, lambda graph: None)
