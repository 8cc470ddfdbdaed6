"""Sizes that tasks of a batch have in common reach what declares them, and nothing else."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

import tfmeta
from tfmeta.episodes.episode import Episode
from tfmeta.learners.class_members import class_means, membership
from tfmeta.learners.common_sizes import CommonSizes


def test_labels_say_how_many_columns_an_answer_needs():
    labels = tf.constant([[0, 1, 2, 2], [0, 0, 1, 1]])
    assert int(CommonSizes.of(labels).num_classes) == 3
    assert CommonSizes.of(labels, static=True).num_classes == 4
    assert CommonSizes.of(tf.zeros((2, 4, 1)), num_examples=7).num_classes is None
    assert CommonSizes.of(tf.zeros((2, 4, 1)), num_examples=7).num_examples == 7


def test_only_what_declares_sizes_is_given_them():
    sizes = CommonSizes(3)
    assert sizes.given_to(lambda a, *, sizes: (a, sizes))(1) == (1, sizes)
    assert sizes.given_to(lambda a, b: (a, b))(1, 2) == (1, 2)


@pytest.mark.parametrize("vectorised", [True, False])
def test_tasks_of_different_numbers_of_classes_stack(vectorised):
    """In one batch a task of 2 classes has 3 columns, the last one a probability of zero."""
    keras.utils.set_random_seed(3)
    network = tfmeta.networks.mlp((2,), None, units=(4,))
    learner = tfmeta.Prototypical(network, vectorised=vectorised)
    rng = np.random.default_rng(0)
    x, queries = rng.normal(size=(2, 4, 2)), rng.normal(size=(2, 5, 2))
    labels = np.array([[0, 1, 2, 2], [0, 0, 1, 1]], np.int32)
    batch = Episode(x, labels, queries, np.zeros((2, 5), np.int32))
    answer = tf.nn.softmax(learner(batch)).numpy()
    assert answer.shape == (2, 5, 3)
    np.testing.assert_array_equal(answer[1, :, 2], 0)
    for task in range(2):
        support, query = (network(each[task]).numpy() for each in (x, queries))
        means = np.stack(
            [support[labels[task] == c].mean(0) for c in range(labels[task].max() + 1)]
        )
        logits = -((query[:, np.newaxis] - means) ** 2).sum(-1)
        expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        assert_close(answer[task, :, : len(means)], expected)


def test_a_learner_of_any_number_of_classes_without_sizes_runs_task_by_task():
    class Plain(tfmeta.MetaLearner):
        num_outputs = None

        def adapt(self, support_x, support_y):
            members = membership(support_y, support_x.dtype)
            return {"means": class_means(support_x, members)}

        def predict_with(self, task_state, query_x):
            return -tf.reduce_sum((query_x[:, tf.newaxis] - task_state["means"]) ** 2, -1)

        def task_gradients(self, episode):
            return self.query_gradients(episode)

        @classmethod
        def recipe(cls, options, *, regression):
            raise NotImplementedError

    learner = Plain(tfmeta.networks.mlp((2,), None, units=()))
    assert not learner.is_vectorised
    x = np.arange(16, dtype=np.float32).reshape(2, 4, 2)
    labels = np.array([[0, 0, 1, 1], [1, 1, 0, 0]], np.int32)
    answer = learner(Episode(x, labels, x, labels)).numpy()
    means = np.stack([x[:, :2].mean(1), x[:, 2:].mean(1)], 1)
    means[1] = means[1, ::-1]
    assert_close(answer, -((x[:, :, np.newaxis] - means[:, np.newaxis]) ** 2).sum(-1))
