"""The guide's "write your own learner", run from its text to a verified export."""

import os
import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from trained import TINY, call, inside, tfmeta

import tfmeta as package

GUIDE = Path(__file__).parents[2] / "docs" / "guide"


def code_of(page):
    """The first example of a page, and the others."""
    return re.findall(r"```python\n(.*?)```", (GUIDE / page).read_text(), re.DOTALL)


@pytest.fixture
def module(tmp_path):
    """The folder of the page's example as a file, and of vectors to learn: another page's."""
    names = ("my_learner", "layer_rates")
    for name, code in zip(names, code_of("your-own-learner.md"), strict=True):
        (tmp_path / f"{name}.py").write_text(code)
    (code,) = code_of("your-own-pipeline.md")
    (tmp_path / "rings.py").write_text(code)
    return tmp_path


def test_it_trains_evaluates_exports_and_verifies(module, monkeypatch):
    options = ["--algorithm", "my_learner:NearestMean", *TINY, "--run-dir", "runs/mine"]
    monkeypatch.chdir(module)
    monkeypatch.syspath_prepend(str(module))
    call("train", "rings:build", *options)
    assert package.evaluate("runs/mine", tasks=20, trust=True).accuracy > 0.3  # by chance: 0.2
    package.export("runs/mine", output="exported/mine", trust=True)
    np.savez("support.npz", x=np.random.default_rng(0).normal(size=(6, 2)), y=[0, 1, 0, 1, 2, 2])
    why = package.explain("runs/mine", "support.npz", support="support.npz", trust=True)
    assert why.of_queries[0].support.method == "leave-one-out"
    for name in ("my_learner", "rings"):
        monkeypatch.delitem(sys.modules, name)
    done = tfmeta("verify", "exported/mine")
    assert done.returncode == 0, done.stderr


def test_it_answers_any_number_of_classes_and_its_gradient_is_that_of_its_loss(module, monkeypatch):
    monkeypatch.syspath_prepend(str(module))
    from my_learner import NearestMean

    monkeypatch.delitem(sys.modules, "my_learner")
    learner = NearestMean(package.networks.mlp((3,), None, units=(4,), activation="tanh"))
    x = tf.constant(np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32))
    episode = package.Episode(x, tf.range(7), x, tf.range(7))
    gradients, logs = learner.task_gradients(episode)
    assert logs["outputs"].shape == (7, 7)
    learner.compile(keras.optimizers.SGD(0.01))
    learner.optimizer.apply_gradients(zip(gradients, learner.trainable_variables, strict=True))
    assert learner.task_gradients(episode)[1]["loss"] < logs["loss"]


def test_the_learner_with_an_inner_loop_learns_its_rates_by_second_order(module, monkeypatch):
    monkeypatch.syspath_prepend(str(module))
    from layer_rates import LayerRates

    monkeypatch.delitem(sys.modules, "layer_rates")
    network = package.networks.mlp((3,), 4, units=(4,), activation="tanh")
    learner = LayerRates(network, rate=0.5)
    x = tf.constant(np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32))
    gradients, _ = learner.task_gradients(package.Episode(x, tf.range(4), x, tf.range(4)))
    of = {id(v): g for v, g in zip(learner.trainable_variables, gradients, strict=True)}

    def loss(weights):
        for variable, value in zip(network.trainable_variables, weights, strict=True):
            variable.assign(value)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.range(4), network(x))
        return tf.reduce_mean(losses)

    # The loss after a step falls with a rate by the product of two gradients.
    start = network.get_weights()
    with tf.GradientTape() as tape:
        before = loss(start)
    inner = tape.gradient(before, network.trainable_variables)
    after = [w - 0.5 * g.numpy() for w, g in zip(start, inner, strict=True)]
    with tf.GradientTape() as tape:
        outer = loss(after)
    for rate, first, second in zip(
        learner.rates, inner, tape.gradient(outer, network.trainable_variables), strict=True
    ):
        expected = -tf.reduce_sum(first * second)
        assert_close(of[id(rate)], expected, roundings=1000)


def test_a_builder_without_a_folder_refuses_one(module, monkeypatch):
    monkeypatch.syspath_prepend(str(module))
    with pytest.raises(package.UserError, match=r"rings:build has no data to read. Leave it out"):
        package.train("rings:build", data_dir=module, steps=1)
    monkeypatch.delitem(sys.modules, "rings", raising=False)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere:Learner", "cannot load the learner 'nowhere:Learner' (ModuleNotFoundError: No"),
        ("collections:OrderedDict", "is no learner; expected a subclass of tfmeta.MetaLearner"),
        ("nowhere", "unknown algorithm 'nowhere'; expected one of: maml"),
    ],
)
def test_what_is_no_learner_is_refused(name, message, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    status, printed, errors = inside(capfd, "train", "glyphs", "--algorithm", name)
    assert (status, printed) == (2, "")
    (line,) = errors.splitlines()
    assert message in line
    assert os.listdir(tmp_path) == []
