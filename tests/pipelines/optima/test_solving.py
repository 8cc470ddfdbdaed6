"""Solved tasks: that they are solved, and that their file can be trusted."""

import hashlib
import os

import keras
import numpy as np
import pytest
import tensorflow as tf
import trained
from closeness import assert_close
from solved_tasks import QUERIES, RATE, SHOTS, STEPS, TASKS, network_outputs, points, start_weights

import tfmeta
from tfmeta.episodes import optima_file
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.errors import UserError
from tfmeta.pipelines import build

# Solving


def test_the_optima_solve_their_tasks(file, start):
    solved = optima_file.read(file)
    x, y = points(solved.episodes)
    losses = [
        np.mean((network_outputs(weights, x) - y) ** 2)
        for weights in ({n: w[np.newaxis] for n, w in start_weights(start).items()}, solved.weights)
    ]
    expected = [solved.provenance["start_loss"], solved.provenance["loss"]]
    assert_close(losses, expected, dtype=np.float32)
    assert losses[1] < 0.5 * losses[0]


def test_a_task_is_solved_as_keras_would_with_adam_and_a_cosine(file, start):
    solved = optima_file.read(file)
    x, y = (tf.constant(values[7]) for values in points(solved.episodes))
    network = tfmeta.load(start).network
    rates = keras.optimizers.schedules.CosineDecay(RATE, STEPS)
    optimizer = keras.optimizers.Adam(rates, epsilon=1e-8)
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((network(x) - y) ** 2)
        optimizer.apply(
            tape.gradient(loss, network.trainable_variables), network.trainable_variables
        )
    for variable, optimum in zip(network.trainable_variables, solved.weights.values(), strict=True):
        assert_close(optimum[7], variable.numpy())


def test_the_provenance_says_what_was_done(file, start):
    solved = optima_file.read(file)
    facts = solved.provenance
    assert facts == {**optima_file.read_provenance(file), "weights": facts["weights"]}
    digest = hashlib.sha256()
    for name, values in start_weights(start).items():
        digest.update(name.encode() + values.tobytes())
    expected = {
        "num_tasks": TASKS,
        "num_shots": SHOTS,
        "num_queries": QUERIES,
        "seed": 3,
        "split": "train",
        "pipeline": "sinusoid",
        "pipeline_options": {},
        "data_dir": None,
        "start_run": str(start),
        "start_algorithm": "maml",
        "start_step": 2,
        "start_sha256": digest.hexdigest(),
        "steps": STEPS,
        "rate": RATE,
        "tfmeta": tfmeta.__version__,
        "tensorflow": tf.__version__,
    }
    assert {key: facts[key] for key in expected} == expected
    kernel = solved.weights["hidden2_kernel"]
    summary = facts["weights"]["hidden2_kernel"]
    scale = np.abs(kernel).max()  # of what the mean adds up, of both signs
    assert_close(summary["mean"], kernel.mean(), scale=scale)
    assert_close(summary["std"] ** 2, kernel.var(0).mean())


def test_the_tasks_are_the_first_of_the_training_split(file):
    solved = optima_file.read(file)
    shape = EpisodeShape(1, SHOTS, QUERIES)
    (expected,) = build("sinusoid").episodes("train", shape, seed=3, num_tasks=TASKS).take(1)
    for received, values in zip(solved.episodes, expected, strict=True):
        np.testing.assert_array_equal(received, values)


# The file


def test_a_file_comes_back_as_it_was_written_and_leaves_nothing_beside_it(file, tmp_path):
    solved = optima_file.read(file)
    optima_file.write(tmp_path / "copy", solved)
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()


def test_a_file_that_could_not_be_written_whole_is_not_there(file, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*new: no space left"):
        optima_file.write(tmp_path / "new", optima_file.read(file))
    assert list(tmp_path.iterdir()) == []


def rewritten(file, path, change):
    """A copy of the file with its records, the provenance first, changed."""
    records = change([record.numpy() for record in tf.data.TFRecordDataset(str(file))])
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def not_finite(records):
    example = tf.train.Example.FromString(records[4])
    example.features.feature["weight/head_bias"].float_list.value[0] = float("nan")
    return [*records[:4], example.SerializeToString(), *records[5:]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda records: records[:-3], "it holds 27 tasks; its provenance says 30"),
        (lambda records: records[:1], "it holds 0 tasks; its provenance says 30"),
        (lambda records: [*records[:4], records[4][:-5], *records[5:]], "a record can't be read"),
        (not_finite, "weight/head_bias holds values that are not finite"),
        (lambda records: records[1:], "its first record is no provenance"),
        (lambda records: [], "its first record is no provenance"),
        (lambda records: [b"\xff text", *records[1:]], "its first record is no provenance"),
    ],
)
def test_a_damaged_file_is_refused(file, tmp_path, change, message):
    rewritten(file, tmp_path / "bad", change)
    with pytest.raises(UserError, match=f"bad is damaged .*({message}).*Make it again: tfmeta opt"):
        build("optima", options={"file": str(tmp_path / "bad")})


@pytest.mark.parametrize("position", [20, -400])
def test_a_flipped_byte_is_found(file, tmp_path, position):
    (tmp_path / "bad").write_bytes(file.read_bytes())
    trained.flip_byte(tmp_path / "bad", position)
    with pytest.raises(UserError, match="bad is damaged"):
        build("optima", options={"file": str(tmp_path / "bad")})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"needs its file: --set pipeline.file=FILE, made by `tfmeta optima"),
        ({"file": "missing"}, "received pipeline.file=missing, and there is no such file"),
        ({"file": 3}, "received pipeline.file=3, and there is no such file"),
    ],
)
def test_a_file_that_is_not_there_is_refused(options, message):
    with pytest.raises(UserError, match=message):
        build("optima", options=options)
