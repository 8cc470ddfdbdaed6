"""Robustness: changed episodes against changes by hand, and the same episodes for all."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

import tfmeta
from tfmeta.episodes.episode import Episode
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.evaluator import Evaluator
from tfmeta.evaluation.robustness.attacks import Attacks
from tfmeta.evaluation.robustness.condition import Condition
from tfmeta.evaluation.robustness.corrupted import corruption_conditions
from tfmeta.evaluation.robustness.imbalanced import imbalanced_conditions
from tfmeta.evaluation.robustness.mislabelled import mislabelled_conditions
from tfmeta.evaluation.robustness.tested import TestedConditions, with_differences
from tfmeta.pipelines import build

TASKS = 6


def glyphs(**shape):
    shape = {"num_ways": 3, "num_shots": 2, "num_queries": 2, **shape}
    return FixedEpisodes(build("glyphs"), EpisodeShape(**shape), "test", TASKS)


def batch_of(fixed):
    (batch,) = fixed.batches(TASKS)
    return type(batch)(*map(np.asarray, batch))


def prototypical(**options):
    keras.utils.set_random_seed(2)
    network = tfmeta.networks.conv4((28, 28, 1), None, filters=4, num_blocks=2)
    return tfmeta.Prototypical(network, **options)


@pytest.fixture(scope="module")
def learner():
    return prototypical()


def test_the_clean_row_is_the_evaluation_and_differences_are_of_the_tasks(learner):
    fixed = glyphs()
    (wrong,) = [each for each in mislabelled_conditions(fixed) if each.severity == 4]
    same = Condition("same", 1, "", "query", lambda batch, first: batch)
    told = []
    tests = TestedConditions(learner, fixed)
    rows = with_differences(tests.tested([same, wrong], lambda *done: told.append(done)))
    facts = Evaluator(learner, fixed).run()
    clean, unchanged, mislabelled = rows
    assert_close(clean["accuracy"], facts["accuracy"], dtype=np.float32)
    assert_close(clean["ci95"], facts["ci95"], dtype=np.float32)
    assert (unchanged["difference"], unchanged["p_corrected"], unchanged["holds"]) == (0, 1, False)
    assert unchanged["ece"] == clean["ece"]
    expected = mislabelled["accuracy"] - clean["accuracy"]
    assert_close(mislabelled["difference"], expected, dtype=np.float32)
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_share_of_the_support_set_is_mislabelled_the_more_the_worse():
    fixed = glyphs(num_ways=5, num_shots=4, num_queries=1)
    batch = batch_of(fixed)
    wrong = []
    for condition in mislabelled_conditions(fixed):
        changed = condition.change(batch, 0)
        again = condition.change(batch, 0)
        np.testing.assert_array_equal(changed.support_y, again.support_y)
        for name in ("support_x", "query_x", "query_y"):
            np.testing.assert_array_equal(getattr(changed, name), getattr(batch, name))
        assert set(np.unique(changed.support_y)) <= set(range(5))
        wrong.append(changed.support_y != batch.support_y)
    assert [each.sum(1).tolist() for each in wrong] == [[n] * TASKS for n in (2, 4, 6, 8)]
    for less, more in itertools.pairwise(wrong):
        assert (more | ~less).all()  # what is wrong at 10% is wrong at 20%
    part = Episode(*(each[2:4] for each in batch))
    (condition,) = [each for each in mislabelled_conditions(fixed) if each.severity == 3]
    alone = condition.change(part, 2)  # a task's number decides, not its batch
    np.testing.assert_array_equal(alone.support_y != part.support_y, wrong[2][2:4])


def test_padding_is_no_example_that_could_be_mislabelled():
    fixed = glyphs(num_ways=(2, 4), num_shots=(1, 3))
    batch = batch_of(fixed)
    for condition in mislabelled_conditions(fixed):
        changed = condition.change(batch, 0)
        np.testing.assert_array_equal(changed.support_y < 0, batch.support_y < 0)


def test_corruptions_change_the_queries_alone():
    fixed = glyphs()
    batch = batch_of(fixed)
    conditions = corruption_conditions(fixed)
    assert len(conditions) == 5 * 5
    for condition in conditions[::5]:
        changed = condition.change(batch, 0)
        np.testing.assert_array_equal(changed.support_x, batch.support_x)
        assert (changed.query_x != batch.query_x).any()


def test_classes_have_fewer_examples_from_one_to_the_next():
    fixed = glyphs(num_ways=3, num_shots=4, num_queries=1)
    batch = batch_of(fixed)
    expected = ([4, 3, 2], [4, 2, 1], [4, 1, 1])  # 4, 4 / sqrt(r), 4 / r
    drawn = []
    for condition, counts in zip(imbalanced_conditions(fixed), expected, strict=True):
        changed = condition.change(batch, 0)
        received = [np.bincount(labels, minlength=3).tolist() for labels in changed.support_y]
        assert [sorted(each, reverse=True) for each in received] == [counts] * TASKS
        drawn.append([int(np.argmax(each)) for each in received])
        for task in range(TASKS):
            rows = {(int(y), x.tobytes()) for x, y in zip(*support_of(batch, task), strict=True)}
            kept = {(int(y), x.tobytes()) for x, y in zip(*support_of(changed, task), strict=True)}
            assert kept <= rows
        np.testing.assert_array_equal(changed.query_x, batch.query_x)
    assert len(set(drawn[0])) > 1  # not always the first class
    assert drawn[0] == drawn[1] == drawn[2]
    assert imbalanced_conditions(glyphs(num_shots=1)) == []
    assert imbalanced_conditions(glyphs(num_shots=(1, 3))) == []


def support_of(batch, task):
    return batch.support_x[task], batch.support_y[task]


def linear():
    """A learner whose gradients are known: the logits are a linear function of the query."""
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, use_bias=False)])
    network.set_weights([np.array([[1, -1], [2, 0], [0, 0.5]], np.float32)])
    return tfmeta.MAML(network, inner_learning_rate=1e-9, vectorised=False)


@pytest.fixture
def task():
    """One task of two classes, its numbers from 0 to 1."""
    x = np.array([[[0.5, 0.4, 0.3], [0.2, 0.9, 1.0]]], np.float32)
    y = np.array([[0, 1]], np.int32)
    return Episode(x, y, x, y)


@pytest.mark.parametrize("name", ["fgsm", "pgd"])
def test_attacks_on_queries_go_along_the_sign_to_the_bound(name, task):
    conditions = Attacks(linear(), (0.0, 1.0)).conditions()
    for condition in conditions:
        if (condition.name, condition.part) == (name, "query"):
            bound = (2, 8, 16)[condition.severity - 1] / 255
            changed = condition.change(task, 0)
            np.testing.assert_array_equal(changed.support_x, task.support_x)
            # The right logit less the other is +-(2, 2, -0.5) times x; the loss rises against it.
            away = np.array([[[-1, -1, 1], [1, 1, -1]]], np.float32)
            expected = np.clip(task.query_x + bound * away, 0, 1)
            assert_close(changed.query_x, expected, dtype=np.float32, scale=1.0)


def test_attacks_on_the_support_set_raise_the_loss_through_the_inner_loop(learner):
    fixed = glyphs()
    batch = batch_of(fixed)
    attacks = Attacks(learner, (0.0, 1.0)).conditions()
    chosen = [c for c in attacks if (c.part, c.severity) == ("support", 3)]
    assert [each.name for each in chosen] == ["fgsm", "pgd"]

    def answered(task, *, sizes):
        state = sizes.given_to(learner.adapt)(task.support_x, task.support_y)
        return learner.predict_with(state, task.query_x)

    def losses(changed):
        outputs = learner.map_tasks(answered, changed)
        pairs = zip(batch.query_y, outputs, strict=True)
        return np.array([float(learner.task_loss(tf.constant(y), o)) for y, o in pairs])

    clean = losses(batch)
    for condition in chosen:
        changed = condition.change(batch, 0)
        np.testing.assert_array_equal(changed.query_x, batch.query_x)
        distance = np.abs(changed.support_x - batch.support_x).max()
        assert_close(distance, 16 / 255, dtype=np.float32)
        assert changed.support_x.min() >= 0
        assert changed.support_x.max() <= 1
        assert losses(changed).mean() > clean.mean()
