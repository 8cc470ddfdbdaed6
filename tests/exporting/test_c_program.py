"""A C program of under 100 lines serves an export: TensorFlow's C API is all that it takes."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import model_answers
import numpy as np
import pytest
import trained
from closeness import assert_close

from tfmeta.exporting.loading.c_loader import genuine_protos

SOURCE = Path(__file__).parents[1] / "helpers" / "adapt_and_predict.c"
SIGNATURE = "adapt_and_predict_bytes"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The compiled program."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler (gcc or cc) in PATH")
    if sys.platform != "linux":
        pytest.skip("the libraries of TensorFlow's wheel are linked by their names on Linux")
    wheel = importlib.util.find_spec("tensorflow").submodule_search_locations[0]
    target = tmp_path_factory.mktemp("program") / "adapt_and_predict"
    libraries = ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"]
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{wheel}/include", f"-L{wheel}"]
    linking = ["-Wl,--no-as-needed", f"-Wl,-rpath,{wheel}", *libraries]
    done = trained.run([compiler, *flags, SOURCE, "-o", target, *linking])
    assert done.returncode == 0, done.stderr
    return target


def answer(program, *arguments):
    """What it does in an empty environment: there is no Python for it to find."""
    command = [str(part) for part in (program, *arguments)]
    return subprocess.run(command, env={}, capture_output=True, text=True, check=False)


def outputs(version):
    """The tensors of the label and the probabilities."""
    genuine_protos()
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    signature = model.meta_graphs[0].signature_def[SIGNATURE]
    return [signature.outputs[key].name for key in ("label", "probabilities")]


def support_files():
    """One drawing of each class, by label."""
    return [trained.support_folder() / name / "0.png" for name in trained.CLASSES]


def test_it_answers_as_the_served_model_does(program):
    version = trained.version_of(trained.learner_export())
    support, queries = support_files(), trained.query_files()
    done = answer(program, version, *outputs(version), *support, "--", *queries)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]

    def files(paths):
        return np.array([[path.read_bytes() for path in paths]], object)

    inputs = {
        "support_x_bytes": files(support),
        "support_y": np.arange(len(support), dtype=np.int32)[np.newaxis],
        "query_x_bytes": files(queries),
    }
    served = model_answers.served(version, SIGNATURE, inputs)
    assert [int(label) for label, *_ in rows] == served["label"][0].tolist()
    assert_close(np.array([row[1:] for row in rows], np.float32), served["probabilities"][0])


def test_a_file_that_is_no_image_is_an_error_with_a_message(program, tmp_path):
    version = trained.version_of(trained.learner_export())
    text = tmp_path / "notes.png"
    text.write_text("no image at all")
    done = answer(program, version, *outputs(version), *support_files(), "--", text)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"\n{SIGNATURE}: " in done.stderr
    assert "query_x_bytes: expected" in done.stderr


@pytest.mark.parametrize("missing", ["image", "model", "tensor"])
def test_what_is_not_there_is_named(program, missing, tmp_path):
    version = trained.version_of(trained.learner_export())
    nothing = tmp_path / "nothing"
    label, probabilities = outputs(version)
    if missing == "tensor":
        label = "no_such_operation:0"
    folder = nothing if missing == "model" else version
    queries = [nothing] if missing == "image" else trained.query_files()
    done = answer(program, folder, label, probabilities, *support_files(), "--", *queries)
    assert (done.returncode, done.stdout) == (1, "")
    assert (label if missing == "tensor" else str(nothing)) in done.stderr


def test_without_queries_it_says_how_it_is_used(program):
    done = answer(program, "model", "label", "probabilities", "support.png", "--")
    assert (done.returncode, done.stdout) == (1, "")
    assert "usage: VERSION_FOLDER" in done.stderr


def test_it_is_short_and_links_no_python(program):
    assert len(SOURCE.read_text().splitlines()) < 100
    linked = trained.run(["ldd", program])
    assert "libtensorflow_cc.so.2 => /" in linked.stdout  # or it found none of them
    assert "libpython" not in linked.stdout
