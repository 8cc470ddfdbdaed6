"""What an export holds: its files, its versions, and what is left when a process is killed."""

import json
import sys

import model_answers
import numpy as np
import pytest
import tensorflow as tf
import trained
from export_requests import sine_request
from model_answers import served
from tensorflow.core.protobuf import fingerprint_pb2, saved_model_pb2
from tensorflow.python.saved_model.pywrap_saved_model import fingerprinting
from trained import CLASSES, random_images

import tfmeta
from tfmeta.errors import UserError
from tfmeta.exporting.writing.exporter import export_model

FILES = {
    "README.md",
    "assets.extra/tf_serving_warmup_requests",
    "batching_params.pbtxt",
    "client.py",
    "fingerprint.pb",
    "models.config",
    "monitoring.config",
    "saved_model.pb",
    "tfmeta.json",
    "variables/variables.data-00000-of-00001",
    "variables/variables.index",
}


# Files and versions


@pytest.mark.parametrize("kind", ["learner", "adapted", "sinusoid"])
def test_version_1_holds_these_files_and_nothing_else_is_beside_it(kind):
    export = getattr(trained, f"{kind}_export")()
    assert [path.name for path in export.iterdir()] == ["1"]
    assert trained.contents(export / "1").keys() == FILES
    facts = json.loads((export / "1/tfmeta.json").read_text())
    assert facts["kind"] == ("adapted" if kind == "adapted" else "learner")
    assert facts["mode"] == "inductive"
    assert facts["files"].keys() == FILES - {"tfmeta.json"}
    assert facts["class_names"] == (list(CLASSES) if kind == "adapted" else None)


@pytest.mark.parametrize("kind", ["learner", "adapted"])
def test_a_default_signature_names_the_nodes_that_it_stands_for(kind):
    """A server optimises the graph once for both; TensorFlow's Python still has both."""
    version = getattr(trained, f"{kind}_export")() / "1"
    model = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    signatures = model.meta_graphs[0].signature_def
    own = "adapt_and_predict" if kind == "learner" else "predict"
    for suffix in ("", "_bytes"):
        assert signatures[f"serving_default{suffix}"] == signatures[f"{own}{suffix}"]
        assert f"serving_default{suffix}" in tf.saved_model.load(version).signatures
    assert signatures["serving_default"] != signatures["serving_default_bytes"]
    checksum = tf.saved_model.experimental.read_fingerprint(str(version)).saved_model_checksum
    copy = fingerprinting.CreateFingerprintDef(str(version))
    assert checksum == fingerprint_pb2.FingerprintDef.FromString(copy).saved_model_checksum


@pytest.mark.parametrize("kind", ["learner", "adapted", "sinusoid"])
def test_readme_names_every_signature_and_the_docker_command(kind):
    export = getattr(trained, f"{kind}_export")()
    text = (export / "1/README.md").read_text()
    for signature in model_answers.signatures(export):
        assert f"`{signature}`" in text or signature.startswith("serving_default")
    assert "docker run" in text
    assert f"/models/{export.name}" in text
    for line in text.splitlines():
        if line.strip().startswith('{"'):
            json.loads(line.replace("[...]", "[]"))


def test_versions_count_up_from_the_highest_and_one_process_can_export_twice(tmp_path):
    learner = trained.learner_of(trained.sinusoid_run())
    output = tmp_path / "new" / "model"
    made = [export_model(learner, output) for _ in range(2)]
    (output / "7").mkdir()
    (output / "notes").mkdir()
    made.append(export_model(learner, output))
    assert made == [output / "1", output / "2", output / "8"]
    request = sine_request()
    answers = [served(version, "serving_default", request)["prediction"] for version in made]
    assert answers[0].tobytes() == answers[1].tobytes() == answers[2].tobytes()
    assert not list(output.glob(".*"))


def test_weights_file_holds_the_networks_weights_and_no_optimizer():
    learner = trained.learner_of(trained.glyph_run())
    prefix = trained.learner_export() / "1/variables/variables"
    shapes = {name: shape for name, shape in tf.train.list_variables(str(prefix)) if shape}
    num_weights = learner.network.count_params()
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == num_weights
    size = prefix.with_name("variables.data-00000-of-00001").stat().st_size
    assert 4 * num_weights <= size <= 4 * num_weights + 4096  # and the names of the objects


# A process for each moment; only the import of TensorFlow is theirs together.
KILLED_EXPORTS = """
import os, signal, sys
from tfmeta.runtime import start_tensorflow
start_tensorflow(with_devices=False)
from tfmeta.cli import main
from tfmeta.exporting.writing import warmup

def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

for module, function in ((warmup, "write"), (os, "rename")):
    child = os.fork()
    if not child:
        setattr(module, function, killed)
        main(["export", sys.argv[1], "--output", f"{sys.argv[2]}/{function}"])
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
"""


@pytest.fixture(scope="module")
def killed_exports(tmp_path_factory):
    """A folder of what is left of exports, one killed as it writes the warm-up, one at the end."""
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-c", KILLED_EXPORTS, trained.sinusoid_run(), folder]
    done = trained.run(command)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("moment", ["write", "rename"])
def test_killed_export_leaves_no_version_and_the_next_one_works(moment, killed_exports, capfd):
    output = killed_exports / moment
    left = list(output.iterdir())
    assert left, "it was killed before it wrote anything"
    assert not [path for path in left if path.name.isdigit()]
    assert trained.inside(capfd, "verify", output)[0] == 2
    trained.call("export", trained.sinusoid_run(), "--output", output)
    assert trained.contents(output / "1").keys() == FILES
    assert model_answers.checked(output / "1")["ok"]


def test_export_into_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("no folder")
    learner = trained.learner_of(trained.sinusoid_run())
    with pytest.raises(UserError, match=r"cannot write .*--output") as caught:
        export_model(learner, tmp_path / "file" / "model")
    assert caught.value.exit_status == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("made_before", [False, True])
def test_an_export_that_fails_leaves_nothing(made_before, tmp_path):
    def without_data():
        raise UserError("the data is not there")

    if made_before:
        (tmp_path / "exported").mkdir()
    learner = trained.learner_of(trained.sinusoid_run())
    with pytest.raises(UserError, match="the data is not there"):
        export_model(learner, tmp_path / "exported/model", confidence=without_data)
    with pytest.raises(UserError, match="received the limit queries=1; expected at least 3"):
        export_model(learner, tmp_path / "exported/model", limits={"queries": 1})
    assert [path.name for path in tmp_path.rglob("*")] == ["exported"] * made_before


def test_transductive_learner_is_refused_as_adapted(tmp_path):
    network = tfmeta.networks.conv4(num_outputs=2, filters=2, num_blocks=1)
    learner = tfmeta.MAML(network, transductive=True)
    support = random_images(2), np.array([0, 1], np.int32)
    with pytest.raises(UserError, match=r"transductive.*--inductive.*kind learner"):
        export_model(
            learner, tmp_path / "model", "adapted", support=support, class_names=["a", "b"]
        )
    assert not list(tmp_path.iterdir())
