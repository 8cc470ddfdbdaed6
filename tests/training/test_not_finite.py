"""Training that comes to numbers that are none: it stops there, says where, and keeps the rest."""

import json
import shutil
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from closeness import assert_close
from nightly import rows
from trained import contents

import tfmeta
from tfmeta import UserError, strict_json
from tfmeta.cli import main
from tfmeta.commands.reporting import Reporter
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.errors import NotFiniteError
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.pipelines.sinusoid import Sinusoid
from tfmeta.training.loading import load
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.training.trainer import Trainer

BAD_EPISODE, BAD_STEP = 54, 14  # of 4 tasks a step: 52 to 55
SETTINGS = {
    "pipeline": "flawed:build",
    "shots": 5,
    "queries": 5,
    "meta_batch": 4,
    "steps": 30,
    "log_every": 8,  # so that the bad step is amid a window
    "validation_tasks": 0,
    "outer_schedule": "constant",
    "learner.first_order": True,  # a smaller graph
    "learner.vectorised": False,  # without the wait for XLA, with which the tests of `fit` train
    "checkpoint_seconds": 3600,
}
VECTORISED = [True, False]  # many steps an execution, or one


class Flawed(Sinusoid):
    """Sine waves, one of whose training episodes has an infinite query target."""

    name = "flawed"

    def draw(self, split, shape, seed):
        draw = super().draw(split, shape, seed)

        def episodes(first, count):
            drawn = draw(first, count)
            number = tf.cast(first, tf.int64) + tf.range(tf.cast(count, tf.int64))
            flaw = tf.where(number == BAD_EPISODE, np.float32(np.inf), 0.0)
            return drawn._replace(query_y=drawn.query_y + flaw[:, tf.newaxis, tf.newaxis])

        return episodes


@pytest.fixture(autouse=True, scope="module")
def flawed():
    module = types.ModuleType("flawed")
    module.build = lambda *, data_dir=None: Flawed()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "flawed", module)
        yield


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """A run that stopped at the bad step."""
    return failed_run(tmp_path_factory.mktemp("failed"))


def train(run, **changes):
    settings = Settings().updated({**SETTINGS, **changes})
    with Reporter("train") as reporter:
        return Trainer.start(settings, run).train(reporter)


def failed_run(folder, **changes):
    with pytest.raises(NotFiniteError) as caught:
        train(folder / "run", **changes)
    return folder / "run", caught.value


def arrays(learner):
    return [v.numpy() for v in (*learner.variables, *learner.optimizer.variables)]


def never(token):
    raise AssertionError(f"{token} is no JSON")


@pytest.mark.slow
@pytest.mark.fault(
    "an episode whose loss is not finite, amid a window of compiled steps",
    "training stops at that very step and keeps the weights from before it",
)
@rows("vectorised", VECTORISED, each_run=[False])
def test_training_stops_at_the_first_step_that_is_not_finite(vectorised, tmp_path):
    run, error = failed_run(tmp_path, **{"learner.vectorised": vectorised})
    assert (error.step, error.what, error.exit_status) == (BAD_STEP, ["loss", "gradient"], 1)
    assert "(episodes 52 to 55 of the train split)" in str(error)
    assert f"tfmeta replay {run} --step 14" in str(error)
    # Kept are the weights and the optimizer's state of a run that ended a step earlier.
    good = tmp_path / "good"
    train(good, steps=BAD_STEP - 1, **{"learner.vectorised": vectorised})
    learner, step = RunDirectory.open(run).load_checkpoint()
    assert step == BAD_STEP - 1
    for one, other in zip(arrays(learner), arrays(load(good)), strict=True):
        np.testing.assert_array_equal(one, other)
    lines = (run / "metrics.jsonl").read_text().splitlines()
    last = [json.loads(line, parse_constant=never) for line in lines][-1]
    assert (last["step"], last["loss"]) == (BAD_STEP, None)
    assert last["not_finite"] == ["loss", "gradient"]


@pytest.mark.slow
@pytest.mark.fault(
    "going on with a run whose next step is not finite", "it stops at the same step again"
)
def test_a_resumed_run_stops_at_the_same_step(failed, tmp_path):
    run, first = shutil.copytree(failed[0], tmp_path / "run"), failed[1]
    with pytest.raises(NotFiniteError) as again, Reporter("train") as reporter:
        Trainer.resume(run, {}).train(reporter)
    assert (again.value.step, again.value.what) == (first.step, first.what)


