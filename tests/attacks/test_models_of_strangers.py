"""A model from a stranger acts on nothing: what could is found before anything is loaded."""

import os
import time

import model_answers
import numpy as np
import pytest
import stranger_models
import tensorflow as tf
import trained
from stranger_models import at_the_start, edited, in_a_function, nodes_that_write, saver_nodes
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.python.framework import op_def_registry

from tfmeta.exporting.loading.graph_scan import served_graph
from tfmeta.exporting.loading.operations import ALLOWED, READING, RESTORING, SAVING
from tfmeta.exporting.loading.saver_scan import UnsafeModelError

# Those that a list of what is denied forgot, and others that call themselves stateless.
HARMFUL = """
    Abort CreateSummaryFileWriter DatasetToTFRecord DebugIdentityV3 DecodeProtoV2 EagerPyFunc
    FixedLengthRecordDatasetV2 GenerateVocabRemapping ImmutableConst InitializeTableFromTextFileV2
    LMDBDataset LoadAndRemapMatrix MatchingFiles PrintV2 PyFunc PyFuncStateless ReadFile
    RemoteCall Save SaveSlices SqlDataset SymbolicGradient TextLineDataset WholeFileReaderV2
    WriteFile XlaLaunch
""".split()  # noqa: SIM905
INPUT = {"x": np.zeros((1, 28, 28, 1), np.float32)}


def refusal(version):
    """Why the scan refuses it."""
    with pytest.raises(UnsafeModelError) as caught:
        served_graph(version)
    return str(caught.value)


@pytest.mark.attack(
    "a model that writes a file when it is loaded, given to `predict` and to `verify`",
    "refused by the operation's name before anything is loaded",
)
def test_a_model_that_writes_a_file(tmp_path):
    written = tmp_path / "written"
    version = edited(trained.adapted_export(), tmp_path, at_the_start(*nodes_that_write(written)))
    done = trained.tfmeta("predict", version, trained.query_files()[0])
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert "WriteFile" in line
    done = trained.tfmeta("verify", version, "--json")
    assert done.returncode == 1
    assert "WriteFile" in done.stdout
    assert model_answers.refusal(version, "predict", INPUT)[0] == "PERMISSION_DENIED"
    assert not written.exists()


@pytest.mark.attack(
    "operations that reach files, Python, other machines or the process, in the graph or deep in "
    "its functions",
    "each refused by its name",
)
@pytest.mark.parametrize("operation", HARMFUL)
def test_every_harmful_operation(operation, tmp_path):
    assert operation in op_def_registry.get("NoOp").name or op_def_registry.get(operation)
    for number, change in enumerate(
        (at_the_start(NodeDef(op=operation, name="evil")), in_a_function(operation))
    ):
        version = edited(trained.sinusoid_export(), tmp_path / str(number), change)
        assert operation in refusal(version)


def test_what_is_allowed_are_operations_without_state_or_of_the_models_own():
    """Whoever adds one here has looked at what its kernel does."""
    stateful = {name for name in ALLOWED if op_def_registry.get(name).is_stateful}
    assert {name for name in stateful if not name.startswith("Resource")} == {
        "Assert", "AssignAddVariableOp", "AssignSubVariableOp", "AssignVariableOp", "Case",
        "CheckNumerics", "CheckNumericsV2", "DeepCopy", "DeviceIndex", "DisableCopyOnRead", "Empty",
        "GuaranteeConst", "HashTableV2", "If", "LookupTableFindV2", "ReadVariableOp",
        "StatefulPartitionedCall", "StatelessRandomGetAlg", "VarHandleOp", "VarIsInitializedOp",
        "VariableShape", "While",
    }  # fmt: skip
    assert not ALLOWED & (READING | RESTORING | SAVING | set(HARMFUL))
    words = ("File", "Reader", "Record", "Dataset", "Iterator", "Summary", "Print", "Py", "Debug",
             "Remote", "Send", "Recv", "Tpu", "Xla", "Collective", "Table", "Queue")  # fmt: skip
    found = {name for name in ALLOWED if any(word in name for word in words)}
    assert found == {"HashTableV2", "LookupTableFindV2"}  # which fill no table


@pytest.mark.attack(
    "a harmless graph beside the one that is served, or two graphs tagged `serve`",
    "the graph that the loader takes is the one that is looked at; there must be exactly one",
)
def test_a_decoy(tmp_path):
    def with_decoy(model):
        decoy = model.meta_graphs.add()
        decoy.CopyFrom(model.meta_graphs[0])
        at_the_start(*nodes_that_write(tmp_path / "written"))(only(model))
        model.meta_graphs.reverse()
        model.meta_graphs[0].meta_info_def.tags[:] = ["decoy"]

    def only(model):
        return type("Model", (), {"meta_graphs": [model.meta_graphs[0]]})

    assert "WriteFile" in refusal(edited(trained.sinusoid_export(), tmp_path / "a", with_decoy))

    def twice(model):
        model.meta_graphs.add().CopyFrom(model.meta_graphs[0])

    def never(model):
        model.meta_graphs[0].meta_info_def.tags[:] = ["serve", "gpu"]

    for number, change in ((2, twice), (0, never)):
        version = edited(trained.sinusoid_export(), tmp_path / str(number), change)
        assert f"has {number} graphs tagged serve" in refusal(version)


# The saver, which alone may touch files


