"""Learners under conditions: unknown classes and frozen networks, against NumPy and Keras."""

import keras
import numpy as np
from closeness import assert_close

import tfmeta
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.robustness.condition import Condition
from tfmeta.evaluation.robustness.mislabelled import mislabelled_conditions
from tfmeta.evaluation.robustness.other_classes import OtherClasses
from tfmeta.evaluation.robustness.tested import TestedConditions
from tfmeta.pipelines import build

TASKS, WAYS = 6, 3


def glyphs(**shape):
    shape = {"num_ways": WAYS, "num_shots": 2, "num_queries": 2, **shape}
    return FixedEpisodes(build("glyphs"), EpisodeShape(**shape), "test", TASKS)


def frozen_learner():
    """A learner on a frozen network, and that network."""
    keras.utils.set_random_seed(5)
    network = tfmeta.networks.conv4((28, 28, 1), None, filters=4, num_blocks=2)
    given = keras.Input(network.output_shape[1:])
    head = tfmeta.Prototypical(keras.Model(given, keras.layers.Activation("linear")(given)))
    return tfmeta.OnFeatures(network, head), network


def batch_of(fixed):
    (batch,) = fixed.batches(TASKS)
    return type(batch)(*map(np.asarray, batch))


def by_hand(network, support_x, support_y, query_x):
    """Logits of the nearest mean of what Keras makes of the examples."""
    support, query = (
        network.predict(x, verbose=0).astype(np.float64) for x in (support_x, query_x)
    )
    means = np.stack([support[support_y == label].mean(0) for label in range(WAYS)])
    return -((query[:, np.newaxis] - means) ** 2).sum(-1)


def doubts(logits):
    """One minus the largest probability."""
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    return 1 - 1 / odds.sum(-1)


def test_unknown_queries_are_those_of_the_task_before_with_other_classes():
    learner, network = frozen_learner()
    fixed = glyphs()
    batch = batch_of(fixed)
    names = fixed.source.names_of_classes("test", fixed.shape, 0, TASKS)
    known, unknown = [], []
    for task in range(TASKS):
        support = batch.support_x[task], batch.support_y[task]
        known += doubts(by_hand(network, *support, batch.query_x[task])).tolist()
        if task:
            others = doubts(by_hand(network, *support, batch.query_x[task - 1]))
            labels = batch.query_y[task - 1]
            unknown += [
                doubt
                for doubt, label in zip(others, labels, strict=True)
                if names[task - 1][label] not in names[task]
            ]
    assert 0 < len(unknown) < (TASKS - 1) * 2 * WAYS
    pairs = [(b > a) + (b == a) / 2 for a in known for b in unknown]
    (clean,) = TestedConditions(learner, fixed).tested([], lambda *_: None)
    assert_close(clean.row["unknown_auroc"], np.mean(pairs), dtype=np.float32)


def test_tasks_of_several_sizes_have_no_unknown_queries():
    fixed = glyphs(num_ways=(2, 3))
    assert not OtherClasses(fixed).there_are
    (clean,) = TestedConditions(frozen_learner()[0], fixed).tested([], lambda *_: None)
    assert clean.row["unknown_auroc"] is None
    assert len(clean.scores) == TASKS


def test_a_frozen_network_embeds_only_what_is_changed(monkeypatch):
    learner, network = frozen_learner()
    fixed = glyphs()
    embedded = []
    own = learner.as_embedded
    monkeypatch.setattr(learner, "as_embedded", lambda x: embedded.append(len(x)) or own(x))

    def darker(batch, first):
        return batch._replace(query_x=batch.query_x * np.float32(0.2))

    (wrong,) = [each for each in mislabelled_conditions(fixed) if each.severity == 1]
    dark = Condition("dark", 1, "", "query", darker)
    tests = TestedConditions(learner, fixed)
    batch = batch_of(fixed)
    for condition, times in ((wrong, 0), (dark, TASKS)):
        embedded.clear()
        found = tests.test(condition)
        assert embedded == [2 * WAYS] * times
        changed = condition.change(batch, 0)
        expected = [
            np.mean(by_hand(network, x, y, query).argmax(-1) == right)
            for x, y, query, right in zip(*changed, strict=True)
        ]
        assert_close(found.scores, np.array(expected), dtype=np.float32)
