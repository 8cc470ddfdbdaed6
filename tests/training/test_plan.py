"""The plan of a run: what it refuses, and what it builds."""

from types import SimpleNamespace

import pytest
import tensorflow as tf
from small_runs import CLASSES, VALUES, lines, train

import tfmeta
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.errors import UserError
from tfmeta.training import strategies
from tfmeta.training.flat_settings import as_flat
from tfmeta.training.plan import Plan
from tfmeta.training.settings import Settings
from tfmeta.training.windows import Windows
from tfmeta.workflows.train import one_step


def plan_of(settings, **changes):
    return Plan.make(Settings().updated(as_flat({**settings, **changes})))


def test_a_plan_keeps_no_user_setting_open():
    plan = plan_of(CLASSES)
    settings = plan.settings
    assert (settings.ways, settings.train_ways, settings.meta_batch) == (2, 2, 2)
    assert plan.learner.network_options["input_shape"] == (28, 28, 1)
    assert plan.learner.network_options["num_outputs"] is None  # it embeds and compares
    assert plan_of(VALUES).learner.network_options["num_outputs"] == 1
    assert Plan.make(settings, plan.source).settings == settings
    with pytest.raises(AttributeError, match="meta_batch"):
        plan.meta_batch = 4


@pytest.mark.fault("a dry run with a strategy that there is not", "refused as training refuses it")
def test_a_dry_run_is_under_the_runs_strategy(monkeypatch):
    with pytest.raises(UserError, match="there is no TPU on this machine to train on"):
        one_step(plan_of(VALUES, strategy="tpu"))
    monkeypatch.setattr(
        tf.config, "list_logical_devices", lambda kind: [None, None] if kind == "GPU" else []
    )
    with pytest.raises(UserError, match="meta-batch of 3 for 2 devices; expected a multiple"):
        one_step(plan_of(VALUES, strategy="mirrored", meta_batch=3))


@pytest.mark.fault(
    "--strategy tpu for episodes of several sizes or a network that draws random numbers",
    "refused before training: a TPU compiles each step",
)
def test_what_a_tpu_cannot_compile_is_refused():
    learner = plan_of(VALUES, network="small_runs:dropping", network_options={}).build_learner()
    strategies.check_learner("auto", learner, EpisodeShape(1, (1, 2), 1))
    with pytest.raises(UserError, match="layers that draw random numbers and strategy 'tpu'"):
        strategies.check_learner("tpu", learner, EpisodeShape(1, 1, 1))
    with pytest.raises(UserError, match="episodes of several sizes and strategy 'tpu', which"):
        strategies.check_learner("tpu", learner, EpisodeShape(1, (1, 2), 1))


@pytest.mark.fault(
    "Relation on several devices, for episodes of several ways",
    "refused: a task's numbers would depend on the tasks beside it",
)
def test_a_learner_whose_tasks_depend_on_each_other_has_one_device(monkeypatch):
    options = {"algorithm": "relation", "network_options": {"filters": 2}}
    learner = plan_of(CLASSES, **options).build_learner()
    strategies.check_learner("auto", learner, EpisodeShape((2, 3), 1, 1))
    monkeypatch.setattr(learner, "_distribute_strategy", SimpleNamespace(num_replicas_in_sync=2))
    strategies.check_learner("mirrored", learner, EpisodeShape(2, (1, 2), 1))
    with pytest.raises(UserError, match="received 2-3 ways for 2 devices; Relation learns a task"):
        strategies.check_learner("mirrored", learner, EpisodeShape((2, 3), 1, 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inner_lr": "0.4"}, r"received inner_lr='0\.4'; expected a number, such as 0\.4"),
        ({"inner_steps": "3"}, r"received inner_steps='3'; expected a number, such as 1"),
        (
            {"learner_options": {"first_order": "yes"}},
            r"received learner.first_order='yes'; expected True or False, such as False",
        ),
        ({"outer_lr": "0.4"}, r"received outer_lr='0\.4'; expected a positive number"),
        ({"outer_learning_rate": 0.4}, r"unknown setting 'outer_learning_rate'; .*outer_lr"),
    ],
)
def test_a_number_as_text_is_refused_by_its_name(changes, message, tmp_path):
    with pytest.raises(UserError, match=message):
        tfmeta.train("sinusoid", run_dir=tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_validation_comes_at_the_steps_that_were_asked_for(tmp_path):
    """Also where tasks are vectorised, whose windows would be of 500 steps."""
    vectorised = {"learner_options": {"vectorised": True, "first_order": True}, "log_every": None}
    changes = {"steps": 120, "validate_every": 50, "validation_tasks": 2}
    run = train(tmp_path / "run", VALUES, **vectorised, **changes)
    assert [line["step"] for line in lines(run)] == [50, 100, 120]
    assert all("validation_mse" in line for line in lines(run))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"log_every": None}, Windows(20, None, 12)),
        ({"log_every": None, "validation_tasks": 1}, Windows(20, 100, 12)),
        ({"log_every": 5, "validation_tasks": 1, "steps": 600}, Windows(5, 50, 600)),
        ({"log_every": 5, "validation_tasks": 1, "steps": 10**6}, Windows(5, 125, 10**6)),
        ({"validate_every": 7}, Windows(4, None, 12)),  # without tasks there is no validation
        ({"steps": None, "max_minutes": 1.0}, Windows(4, None, None)),
    ],
)
def test_windows_by_default(changes, expected):
    plan = plan_of(VALUES, **changes)
    assert plan.windows(plan.build_learner()) == expected


@pytest.mark.parametrize(
    ("given", "algorithm"),
    [
        ({"pipeline": "regression"}, "bayes-linear"),
        ({"pipeline": "regression", "algorithm": "maml"}, "maml"),
        ({"pipeline": "sinusoid"}, "maml"),
        ({"pipeline": "some.module:builder"}, "maml"),
    ],
)
def test_a_new_run_has_the_algorithm_of_its_pipeline_unless_one_is_named(given, algorithm):
    assert Settings.of_new_run(given).algorithm == algorithm


@pytest.mark.fault(
    "evaluate with a strategy that needs workers or a TPU", "refused, with the ones that it has"
)
@pytest.mark.parametrize("name", ["multiworker", "tpu", "several"])
def test_an_evaluation_is_shared_out_on_one_machine(name):
    with strategies.scope_of_this_machine("single"), strategies.scope_of_this_machine("auto"):
        pass
    with pytest.raises(UserError, match=f"received --strategy {name}; expected one of: auto, s"):
        strategies.scope_of_this_machine(name)
