"""What an extra installs is not needed by the main job, and is asked for by name elsewhere."""

import subprocess
import sys

import pytest
import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.extras import import_extra
from tfmeta.training.scalar_events import write_scalar

# Packages of extras, as if they were not installed. scikit-learn takes a None in sys.modules for a
# pandas that somebody has imported.
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pandas", "pyarrow"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
for name in ("tensorflow_datasets", "importlib_resources", "tensorboard"):
    sys.modules[name] = None
"""
MAIN_JOB = """
import glob, runpy, tfmeta
small = {"validation_tasks": 0, "network_options": {"filters": 4, "num_blocks": 2}}
small |= {"steps": 2, "meta_batch": 2}
run = tfmeta.train("glyphs", algorithm="prototypical", run_dir="run", **small)
assert 0 <= tfmeta.evaluate(run, tasks=5).accuracy <= 1
sys.argv = ["glyphs", "drawn"]
runpy.run_module("tfmeta.pipelines.glyphs", run_name="__main__")
tfmeta.export(run, output="exported", kind="adapted", support="drawn/support", calibration_tasks=4)
assert tfmeta.verify("exported")
answers = tfmeta.predict("exported", glob.glob("drawn/queries/*.png"))
assert len(answers[0].probabilities) == 5
"""


def python(code, folder):
    command = [sys.executable, "-c", WITHOUT + code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.slow
def test_the_main_job_needs_no_extra(tmp_path):
    done = python(MAIN_JOB, tmp_path)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "run" / "tensorboard").iterdir())


def test_a_pipeline_whose_package_is_missing_names_the_extra(tmp_path):
    code = "from tfmeta.cli import main; main(['train', 'omniglot', '--data-dir', '.'])"
    done = python(code, tmp_path)
    assert done.returncode == 2
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("Error"))
    assert line == "Error: this needs tensorflow-datasets: pip install 'tfmeta[tfds]'"


def test_a_package_that_is_broken_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_extra.py").write_text("import what_it_needs")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="what_it_needs"):
        import_extra("broken_extra", package="broken-extra", extra="tfds")
    with pytest.raises(UserError, match=r"needs no-such: pip install 'tfmeta\[tfds\]'"):
        import_extra("no_such", package="no-such", extra="tfds")


def written(write, folder):
    """What a function writes of a step, as TensorBoard would read it."""
    with tf.summary.create_file_writer(str(folder)).as_default(step=3):
        write("train/loss", 0.1)
    (path,) = folder.iterdir()
    *_, last = tf.data.TFRecordDataset(str(path))
    event = tf.compat.v1.Event.FromString(last.numpy())
    return event.step, event.summary


def test_numbers_for_tensorboard_are_written_as_tensorboard_writes_them(tmp_path):
    ours, theirs = written(write_scalar, tmp_path / "a"), written(tf.summary.scalar, tmp_path / "b")
    assert ours == theirs
    assert ours[0] == 3
