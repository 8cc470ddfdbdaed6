"""Runs of policies in environments: trained, resumed, evaluated, exported and asked for actions."""

import json

import keras
import numpy as np
import pytest
from closeness import assert_all_close, assert_close
from credit_by_hand import by_hand
from model_answers import served
from policy_runs import HORIZON, RATE, SETTINGS, point_run
from scipy import stats
from stops import after

import tfmeta
from tfmeta import UserError
from tfmeta.training.loading import load
from tfmeta.training.run_directory import RunDirectory


@pytest.fixture(scope="module")
def run():
    return RunDirectory.open(point_run())


def everything(run):
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    return lines, load(run.path, checkpoint="last").get_weights()


@pytest.mark.slow
def test_a_resumed_run_ends_in_the_same_bits(run, tmp_path):
    begun = tfmeta.train(
        "gym:point-navigation",
        run_dir=tmp_path / "run",
        should_stop=after(1),
        **SETTINGS,
    )
    assert not begun.finished
    assert 0 < begun.step < SETTINGS["steps"]
    again = tfmeta.train(run_dir=begun.path, resume=True)
    assert again.finished
    (lines, weights), (others, other_weights) = everything(run), everything(again)
    assert lines == others
    assert {"return", "loss", "step"} <= lines[0].keys()
    assert "validation_return" in lines[-1]
    for one, other in zip(weights, other_weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_evaluated_by_its_returns(run):
    result = tfmeta.evaluate(run.path, tasks=4, seed=1)
    facts = result.facts
    assert facts["adaptation_steps"] == [0, 1]
    assert facts["adaptation_curve"][-1] == facts["return"]
    assert [row["name"] for row in facts["baselines"]] == ["actions at random"]
    assert "return " in result.sentences()[0]
    assert tfmeta.evaluate(run.path, tasks=4, seed=1).facts == facts
    # No reward is better than 0; at most 6 steps away from a goal in the square.
    assert -6 * 2 * (0.5 + 0.6) ** 2 <= facts["return"] <= 0


def answers(weights, x):
    kernel, bias, head, head_bias, log_deviation = weights
    mean = 0.1 * (np.tanh(x @ kernel + bias) @ head + head_bias)  # the width of the point's bounds
    return mean, np.exp(log_deviation) * 0.1


def trajectories(weights, rng):
    """Of any observations: an export can't know how they came about."""
    x = rng.normal(0, 0.2, (2 * HORIZON, 2)).astype(np.float32)
    mean, deviation = answers(weights, x.astype(np.float64))
    actions = (mean + deviation * rng.normal(size=mean.shape)).astype(np.float32)
    density = stats.norm.logpdf(actions, mean, deviation).sum(1)
    rewards = rng.normal(size=len(x)).astype(np.float32)
    steps = np.tile(np.arange(HORIZON), 2)
    return x, np.column_stack([actions, density, rewards, steps]).astype(np.float32)


def adapted_by_hand(weights, x, y):
    """One step up the policy gradient, by differences of the density of what was done."""
    halves = [(x[i : i + HORIZON], y[i : i + HORIZON, 3].astype(float)) for i in (0, HORIZON)]
    advantage = np.concatenate(by_hand(halves, 0.9, 1.0))

    def value(flat):
        mean, deviation = answers(unflat(flat), x.astype(np.float64))
        return np.mean(advantage * stats.norm.logpdf(y[:, :2], mean, deviation).sum(1))

    def unflat(flat):
        parts = np.split(flat, np.cumsum([each.size for each in weights])[:-1])
        return [part.reshape(each.shape) for part, each in zip(parts, weights, strict=True)]

    flat = np.concatenate([each.ravel() for each in weights])
    moves = 1e-5 * np.eye(len(flat))
    gradient = np.array([(value(flat + move) - value(flat - move)) / 2e-5 for move in moves])
    return unflat(flat + RATE * gradient)


def test_a_run_answers_tables_of_trajectories(run, tmp_path):
    weights = [each.astype(np.float64) for each in load(run.path).network.get_weights()]
    x, y = trajectories(weights, np.random.default_rng(6))
    seen = [f"observation_{number}" for number in (1, 2)]
    names = [*seen, "action_1", "action_2", "log_probability", "reward", "step"]
    support, queries = tmp_path / "support.csv", tmp_path / "queries.csv"
    for path, columns, rows in ((support, names, np.hstack([x, y])), (queries, seen, x[:3])):
        np.savetxt(path, rows, delimiter=",", header=",".join(columns), comments="")
    found = tfmeta.predict(run.path, queries, support=support)
    mean, deviation = answers(adapted_by_hand(weights, x, y), x[:3])
    received = np.array([each.prediction for each in found])
    assert_close(received[:, :2], mean, dtype=np.float32, scale=1)
    assert_close(received[:, 2:], np.tile(np.log(deviation), (3, 1)), dtype=np.float32)


@pytest.mark.slow
def test_an_export_adapts_to_trajectories_and_acts(run, tmp_path):
    version = tfmeta.export(run.path, output=tmp_path / "point")
    assert tfmeta.verify(version).ok
    learner = load(run.path)
    weights = [each.astype(np.float64) for each in learner.network.get_weights()]
    rng = np.random.default_rng(5)
    x, y = trajectories(weights, rng)
    state = served(version, "adapt", {"support_x": x[np.newaxis], "support_y": y[np.newaxis]})
    expected = adapted_by_hand(weights, x, y)
    named = dict(zip(learner.function.weight_names, expected, strict=True))
    received = {name.removeprefix("weights_"): value[0] for name, value in state.items()}
    assert received.keys() == {name.replace("/", "_") for name in named}
    pairs = [(received[name.replace("/", "_")], each) for name, each in named.items()]
    assert_all_close(*zip(*pairs, strict=True), dtype=np.float32)
    seen = rng.normal(0, 0.2, (1, 3, 2)).astype(np.float32)
    answer = served(version, "predict", {**state, "query_x": seen})["prediction"][0]
    mean, deviation = answers(expected, seen[0])
    assert_close(answer[:, :2], mean, dtype=np.float32, scale=1)
    assert_close(answer[:, 2:], np.tile(np.log(deviation), (3, 1)), dtype=np.float32)
    # Without a trajectory there is a row of zeros, from which nothing follows.
    nothing = {"support_x": np.zeros((1, 1, 2), "f"), "support_y": np.zeros((1, 1, 5), "f")}
    answer = served(version, "adapt_and_predict", {**nothing, "query_x": seen})["prediction"][0]
    assert_close(answer[:, :2], answers(weights, seen[0])[0], dtype=np.float32, scale=1)
    assert keras.utils.get_registered_object("tfmeta>PolicyLoss") is not None


def test_what_a_policy_has_none_of_is_refused(run, tmp_path):
    with pytest.raises(UserError, match="a file of best weights needs episodes that are the same"):
        tfmeta.write_optima(run.path, tmp_path / "optima.npz", tasks=2, steps=2)
    np.savez(tmp_path / "support.npz", x=np.zeros((2, 2), "f"), y=np.zeros((2, 5), "f"))
    support = {"support": tmp_path / "support.npz"}
    with pytest.raises(UserError, match="answers with actions; expected classes or values"):
        tfmeta.explain(run.path, [tmp_path / "support.npz"], **support)
