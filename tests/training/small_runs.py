"""Runs that take a moment, for tests of how training goes on and ends."""

import json

import keras

import tfmeta

CLASSES = {
    "pipeline": "glyphs",
    "algorithm": "prototypical",
    "ways": 2,
    "queries": 1,
    "train_ways": 2,
    "meta_batch": 2,
    "network_options": {"filters": 2, "num_blocks": 1},
    "steps": 40,
    "log_every": 2,
    "validate_every": 4,
    "validation_tasks": 2,
    "checkpoint_seconds": 0,
}
VALUES = {
    "pipeline": "sinusoid",
    "shots": 2,
    "queries": 2,
    "meta_batch": 2,
    "network_options": {"units": [4]},
    "learner_options": {"vectorised": False, "first_order": True},  # without the wait for XLA
    "steps": 12,
    "log_every": 4,
    "validation_tasks": 0,
}
STILL = {"outer_lr": 1e-30}  # so small that the weights, and the validation, stay as they are


def dropping(input_shape, num_outputs, rate=0.3):
    """A network of the user's own, with random layers."""
    layers = keras.layers
    hidden, head = layers.Dense(4, activation="tanh"), layers.Dense(num_outputs)
    inner = [layers.GaussianNoise(0.1), hidden, layers.Dropout(rate), layers.BatchNormalization()]
    return keras.Sequential([keras.Input(input_shape), *inner, head])


def train(run_dir, settings, **changes):
    return tfmeta.train(run_dir=run_dir, **{**settings, **changes})


def lines(run) -> list[dict]:
    text = (run.path / "metrics.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]
