"""The guide's "write your own learner", run from its text to a verified export."""

import os
import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from trained import SMALL, TINY, tfmeta

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "your-own-learner.md"


@pytest.fixture
def module(tmp_path):
    """The page's example as a file; its folder."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "my_learner.py").write_text(code)
    return tmp_path


def test_it_trains_evaluates_exports_and_verifies(module):
    def run(*arguments):
        done = tfmeta(*arguments, cwd=module, PYTHONPATH=module)
        assert done.returncode == 0, done.stderr
        return done

    algorithm = ["--algorithm", "my_learner:NearestMean"]
    run("train", "glyphs", *algorithm, *TINY, *SMALL, "--run-dir", "runs/mine")
    result = run("evaluate", "runs/mine", "--trust", "--tasks", "20", "--json").stdout
    assert float(re.search(r'"accuracy": ([\d.]+)', result)[1]) > 0.3  # one in five by chance
    run("export", "runs/mine", "--trust", "--output", "exported/mine")
    run("verify", "exported/mine")


def test_it_answers_any_number_of_classes_and_its_gradient_is_that_of_its_loss(module, monkeypatch):
    monkeypatch.syspath_prepend(str(module))
    from my_learner import NearestMean

    monkeypatch.delitem(sys.modules, "my_learner")
    import tfmeta as package

    learner = NearestMean(package.networks.mlp((3,), None, units=(4,), activation="tanh"))
    x = tf.constant(np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32))
    episode = package.Episode(x, tf.range(7), x, tf.range(7))
    gradients, logs = learner.task_gradients(episode)
    assert logs["outputs"].shape == (7, 7)
    learner.compile(keras.optimizers.SGD(0.01))
    learner.optimizer.apply_gradients(zip(gradients, learner.trainable_variables, strict=True))
    assert learner.task_gradients(episode)[1]["loss"] < logs["loss"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere:Learner", "cannot load the learner 'nowhere:Learner': No module named"),
        ("collections:OrderedDict", "is no learner; expected a subclass of tfmeta.MetaLearner"),
        ("nowhere", "unknown algorithm 'nowhere'; expected one of: maml"),
    ],
)
def test_what_is_no_learner_is_refused(name, message, tmp_path):
    done = tfmeta("train", "glyphs", "--algorithm", name, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []
