"""Runs of the transfer learner: minibatches of all training classes, by the doors of every run."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from nightly import second_road
from small_runs import CLASSES, train

import tfmeta
from tfmeta.errors import UserError
from tfmeta.pipelines.sinusoid import Sinusoid
from tfmeta.training.flat_settings import as_flat
from tfmeta.training.plan import Plan
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings

TRANSFER = {**CLASSES, "algorithm": "transfer", "train_ways": None, "meta_batch": 1, "steps": 12}
TRANSFER |= {"pipeline_options": {"rotations": False}}
THEN_META = {**TRANSFER, "learner_options": {"then": "meta", "meta_share": 0.5}}


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TFMETA_CACHE", str(tmp_path / "cache"))


def plan_of(settings, **changes):
    return Plan.make(Settings().updated(as_flat({**settings, **changes})))


def everything(run_dir):
    """All that must be the same to the bit: weights, optimizer state, metrics."""
    learner, _ = RunDirectory.open(run_dir).load_checkpoint()
    arrays = [v.numpy() for v in (*learner.variables, *learner.optimizer.variables)]
    return [*arrays, np.frombuffer((run_dir / "metrics.jsonl").read_bytes(), np.uint8)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return train(tmp_path_factory.mktemp("finished") / "run", THEN_META).path


@pytest.mark.fault("a run of transfer is killed among its episodes", "it resumes to the same bits")
def test_a_run_resumed_before_its_last_checkpoint_ends_in_the_same_bits(finished, tmp_path):
    run = shutil.copytree(finished, tmp_path / "cut")
    newest = sorted((run / "checkpoints").glob("step-*"))[-1]
    newest.rename(run / "checkpoints/partial-1.keras")  # as if killed before the rename
    tfmeta.train(run_dir=run, resume=True)
    for one, other in zip(everything(run), everything(finished), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_knows_its_classes_and_steps_and_gives_the_default_head(finished):
    learner = tfmeta.load(finished)
    classes = json.loads((finished / "splits.json").read_text())["train"]
    assert learner.num_training_classes == len(classes)
    assert (learner.num_steps, learner.then, learner.head) == (12, "meta", "cosine")


@pytest.mark.slow
def test_a_run_has_a_teacher_and_needs_its_file_no_more_when_it_goes_on(finished, tmp_path):
    file = shutil.copy(sorted((finished / "checkpoints").glob("step-*"))[-1], tmp_path / "t.keras")
    run = train(tmp_path / "run", TRANSFER, learner_options={"teacher": str(file)}).path
    file.unlink()
    tfmeta.train(run_dir=run, resume=True, steps=14)
    teacher, before = tfmeta.load(run).teacher, tfmeta.load(finished, checkpoint="last")
    for one, other in zip(teacher.network.variables, before.network.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    assert tfmeta.evaluate(run, tasks=4, baselines=False)["num_tasks"] == 4


def test_the_export_holds_no_classifier(finished, tmp_path):
    learner = tfmeta.load(finished)
    kept = {v.shape for v in learner.served_variables}
    assert learner.class_weights.shape in {v.shape for v in learner.variables} - kept
    version = learner.export(tmp_path / "export")
    saved = tf.train.list_variables(str(version / "variables" / "variables"))
    shapes = [tuple(shape) for _, shape in saved]
    assert learner.class_weights.shape not in shapes
    assert learner.network.layers[1].kernel.shape in shapes


@pytest.mark.parametrize(("ways", "shots"), [(2, 1), (5, 7)])
def test_a_minibatch_does_not_depend_on_the_task(ways, shots):
    shape = plan_of(TRANSFER, ways=ways, shots=shots).training_shape
    assert (shape.num_ways, shape.num_shots, shape.num_queries) == (16, 1, 1)


def test_with_few_classes_a_minibatch_is_as_large():
    from tfmeta.pipelines.glyphs import build

    source = build(rotations=False)
    few = source.index.splits["train"][:6]
    source.index.splits["train"] = few
    plan = Plan.make(Settings().updated(as_flat(TRANSFER)), source)
    size = plan.training_shape
    assert (size.num_ways, size.num_shots, size.num_queries) == (6, 1, 4)
    assert plan.learner.learner_options["num_training_classes"] == 6


def test_training_sees_the_numbers_of_the_classes():
    plan = plan_of(TRANSFER)
    episodes = next(iter(plan.episodes_after(0, learner=plan.build_learner())))
    names = plan.source.names_of_classes("train", plan.training_shape, 0, 1)[0]
    index = plan.source.index
    numbered = [index.class_names[number] for number in index.classes("train")]
    assert [numbered[label] for label in episodes.support_y[0]] == names
    np.testing.assert_array_equal(episodes.query_y, episodes.support_y)


@second_road(
    "tests/training/test_trained_part.py"
    "::test_a_run_of_a_head_trains_the_map_of_the_features_alone",
    "tests/training/test_trained_part.py::test_what_goes_on_trains_on",
)
def test_a_head_on_frozen_features_is_trained(tmp_path):
    run = train(tmp_path / "run", TRANSFER, train="head")
    head = tfmeta.load(run.path, checkpoint="last").learner.network
    assert np.any(head.trainable_variables[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": "none"}, "no weight of the network is to be trained"),
        ({"train": "head", "learner_options": {"then": "meta"}}, "takes no steps of its own"),
        ({"steps": None, "max_minutes": 1, "learner_options": {"then": "meta"}}, "without a num"),
        ({"learner_options": {"head": "svm"}}, "received head='svm'; expected one of"),
        ({"learner_options": {"num_steps": 4}}, "algorithm transfer has no option 'num_steps'"),
        ({"pipeline": "sinusoid", "pipeline_options": {}, "network_options": {}}, "tells classes"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(changes, message, tmp_path):
    with pytest.raises(UserError, match=message):
        train(tmp_path / "run", TRANSFER, **changes)


def test_a_source_without_classes_of_its_own_is_refused():
    shape = plan_of(TRANSFER).training_shape
    with pytest.raises(UserError, match="sinusoid has no classes with a number of their own, so"):
        Sinusoid().num_classes("train", shape)
    with pytest.raises(UserError, match="sinusoid has no classes with a number of their own"):
        Sinusoid().with_class_numbers()
