"""What TensorBoard shows of a run, read back by TensorBoard's own reader."""

import csv
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from policy_runs import point_run
from small_runs import CLASSES, VALUES, lines, train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import tfmeta
from tfmeta.episodes.episode import Episode
from tfmeta.errors import UserError
from tfmeta.training.callbacks.diagnosis import Diagnosis
from tfmeta.training.diagnosis_parts import DiagnosisParts
from tfmeta.training.plan import Plan
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings

# All validation tasks are diagnosed, so that the numbers of both are the same.
ALL = {"validation_tasks": 4, "validate_every": 4, "diagnosis_share": 1.0}


class Board:
    """The events of a run."""

    def __init__(self, run):
        self._events = EventAccumulator(str(run.path / "tensorboard"), {"tensors": 0})
        self._events.Reload()
        self.tags = set(self._events.Tags()["tensors"])

    def scalars(self, tag):
        return {e.step: tf.make_ndarray(e.tensor_proto).item() for e in self._events.Tensors(tag)}

    def last(self, tag):
        return tf.make_ndarray(self._events.Tensors(tag)[-1].tensor_proto)


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    folder = tmp_path_factory.mktemp("values")
    return train(folder / "my-sinusoid", VALUES, profile_steps=1, **ALL)


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    changes = {**ALL, "steps": 4, "train_ways": 3, "queries": 2}
    run = train(folder / "my-glyphs", CLASSES, **changes)
    tfmeta.evaluate(run, tasks=2, baselines=False)
    return run


def test_the_last_step_of_the_curve_is_the_validation(values):
    board = Board(values)
    expected = {line["step"]: line["validation_mse"] for line in lines(values)}
    assert sorted(expected) == [4, 8, 12]
    received = board.scalars("query_mse/after_1")
    for step, score in expected.items():
        assert_close(received[step], score, dtype=np.float32)
    before, support = (board.scalars(n) for n in ("query_mse/after_0", "support_mse/after_1"))
    assert before.keys() == support.keys() == expected.keys()
    assert before != received
    assert {f"inner_update/{layer}" for layer in ("hidden1", "head")} <= board.tags
    assert {"time/step_milliseconds", "time/data_milliseconds"} <= board.tags
    waited, took = (board.scalars(f"time/{n}_milliseconds") for n in ("data", "step"))
    assert all(0 < waited[step] < took[step] for step in took)
    assert list((values.path / "tensorboard/plugins/profile").glob("*/*.xplane.pb"))


def test_looking_changes_no_number_of_the_run(values, tmp_path):
    without = train(tmp_path / "run", VALUES, **{**ALL, "diagnosis_share": 0})
    read = [(run.path / "metrics.jsonl").read_bytes() for run in (values, without)]
    assert read[0] == read[1]
    assert not [tag for tag in Board(without).tags if tag.startswith(("query_", "episodes"))]


def test_a_run_of_classes_shows_ways_pictures_confusion_and_its_result(classes):
    board = Board(classes)
    line = lines(classes)[-1]
    assert_close(board.scalars("train/accuracy_3way")[4], line["accuracy"], dtype=np.float32)
    score = line["validation_accuracy"]
    assert_close(board.scalars("validation/accuracy_2way")[4], score, dtype=np.float32)
    assert_close(board.scalars("query_accuracy_2way/adapted")[4], score, dtype=np.float32)
    width, height, file = board.last("episodes/0").tolist()
    assert tf.io.decode_png(file).shape[:2] == (int(height), int(width))
    (result,) = json.loads((classes.path / "results.json").read_text())
    received = board.scalars("final/test_accuracy_2way_1shot")
    assert received == {result["step"]: np.float32(result["accuracy"])}
    words = board.last("final/test_accuracy_2way_1shot_in_words").item().decode()
    assert words.startswith("accuracy ")
    assert "2-way 1-shot, 2 queries, inductive, 2 tasks of the test split of glyphs" in words
    best = max(each.get("validation_accuracy", 0) for each in lines(classes))
    assert board.scalars("final/best_validation_accuracy_2way")[4] >= np.float32(best)
    assert "my-glyphs" in board.last("run/settings").item().decode()


def test_each_query_has_a_point_in_the_projector(classes):
    folder = classes.path / "tensorboard"
    with (folder / "embeddings_metadata.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    vectors = np.loadtxt(folder / "embeddings.tsv", delimiter="\t")
    assert len(rows) == len(vectors) == 4 * 2 * 2  # tasks, ways, queries
    right = np.mean([row["class"] == row["answer"] for row in rows])
    assert_close(right, lines(classes)[-1]["validation_accuracy"], dtype=np.float32)


def test_the_length_of_the_meta_gradient_is_that_of_a_step():
    flat = {**VALUES, "validation_tasks": 2, "outer_optimizer": "sgd"}
    own = {
        f"{g}.{k}": v for g in ("network", "learner") for k, v in flat.pop(f"{g}_options").items()
    }
    plan = Plan.make(Settings.of_new_run({**flat, **own}))
    learner = plan.build_learner()
    received = DiagnosisParts(plan, learner).gradient_norms()
    learner.compile(keras.optimizers.SGD(1.0), loss="mse")
    before = learner.get_weights()
    batch = next(iter(plan.episodes_after(0, learner=learner)))
    learner.train_on_batch(Episode(*batch))
    moved = [new - old for new, old in zip(learner.get_weights(), before, strict=True)]
    expected = np.sqrt(sum(np.sum(each.astype(np.float64) ** 2) for each in moved))
    assert_close(received["all_layers"], expected, dtype=np.float32, scale=10.0)
    of_head = np.sqrt(sum(np.sum(each.astype(np.float64) ** 2) for each in moved[-2:]))
    assert_close(received["head"], of_head, dtype=np.float32, scale=10.0)


def test_a_run_in_environments_shows_returns_and_what_was_done():
    run = RunDirectory.open(point_run())
    board = Board(run)
    expected = {line["step"]: line["validation_return"] for line in lines(run)}
    received = board.scalars("query_return/after_1")
    for step, score in expected.items():
        assert_close(received[step], score, dtype=np.float32)
    assert board.scalars("query_return/after_0").keys() == expected.keys()
    for number in range(2):
        width, height, file = board.last(f"episodes/{number}").tolist()
        assert tf.io.decode_png(file).shape[:2] == (int(height), int(width))
        assert board.last(f"videos/{number}").tolist()[2].startswith(b"GIF89a")
    # What compares answers with targets is left out.
    assert not [tag for tag in board.tags if tag.startswith(("confusion", "confidence"))]
    assert not list((run.path / "tensorboard").glob("embeddings*"))


class State:
    """As much of a run's state as decides whether a diagnosis is due."""

    is_complete = False

    def __init__(self, share):
        self.plan = self
        self.settings = self
        self.diagnosis_share = share


def test_diagnoses_take_no_more_than_their_share(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    diagnosis = Diagnosis(State(0.1), None, None)
    spent = 0.0
    for _ in range(1000):
        now[0] += 1.0
        if diagnosis._is_due:
            now[0] += 3.0
            spent += 3.0
            diagnosis._spent, diagnosis._last = spent, 3.0
    assert 0.08 < spent / now[0] <= 0.1
    late = Diagnosis(State(0.0001), None, None)
    now[0] += 11.0
    assert not late._is_due
    late.state.is_complete = True
    assert late._is_due


@pytest.mark.parametrize("value", [-0.1, 1.5, "all"])
def test_a_share_that_is_none_is_refused(value):
    with pytest.raises(UserError, match=r"diagnosis_share=.*; expected a number from 0 to 1"):
        Settings(diagnosis_share=value)