@pytest.mark.fault(
    "`tfmeta replay` of the step at which training stopped",
    "the episode and the operation of the first number that is not finite; the run is unchanged",
)
def test_a_replay_finds_the_number_and_changes_nothing(failed):
    run, _ = failed
    before = contents(run)
    done = CliRunner().invoke(main, ["replay", str(run), "--step", "14", "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout, parse_constant=never)
    assert result["checkpoint"] == 13
    assert result["episodes"] == [52, 55]
    assert len(result["loss"]) == BAD_EPISODE - 52  # those before it were finite
    found = result["not_finite"]
    assert (found["task"], found["episode"]) == (2, BAD_EPISODE)
    assert "task_loss" in found["line"]
    words = CliRunner().invoke(main, ["replay", str(run), "--step", "14"]).output
    assert f"not finite in episode {BAD_EPISODE}" in words
    assert contents(run) == before


@pytest.mark.parametrize("step", [0, -1, 15])
def test_a_step_that_there_is_not_is_refused(step, failed):
    done = CliRunner().invoke(main, ["replay", str(failed[0]), "--step", str(step)])
    assert done.exit_code == 2
    assert "expected a step from 1 to 14" in done.output


@pytest.mark.slow
def test_a_replay_trains_the_steps_in_between_again(tmp_path):
    """From the seed, as the run did: its step's losses are those that Keras was told of."""
    changes = {"steps": 11, "log_every": 1, "outer_schedule": "cosine"}
    train(tmp_path / "run", **changes)
    from tfmeta.workflows.replay import Replay

    result = Replay(tmp_path / "run", 10).run()
    assert result["checkpoint"] == 0
    assert result["not_finite"] is None
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    logged = json.loads(lines[9])
    assert logged["step"] == 10
    assert_close(np.mean(result["loss"]), logged["loss"], dtype=np.float32)
    assert result["learning_rate"] == logged["learning_rate"]


# In Python, without a run


def fit(callbacks=None, **options):
    keras.utils.set_random_seed(0)
    learner = tfmeta.MAML(tfmeta.networks.mlp(), inner_learning_rate=0.01, first_order=True)
    learner.compile("adam", **options)
    episodes = Flawed().episodes("train", EpisodeShape(1, 5, 5), num_tasks=4)
    learner.fit(episodes, steps_per_epoch=20, shuffle=False, verbose=0, callbacks=callbacks)
    return learner


@pytest.mark.fault(
    "`fit` in Python on an episode whose loss is not finite",
    "NotFiniteError with the step's number",
)
def test_fit_says_at_which_step():
    with pytest.raises(NotFiniteError, match="step 14, in which the loss and gradient are not"):
        fit(steps_per_execution=20)


def test_terminate_on_nan_stops_without_an_error_and_with_finite_weights():
    learner = fit([keras.callbacks.TerminateOnNaN()], jit_compile=False)
    assert int(learner.optimizer.iterations.numpy()) == BAD_STEP - 1
    assert all(np.isfinite(array).all() for array in arrays(learner))


@pytest.mark.fault(
    "labels 1 to 3 for three outputs, compiled by XLA", "refused, or stopped at the first step"
)
def test_labels_out_of_range_do_not_train():
    network = tfmeta.networks.mlp((2,), 3)
    learner = tfmeta.MAML(network)
    learner.compile("sgd", jit_compile=True)
    x, y = tf.random.normal((2, 6, 2), seed=1), tf.constant([[1, 2, 3, 1, 2, 3]] * 2)
    episodes = tf.data.Dataset.from_tensors(tfmeta.Episode(x, y, x, y)).repeat()
    before = [v.numpy() for v in learner.variables]
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match=r"finite|label"):
        learner.fit(episodes, steps_per_epoch=2, shuffle=False, verbose=0)
    for one, other in zip(before, learner.variables, strict=True):
        np.testing.assert_array_equal(one, other)


# Weights that are none


@pytest.mark.fault(
    "exporting or loading a learner with weights that are not finite", "a refusal with their names"
)
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path):
    train(tmp_path / "run", steps=3)
    run = RunDirectory.open(tmp_path / "run")
    learner, step = run.load_checkpoint()
    kernel = learner.network.get_layer("head").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    with pytest.raises(UserError, match=r"not finite: .*head/kernel"):
        export_model(learner, tmp_path / "exported")
    assert not list((tmp_path / "exported").glob("[0-9]*"))
    with pytest.raises(UserError, match="not finite"):
        run.save_checkpoint(learner, step, minutes=0)
    learner.save(next(run.checkpoints.glob("step-*")))  # as older versions wrote them
    with pytest.raises(UserError, match="head/kernel"):
        load(tmp_path / "run")


@pytest.mark.fault(
    "a result that is not a finite number, as JSON", "null, and the reason beside it"
)
def test_json_holds_no_nan():
    value = {"mse": float("nan"), "curve": [1.0, float("inf")], "of": {"x": np.float64("-inf")}}
    received = json.loads(strict_json.dumps(value), parse_constant=never)
    reasons = {"mse": "nan", "curve[1]": "inf", "of.x": "-inf"}
    expected = {"mse": None, "curve": [1.0, None], "of": {"x": None}, "not_finite": reasons}
    assert received == expected