def answers_with_what_was_saved(model):
    (graph,) = model.meta_graphs
    (saving, _), _ = saver_nodes(graph)
    graph.signature_def["predict"].outputs["prediction"].name = f"{saving.name}:0"


def takes_the_name_of_the_file(model):
    (graph,) = model.meta_graphs
    graph.signature_def["predict"].inputs["query_x"].name = graph.saver_def.filename_tensor_name


def starts_by_saving(model):
    (graph,) = model.meta_graphs
    (saving, _), _ = saver_nodes(graph)
    (start,) = (node for node in graph.graph_def.node if node.name == "NoOp")
    start.input.append(f"^{saving.name}")


def restores_by_saving(model):
    (graph,) = model.meta_graphs
    (saving, _), _ = saver_nodes(graph)
    graph.saver_def.restore_op_name = saving.name


def saves_before_it_restores(model):
    (graph,) = model.meta_graphs
    (saving, _), (restoring, _) = saver_nodes(graph)
    restoring.input.append(f"^{saving.name}")


def restores_another_file(model):
    _, (_, function) = saver_nodes(model.meta_graphs[0])
    function.node_def.append(stranger_models.text_node("elsewhere", "/etc/passwd"))
    (node,) = (node for node in function.node_def if node.op == "RestoreV2")
    node.input[0] = "elsewhere:output:0"


def names_the_file_itself(model):
    (graph,) = model.meta_graphs
    name = graph.saver_def.filename_tensor_name.partition(":")[0]
    (node,) = (node for node in graph.graph_def.node if node.name == name)
    node.CopyFrom(stranger_models.text_node(name, "/etc/passwd"))


def calls_the_saver(model):
    (graph,) = model.meta_graphs
    (_, function), _ = saver_nodes(graph)
    other = next(each for each in graph.graph_def.library.function if each is not function)
    node = other.node_def.add(op="PartitionedCall", name="evil")
    node.attr["f"].func.name = function.signature.name


def hands_the_saver_on(model):
    (graph,) = model.meta_graphs
    (_, function), _ = saver_nodes(graph)
    node = graph.graph_def.node.add(op="PartitionedCall", name="evil")
    node.attr["f"].func.name = graph.graph_def.library.function[0].signature.name
    node.attr["f"].func.attr["g"].func.name = function.signature.name


def saves_by_itself(model):
    model.meta_graphs[0].graph_def.node.add(op="SaveV2", name="evil")


@pytest.mark.attack(
    "a model that has its own saver write or read other files: from a signature, at its start, by "
    "another function, with a name of its own",
    "refused: the saver works for the loader alone, on the file that the loader names",
)
@pytest.mark.parametrize(
    "change",
    [
        answers_with_what_was_saved,
        takes_the_name_of_the_file,
        starts_by_saving,
        restores_by_saving,
        saves_before_it_restores,
        restores_another_file,
        names_the_file_itself,
        calls_the_saver,
        hands_the_saver_on,
        saves_by_itself,
    ],
)
def test_an_abused_saver(change, tmp_path):
    served_graph(trained.version_of(trained.sinusoid_export()))
    message = refusal(edited(trained.sinusoid_export(), tmp_path, change))
    assert "files" in message or "file the weights" in message


# The files


def link_to(outside, path):
    outside.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(outside)


@pytest.mark.attack(
    "weights or a folder of an export that are links to places outside of it, or a pipe",
    "refused with the file's name; nothing is opened",
)
def test_what_leads_out_of_the_folder(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path / "link")
    link_to(tmp_path / "secret", version / "variables/variables.index")
    assert "variables/variables.index is a link" in refusal(version)
    version = trained.copy_of(trained.sinusoid_export(), tmp_path / "folder")
    (version / "variables").rename(tmp_path / "elsewhere")
    (version / "variables").symlink_to(tmp_path / "elsewhere")
    assert "variables is a link" in refusal(version)
    version = trained.copy_of(trained.sinusoid_export(), tmp_path / "pipe")
    (version / "saved_model.pb").unlink()
    os.mkfifo(version / "saved_model.pb")
    assert "saved_model.pb is no regular file" in refusal(version)
    done = trained.tfmeta("verify", version, "--json")
    assert done.returncode == 1
    assert "no regular file" in done.stdout


def test_a_link_within_the_folder_is_followed(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    (version / "saved_model.pb").rename(version / "model")
    (version / "saved_model.pb").symlink_to("model")
    assert served_graph(version).signature_def


@pytest.mark.attack(
    "a `saved_model.pb` of gigabytes, or of messages a thousand deep, or a second one as text",
    "refused by its size, as damaged, or by its name, at once",
)
def test_a_model_that_would_fill_the_memory(tmp_path):
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    model = version / "saved_model.pb"
    before = model.read_bytes()
    started = time.monotonic()
    with open(model, "r+b") as file:
        file.truncate(2**33)
    assert "saved_model.pb has 8,589,934,592 bytes" in refusal(version)
    nested = b""
    for _ in range(1000):  # a TensorInfo in a TensorInfo, and so on; any nesting will do
        size = len(nested)
        lead = bytes([0x12, size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
        nested = lead + nested
    model.write_bytes(nested)
    assert "saved_model.pb" in refusal(version)
    assert time.monotonic() - started < 10
    model.write_bytes(before)
    (version / "saved_model.pbtxt").write_text("")
    assert "saved_model.pbtxt is a second model" in refusal(version)


def test_no_graph_is_run_by_looking_at_it():
    assert tf.executing_eagerly()  # the scan runs here, where the loader may not
