"""Settings of the runs whose tasks are solved, and the network that solves them, by hand."""

import numpy as np

import tfmeta
from tfmeta.commands.reporting import Reporter
from tfmeta.training.settings import Settings
from tfmeta.training.trainer import Trainer

NETWORK = {"network.units": [8, 6]}
START = {**NETWORK, "pipeline": "sinusoid", "shots": 4}
UNCOMPILED = {"learner.vectorised": False}  # at this size XLA's compilation is all the time
FITTED = {
    **NETWORK,
    **UNCOMPILED,
    "pipeline": "optima",
    "algorithm": "hypernetwork",
    "shots": 4,
    "queries": 6,
    "steps": 240,
    "log_every": 80,
    "outer_lr": 0.003,
    "validation_tasks": 0,
    "checkpoint_seconds": 0,
    "meta_batch": 8,
    "learner.units": 16,
}
TASKS, SHOTS, QUERIES, STEPS, RATE = 30, 4, 12, 40, 0.05
OPTIONS = ["--tasks", TASKS, "--queries", QUERIES, "--steps", STEPS, "--rate", RATE, "--seed", 3]


def classes(*, data_dir=None):
    """A pipeline of classes, by its name `solved_tasks:classes`."""
    from tfmeta.episodes.class_index import ClassIndex
    from tfmeta.episodes.class_source import ClassSource

    labels = np.repeat(np.arange(6), 4)
    index = ClassIndex(
        np.zeros((24, 3), np.float32), labels, {"train": np.arange(6)}, tuple("abcdef")
    )
    return ClassSource("points", index)


def train(run_dir, settings, **options):
    with Reporter("train") as reporter:
        return Trainer.start(Settings().updated(settings), run_dir).train(reporter, **options)


def network_outputs(weights, x):
    """The network written out by hand: `{name: (tasks, ...)}`, `(tasks, points, 1)`."""
    for layer in ("hidden1", "hidden2", "head"):
        x = x @ weights[f"{layer}_kernel"] + weights[f"{layer}_bias"][:, np.newaxis]
        x = x if layer == "head" else np.maximum(x, 0)
    return x


def points(episodes):
    return (
        np.concatenate([episodes.support_x, episodes.query_x], 1),
        np.concatenate([episodes.support_y, episodes.query_y], 1),
    )


def start_weights(start):
    function = tfmeta.load(start).function
    return {n: w.numpy() for n, w in zip(function.weight_names, function.weights(), strict=True)}
