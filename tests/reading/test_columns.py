"""Columns whose digits float32 loses: centred in float64, in training and in the served graph."""

import json

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from model_answers import checked

from tfmeta import UserError, networks
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.learners import find
from tfmeta.pipelines.arrays import build
from tfmeta.pipelines.regression import build as build_regression
from tfmeta.reading.support_arrays import read_support_arrays
from tfmeta.training.plan import Plan
from tfmeta.training.settings import Settings

START = 1_700_000_000  # seconds since 1970, in November 2023
NUM_CLASSES, NUM_ROWS = 12, 20


def unix_times():
    """Classes that are told apart by seconds: `(rows, 2)` whole numbers and their labels."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(NUM_CLASSES), NUM_ROWS)
    seconds = START + 4 * labels + rng.integers(0, 2, len(labels))
    return np.stack([seconds, rng.integers(0, 9, len(labels))], 1), labels


def write_csv(folder):
    x, labels = unix_times()
    path = folder / "times.csv"
    rows = [f"{t},{other},class{label:02d}" for (t, other), label in zip(x, labels, strict=True)]
    path.write_text("time,other,label\n" + "\n".join(rows) + "\n")
    return path


def write_npz(folder, dtype):
    x, labels = unix_times()
    path = folder / "times.npz"
    np.savez(path, x=x.astype(dtype), y=[f"class{label:02d}" for label in labels])
    return path


def standardised(source, x):
    """In NumPy and float64, by the training rows' own mean and deviation."""
    rows = source.index.examples[source.index.rows("train")].astype(np.float64)
    return (x - rows.mean(0)) / rows.std(0)


WAYS = [
    write_csv,
    lambda folder: write_npz(folder, np.int64),
    lambda folder: write_npz(folder, np.float64),
]


@pytest.mark.fault("Unix times in a table", "their digits stay, in float64, until they are centred")
@pytest.mark.parametrize("write", WAYS, ids=["csv", "int64", "float64"])
def test_the_network_is_shown_what_numpy_makes_of_raw_columns(tmp_path, write):
    source = build(data_dir=write(tmp_path))
    x, _ = unix_times()
    assert np.array_equal(source.index.examples, x)
    network = networks.mlp((2,), None, units=(), **source.network_options)
    expected = standardised(source, x)
    assert_close(network(source.index.examples).numpy(), expected.astype(np.float32), roundings=4)
    episode = next(iter(source.episodes("train", EpisodeShape(3, 2, 5), num_tasks=4)))
    assert episode.support_x.dtype == tf.float64
    assert np.isin(episode.support_x, x).all()


def test_columns_that_float32_holds_stay_in_float32(tmp_path):
    x = np.random.default_rng(0).normal(size=(48, 3)) + np.array([0, 5, 50])
    np.savez(tmp_path / "data.npz", x=x, y=np.repeat(np.arange(12), 4))
    source = build(data_dir=tmp_path)
    assert source.index.examples.dtype == np.float32
    assert set(source.network_options) == {"input_mean", "input_scale"}
    assert networks.input_dtype(networks.mlp((3,), 2, **source.network_options)) == "float32"


@pytest.fixture
def learner_and_source(tmp_path):
    path = write_csv(tmp_path)
    source = build(data_dir=path)
    changes = {"pipeline": "arrays", "data_dir": str(path), "algorithm": "prototypical", "ways": 3}
    plan = Plan.make(Settings().updated(changes), source)
    return plan.build_learner(), source, plan.settings


def test_a_served_model_takes_raw_times_and_answers_as_numpy_does(learner_and_source, tmp_path):
    learner, source, _ = learner_and_source
    version = export_model(learner, tmp_path / "served")
    assert checked(version)["ok"]
    assert 'wide_inputs=["support_x", "query_x"]' in (version / "README.md").read_text()
    served = tf.saved_model.load(str(version)).signatures["adapt_and_predict"]
    episode = next(iter(source.episodes("train", EpisodeShape(3, 2, 5), num_tasks=1)))
    inputs = dict(zip(("support_x", "support_y", "query_x"), episode[:3], strict=True))
    received = served(**inputs)["probabilities"][0].numpy()
    task = [part[0].numpy() for part in episode[:3]]
    assert_close(received, probabilities_by_numpy(learner, source, *task))


def probabilities_by_numpy(learner, source, support_x, support_y, query_x):
    """Of a prototypical network without its first layers, on what NumPy has standardised."""
    plain = networks.mlp((2,), None, units=[w.shape[-1] for w in learner.network.weights[::2]])
    plain.set_weights(learner.network.get_weights())
    support, query = (
        plain(standardised(source, x).astype(np.float32)).numpy() for x in (support_x, query_x)
    )
    means = np.stack([support[support_y == c].mean(0) for c in range(support_y.max() + 1)])
    logits = -((query[:, np.newaxis] - means) ** 2).sum(-1)
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def test_a_support_file_of_times_is_baked_in_with_its_digits(learner_and_source, tmp_path):
    learner, source, _ = learner_and_source
    x, labels = unix_times()
    rows = labels < 3
    path = tmp_path / "support.npz"
    np.savez(path, x=x[rows], y=labels[rows])
    names, support_x, support_y, _ = read_support_arrays(path, source.facts, num_classes=3)
    assert np.array_equal(support_x, x[rows])
    version = export_model(
        learner, tmp_path / "adapted", "adapted", support=(support_x, support_y), class_names=names
    )
    served = tf.saved_model.load(str(version)).signatures["predict"]
    received = served(x=tf.constant(x[rows], tf.float64))["probabilities"].numpy()
    expected = probabilities_by_numpy(learner, source, x[rows], labels[rows], x[rows])
    assert_close(received, expected)


def test_regressions_take_times_too(tmp_path):
    x, tasks = unix_times()
    np.savez(tmp_path / "data.npz", x=x, y=x[:, 1:], task=tasks)
    source = build_regression(data_dir=tmp_path)
    assert np.array_equal(source.index.examples, x)
    assert source.targets.dtype == np.float32
    assert source.network_options["input_dtype"] == "float64"


@pytest.mark.fault("raw Unix times for a network of float32", "refused by the column's name")
def test_a_network_that_would_lose_the_digits_is_refused(tmp_path):
    path = write_csv(tmp_path)
    source = build(data_dir=path, standardise=False)
    settings = Settings().updated({"pipeline": "arrays", "data_dir": str(path), "ways": 3})
    with pytest.raises(UserError, match=r"1 \(time\) of the features differ by so little"):
        Plan.make(settings, source).build_learner()
    assert find("maml").load()(networks.mlp((2,), 3))  # it is the data that is refused


def test_whole_numbers_that_float64_cannot_tell_apart_are_refused(tmp_path):
    x = 2**62 + np.arange(48)[:, np.newaxis]
    np.savez(tmp_path / "data.npz", x=x, y=np.repeat(np.arange(12), 4))
    with pytest.raises(UserError, match=r"x of .* whole numbers above 2\^53"):
        build(data_dir=tmp_path)


def test_an_older_run_keeps_its_network(tmp_path):
    source = build(data_dir=write_csv(tmp_path))
    options = {k: v for k, v in source.network_options.items() if k != "input_dtype"}
    assert networks.input_dtype(networks.mlp((2,), 3, **options)) == "float32"
    assert json.loads(json.dumps(source.network_options)) == source.network_options
