"""A saved learner is found by Keras and by tfmeta.load; TensorFlow's set-up may come late."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from nightly import rows

import tfmeta


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "learner.keras"
    tfmeta.MAML(tfmeta.networks.mlp((3,), 2, units=(4,))).save(path)
    return path


def run(code, *arguments):
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.mark.fault(
    "keras.saving.load_model of a saved learner after import tfmeta alone",
    "Keras finds the class, whichever of the two was imported first",
)
# The tests of this process import tfmeta first.
@rows("imports", ["tfmeta, keras", "keras, tfmeta"], each_run=["keras, tfmeta"])
def test_keras_finds_the_class_of_a_saved_learner(file, imports):
    code = f"import sys, {imports}; print(type(keras.saving.load_model(sys.argv[1])).__name__)"
    assert run(code, file) == "MAML"


def test_importing_tfmeta_imports_neither_keras_nor_tensorflow():
    code = "import sys, tfmeta; print({'keras', 'tensorflow'} & set(sys.modules))"
    assert run(code) == "set()"


def test_load_takes_a_file_that_save_made(file):
    loaded, again = tfmeta.load(file), keras.models.load_model(file)
    for one, other in zip(loaded.variables, again.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_load_refuses_a_file_that_is_no_learner(tmp_path):
    tfmeta.networks.mlp((3,), 2, units=(4,)).save(tmp_path / "network.keras")
    (tmp_path / "broken.keras").write_bytes(b"PK")
    with pytest.raises(tfmeta.UserError, match="which is no learner"):
        tfmeta.load(tmp_path / "network.keras")
    with pytest.raises(tfmeta.UserError, match=r"broken\.keras cannot be loaded"):
        tfmeta.load(tmp_path / "broken.keras")
    with pytest.raises(tfmeta.UserError, match="there is no file"):
        tfmeta.load(tmp_path / "absent.keras")


@pytest.mark.fault(
    "tfmeta.configure_runtime() after TensorFlow has started",
    "a warning that names each setting that came too late, and the work goes on",
)
def test_a_late_configure_runtime_warns_and_goes_on():
    keras.ops.zeros(1)  # TensorFlow has started
    with pytest.warns(UserWarning, match="inter_op_parallelism_threads is .*, not 77"):
        tfmeta.configure_runtime(num_cores=77)
