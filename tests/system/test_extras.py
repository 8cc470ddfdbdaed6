"""What an extra installs is asked for by name. That the main job needs none: test_workflows.py."""

import subprocess
import sys

import pytest
import tensorflow as tf
from without_extras import WITHOUT

from tfmeta.errors import UserError
from tfmeta.extras import import_extra
from tfmeta.training.board.summaries import write_scalar


def python(code, folder):
    command = [sys.executable, "-c", WITHOUT + code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


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
