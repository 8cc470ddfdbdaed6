"""Targets in a user's unit: learned in units of their spread, answered in the user's."""

import json

import keras
import numpy as np
import pandas
import pytest
import tensorflow as tf
from closeness import assert_close
from trained import call

import tfmeta
from tfmeta.episodes.episode import Episode
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.evaluator import Evaluator
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.pipelines.regression import build
from tfmeta.training.loading import load
from tfmeta.training.run_directory import RunDirectory

CENTRE, SPREAD = [3e5, -7.0], [1e5, 20.0]
LEARNERS = {
    "MAML": {"inner_steps": 3, "inner_learning_rate": 0.01},
    "MetaSGD": {},
    "Reptile": {"inner_optimizer": "sgd", "inner_learning_rate": 0.02},
    "MetaLSTM": {},
    "HyperNetwork": {"class_head": False},
}
SHAPE = EpisodeShape(1, 5, 5)


def make(name, **scale):
    keras.utils.set_random_seed(3)
    network = tfmeta.networks.mlp((4,), 2)
    return getattr(tfmeta, name)(network, **LEARNERS[name], **scale)


def episode(centre=CENTRE, spread=SPREAD):
    """One task, in the user's unit and scaled by hand."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 4)).astype(np.float32), rng.normal(size=(16, 2))

    def of(targets):
        parts = x[:10], targets[:10], x[10:], targets[10:]
        return Episode(*(tf.constant(part, tf.float32) for part in parts))

    raw = (y * spread + centre).astype(np.float32)
    return of(raw), of((raw.astype(np.float64) - centre) / spread)


@pytest.mark.fault(
    "targets of 100,000 and of 20, side by side, in each learner for values",
    "the answers and meta-gradients of the plain learner on targets scaled by hand",
)
@pytest.mark.parametrize("name", LEARNERS)
def test_it_is_the_plain_learner_on_targets_scaled_by_hand(name):
    raw, scaled = episode()
    learner, plain = make(name, target_centre=CENTRE, target_spread=SPREAD), make(name)
    answer = learner.predict_with(learner.adapt(*raw[:2]), raw.query_x).numpy()
    expected = plain.predict_with(plain.adapt(*scaled[:2]), scaled.query_x).numpy()
    in_spreads = ((answer.astype(np.float64) - CENTRE) / SPREAD).astype(np.float32)
    assert_close(in_spreads, expected, scale=4.0)  # of which the first output's centre is 3
    (gradients, logs), (others, other_logs) = (
        each.task_gradients(e) for each, e in ((learner, raw), (plain, scaled))
    )
    for one, other in zip(gradients, others, strict=True):
        assert_close(one, other, scale=max(1.0, float(tf.reduce_max(tf.abs(other)))))
    assert_close(logs["loss"], other_logs["loss"])
    again = type(learner).from_config(learner.get_config())
    assert again.target_scale.get_config() == {"target_centre": CENTRE, "target_spread": SPREAD}


@pytest.mark.parametrize("name", LEARNERS)
def test_a_scale_of_one_changes_no_bit(name):
    task, _ = episode([0, 0], [1, 1])
    learners = make(name), make(name, target_centre=0, target_spread=1.0)
    one, other = (each.task_gradients(task) for each in learners)
    for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_spread": 0}, "positive"),
        ({"target_spread": [1.0, 2.0, 3.0]}, "with 3 numbers; expected one, or 2"),
        ({"target_centre": float("nan")}, "a finite number"),
        ({"target_centre": "much"}, "a finite number"),
    ],
)
def test_a_scale_that_makes_no_sense_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        make("MAML", **options)


def test_a_scale_of_labels_is_refused():
    learner = make("MAML", target_spread=2.0)
    with pytest.raises(ValueError, match="for targets that are values"):
        learner.adapt(tf.zeros((2, 4)), tf.constant([0, 1]))


# From a file


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    """Towns with prices of their own: a base of about 300,000, and one for a square metre."""
    rng = np.random.default_rng(1)
    town = np.repeat(np.arange(40), 12)
    area, rooms = rng.uniform(30, 200, len(town)), rng.integers(1, 7, len(town))
    base, metre = rng.normal(3e5, 5e4, 40), rng.normal(2_500, 800, 40)
    price = base[town] + metre[town] * area + 1e4 * rooms
    columns = {"town": town, "area": area, "rooms": rooms, "price": price}
    path = tmp_path_factory.mktemp("prices") / "prices.csv"
    pandas.DataFrame(columns).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def run(prices):
    path = prices.parent / "run"
    options = "--shots 5 --queries 5 --algorithm maml --steps 600 --outer-lr 0.003 --meta-batch 8"
    sets = ["pipeline.task=town", "pipeline.target=price", "validation_tasks=0"]
    sets = [f"--set={each}" for each in sets]
    call("train", "regression", "--data-dir", prices, *options.split(), *sets, "--run-dir", path)
    return path


@pytest.mark.slow
@pytest.mark.fault(
    "house prices as regression targets",
    "training stays finite, and errors are given in the user's unit and in the targets' spread",
)
def test_house_prices_train_in_their_own_unit(prices, run):
    settings = RunDirectory.open(run).settings
    source = build(data_dir=prices, task="town", target="price")
    table = pandas.read_csv(prices)
    names = json.loads((run / "splits.json").read_text())["train"]
    price = table.price[table.town.astype(str).isin(names)]
    assert_close(settings.learner_options["target_centre"], np.array([price.mean()], "f4"))
    assert_close(settings.learner_options["target_spread"], np.array([price.std(ddof=0)], "f4"))
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert all(np.isfinite(line["loss"]) for line in lines)
    learner = load(run)
    result = Evaluator(learner, FixedEpisodes(source, SHAPE, num_tasks=20)).run()
    assert_close(result["mse"], np.float32(result["mse_scaled"] * price.var(ddof=0)))
    episodes = next(iter(source.episodes("test", SHAPE, num_tasks=20)))
    of_means = np.mean((episodes.query_y - np.mean(episodes.support_y, 1, keepdims=True)) ** 2)
    assert result["mse"] < 0.5 * of_means
    answers = learner(episodes).numpy()
    assert_close(result["mse"], np.mean((answers - episodes.query_y) ** 2))


def test_an_export_answers_in_the_users_unit(run, tmp_path, prices):
    learner = load(run)
    version = export_model(learner, tmp_path / "prices")
    source = build(data_dir=prices, task="town", target="price")
    task = next(iter(source.episodes("test", SHAPE, num_tasks=3)))
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    answer = served(support_x=task.support_x, support_y=task.support_y, query_x=task.query_x)
    assert_close(answer["prediction"], learner(task))
    facts = json.loads((version / "tfmeta.json").read_text())
    assert facts["target_spread"] == learner.target_scale.get_config()["target_spread"]
