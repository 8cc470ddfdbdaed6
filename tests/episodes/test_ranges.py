"""Episodes of several sizes: every algorithm trains on them, however small the smallest is."""

import json
import sys
import types

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from nightly import rows

import tfmeta
from tfmeta.commands.reporting import Reporter
from tfmeta.episodes.episode import Episode
from tfmeta.learners import ALGORITHMS
from tfmeta.training.loading import load
from tfmeta.training.settings import Settings
from tfmeta.training.trainer import Trainer

SETTINGS = {
    "pipeline": "small_noise:build",
    "least_ways": 2,
    "ways": 5,
    "least_shots": 1,
    "shots": 5,
    "queries": 2,
    "steps": 12,
    "meta_batch": 2,
    "validation_tasks": 0,
    "network.filters": 2,
    "network.num_blocks": 1,
}


@pytest.fixture
def small_noise(monkeypatch, tiny_source):
    """A pipeline `small_noise:build` that is the tiny source."""
    module = types.ModuleType("small_noise")
    module.build = lambda *, data_dir=None: tiny_source
    monkeypatch.setitem(sys.modules, "small_noise", module)


@pytest.mark.fault(
    "training on episodes of 2 to 5 ways and 1 to 5 shots, by each algorithm",
    "finite losses and weights, a small episode has no empty minibatch",
)
# test_variable_episodes.py has others answer such batches.
@rows("algorithm", ALGORITHMS, each_run=["maml", "reptile", "prototypical", "bayes-linear"])
def test_ranges_train_every_algorithm(algorithm, small_noise, tmp_path):
    fewer = {"learner.inner_steps": 2} if algorithm == "meta-lstm" else {}  # a smaller graph
    settings = Settings().updated({**SETTINGS, "algorithm": algorithm, **fewer})
    run = tmp_path / "run"
    with Reporter("train") as reporter:
        outcome = Trainer.start(settings, run).train(reporter)
    assert outcome.step == SETTINGS["steps"]
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert all(np.isfinite(line["loss"]) for line in lines)
    assert all(np.isfinite(v.numpy()).all() for v in load(run).variables)


@pytest.mark.fault(
    "Reptile on a support set of fewer examples than minibatches, its size known late",
    "one example a step, as computed by hand",
)
@pytest.mark.parametrize("examples", [1, 2, 3, 7])
def test_reptile_deals_small_support_sets_without_an_empty_share(examples):
    rng = np.random.default_rng(0)
    network = tfmeta.networks.mlp((2,), 1, units=())
    learner = tfmeta.Reptile(
        network, inner_steps=5, inner_optimizer="sgd", inner_learning_rate=0.1, num_minibatches=5
    )
    kernel, bias = (v.numpy().astype(np.float64) for v in network.trainable_variables)
    x, y = rng.normal(size=(examples, 2)), rng.normal(size=(examples, 1))
    start = kernel, bias
    shares = min(5, examples)
    for step in range(5):  # mean squared error of a linear model, descended by hand
        own = slice(step % shares, None, shares)
        error = x[own] @ kernel + bias - y[own]
        kernel = kernel - 0.1 * 2 * x[own].T @ error / len(error)
        bias = bias - 0.1 * 2 * error.mean(0)

    def meta_gradient(x, y):
        return learner.task_gradients(Episode(x, y, x, y))[0]

    unknown = [tf.TensorSpec((None, 2)), tf.TensorSpec((None, 1))]
    in_graph = tf.function(meta_gradient, input_signature=unknown)
    received = in_graph(tf.constant(x, tf.float32), tf.constant(y, tf.float32))
    for gradient, before, after in zip(received, start, (kernel, bias), strict=True):
        assert_close(gradient, before - after, scale=1.0)
