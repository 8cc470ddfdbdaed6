"""Training on solved tasks: what the pipeline draws, what is learned, what is refused."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import trained
from closeness import assert_close
from solved_tasks import FITTED, classes, points, train
from stops import after

import tfmeta
from tfmeta.commands.reporting import Reporter
from tfmeta.episodes import optima_file
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError
from tfmeta.evaluation.evaluator import Evaluator
from tfmeta.learners.hypernetwork import parameter_error
from tfmeta.named_code import trusting
from tfmeta.pipelines import build
from tfmeta.pipelines.optima import OptimaSource
from tfmeta.training.plan import Plan
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.training.task_solver import TaskSolver
from tfmeta.training.trainer import Trainer
from tfmeta.workflows.optima import solve_tasks

# The pipeline


def batches(source, split="train", *, seed=0, num_tasks=6, first=0, number=2):
    shape = EpisodeShape(1, 5, 7)
    dataset = source.episodes(split, shape, seed=seed, num_tasks=num_tasks, first=first)
    parts = [tf.nest.map_structure(lambda t: t.numpy(), each) for each in dataset.take(number)]
    return tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *parts)


def test_a_batch_is_a_function_of_seed_and_number_alone(source):
    whole = batches(source)
    assert whole.support_x.shape == (12, 5, 1)
    assert whole.query_y.shape == (12, 7, 1)
    tf.nest.map_structure(
        np.testing.assert_array_equal, whole, batches(source, num_tasks=4, number=3)
    )
    late = batches(source, first=6, number=1)
    tf.nest.map_structure(lambda a, b: np.testing.assert_array_equal(a[6:], b), whole, late)
    assert not np.array_equal(whole.support_x, batches(source, seed=1).support_x)


def test_training_pairs_any_of_a_tasks_points_with_its_optimum(source, file):
    solved = optima_file.read(file)
    x, y = points(solved.episodes)
    drawn = batches(source, num_tasks=200, number=1)
    drawn_x, drawn_y = points(drawn)
    seen = set()
    for i in range(200):
        kernels = solved.weights["hidden1_kernel"]
        (task,) = np.flatnonzero((kernels == drawn.weights["hidden1_kernel"][i]).all((1, 2)))
        seen.add(int(task))
        places = [int(np.flatnonzero(x[task, :, 0] == value)[0]) for value in drawn_x[i, :, 0]]
        assert len(set(places)) == 12
        np.testing.assert_array_equal(y[task, places], drawn_y[i])
        for name, values in solved.weights.items():
            np.testing.assert_array_equal(values[task], drawn.weights[name][i])
    assert seen == set(range(27))  # the last tenth is held out


def test_the_last_tenth_is_held_out_in_the_order_of_the_file(source, file):
    solved = optima_file.read(file)
    held_out = batches(source, "held-out", num_tasks=3, number=1)
    assert source.num_held_out == 3
    np.testing.assert_array_equal(held_out.support_x[:, :4], solved.episodes.support_x[27:])
    np.testing.assert_array_equal(
        held_out.weights["head_kernel"], solved.weights["head_kernel"][27:]
    )


def test_errors_are_in_units_of_the_spread_over_the_training_tasks(source, file):
    drawn = batches(source)
    for name, values in optima_file.read(file).weights.items():
        spread = np.sqrt(values[:27].var(0).mean())
        assert_close(drawn.scales[name], np.full((12, *values.shape[1:]), spread))


def test_the_error_of_a_weight_that_never_moves_has_a_finite_unit(source, file):
    solved = optima_file.read(file)
    solved.weights["head_bias"][:] = 0.5
    scales = OptimaSource(solved, build("sinusoid")).scales
    others = sum(s**2 for name, s in source.scales.items() if name != "head_bias")
    assert_close(scales["head_bias"], np.sqrt(0.01 * others / 6))
    assert scales["head_kernel"] == source.scales["head_kernel"]


def test_validation_and_test_are_the_original_pipelines(source, fitted):
    learner, shape = tfmeta.load(fitted), EpisodeShape(1, 4, 6)
    results = [
        Evaluator(learner, FixedEpisodes(each, shape, split, num_tasks=4)).run()
        for each in (source, build("sinusoid"))
        for split in ("validation", "test")
    ]
    hashes = [result["episodes_sha256"] for result in results]
    assert hashes[:2] == hashes[2:]
    assert hashes[0] != hashes[1]


@pytest.mark.parametrize("split", ["train", "held-out"])
def test_a_learner_is_evaluated_on_solved_tasks_too(source, fitted, split):
    episodes = FixedEpisodes(source, EpisodeShape(1, 2, 3), split, num_tasks=2)
    result = Evaluator(tfmeta.load(fitted), episodes).run()
    assert result["split"] == split
    assert result["mse"] > 0


def test_more_points_than_a_task_has_are_refused(source):
    message = r"received 10 shots and 7 queries; the file's tasks have 16 points.*--queries 17"
    with pytest.raises(UserError, match=message):
        source.check("train", EpisodeShape(1, 10, 7))
    source.check("train", EpisodeShape(1, 10, 6))
    source.check("test", EpisodeShape(1, 10, 7))  # of which there is no end


# Training


def held_out_error(learner, source):
    (episodes,) = source.episodes("held-out", EpisodeShape(1, 4, 6), num_tasks=3).take(1)
    errors = learner.map_tasks(
        lambda task: parameter_error(
            learner.adapt(task.support_x, task.support_y)["weights"], task
        ),
        episodes,
    )
    return float(tf.reduce_mean(errors))


def test_training_lowers_the_parameter_error_and_reports_both(fitted, source):
    lines = [json.loads(line) for line in (fitted / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [80, 160, 240]
    assert lines[-1]["loss"] < 0.85 * lines[0]["loss"]
    assert lines[-1]["mse"] != lines[-1]["loss"]
    untrained = Plan.of_run(RunDirectory.open(fitted)).build_learner()
    untrained = held_out_error(untrained, source)
    assert held_out_error(tfmeta.load(fitted), source) < 0.5 * untrained


def test_an_interrupted_run_goes_on_to_the_same_bits(fitted, file, tmp_path):
    run = tmp_path / "run"
    settings = {**FITTED, "pipeline.file": str(file)}
    assert train(run, settings, should_stop=after(1)).step == 80
    with Reporter("train") as reporter:
        Trainer.resume(run, {}).train(reporter)
    for a, b in zip(tfmeta.load(run).variables, tfmeta.load(fitted).variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert (run / "metrics.jsonl").read_bytes() == (fitted / "metrics.jsonl").read_bytes()


def test_another_network_than_the_files_is_refused(file, tmp_path):
    settings = {**FITTED, "pipeline.file": str(file), "network.units": [8, 7]}
    message = (
        r"network's weights are .*hidden2_kernel 8x7.*; those of the optima are .*"
        r"hidden2_kernel 8x6.*the same --set network="
    )
    with pytest.raises(UserError, match=message):
        train(tmp_path / "run", settings)
    assert not (tmp_path / "run").exists()


# Refusals of the command


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", 0], "received steps=0, rate=0.01; expected both above 0"),
        (["--rate", 0], "received steps=100, rate=0.0; expected both above 0"),
        (["--tasks", 1], "received 1 task; expected 2 or more"),
        (["--queries", 0], "received queries=0; expected 1 or more"),
        (["--output", "no/such/solved"], "there is no folder no/such"),
    ],
)
def test_bad_options_are_refused_in_one_line(start, tmp_path, monkeypatch, capfd, options, message):
    monkeypatch.chdir(tmp_path)
    status, _, errors = trained.inside(capfd, "optima", start, "--output", "new", *options)
    assert status == 2
    assert "Traceback" not in errors
    assert message in errors
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_never_overwritten(start, file, capfd):
    before = file.read_bytes()
    status, _, errors = trained.inside(capfd, "optima", start, "--output", file)
    assert status == 2
    assert "exists and is never overwritten; choose another --output" in " ".join(errors.split())
    assert file.read_bytes() == before


def test_runs_that_are_no_start_are_refused(fitted, tmp_path):
    shape = EpisodeShape(1, 4, 4)
    with pytest.raises(UserError, match="is no run directory"):
        solve_tasks(tmp_path, shape, num_tasks=4)
    with pytest.raises(UserError, match="trained with hypernetwork, whose network is no start"):
        solve_tasks(fitted, shape, num_tasks=4)
    settings = Settings(pipeline="solved_tasks:classes")
    RunDirectory.create(tmp_path / "classes", settings, classes().facts.to_dict())
    is_refused = pytest.raises(UserError, match=r"targets are classes.*Expected a run on values")
    with trusting(True), is_refused:
        solve_tasks(tmp_path / "classes", shape, num_tasks=4)


def test_steps_that_lead_nowhere_are_refused(start, monkeypatch):
    nowhere = {"head_bias": np.zeros((4, 1))}, np.ones(4), np.array([1, np.nan, 2, np.inf])
    monkeypatch.setattr(TaskSolver, "solve", lambda *_: nowhere)
    with pytest.raises(UserError, match=r"2 of 4 tasks ended without a finite.*lower --rate"):
        solve_tasks(start, EpisodeShape(1, 4, 4), num_tasks=4)


def test_a_network_with_batch_normalisation_is_refused():
    network = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    with pytest.raises(UserError, match="received a network with batch normalisation"):
        TaskSolver(tfmeta.MAML(network))
