"""Checks of the episodes in a dataset.

They are part of the dataset, because XLA removes the assertions of a compiled step.
"""

from typing import Any

import keras
import tensorflow as tf

from tfmeta.episodes.episode import PaddedEpisode
from tfmeta.errors import UserError
from tfmeta.learners.targets import are_labels
from tfmeta.learners.task_inputs import check_specification, structured


def with_label_checks(learner: keras.Model, dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The same `tf.data.Dataset` of episodes, with checks that the learner can take its labels.

    Raises:
        UserError: if it is no dataset of episodes, or they are not for the learner.
    """
    try:
        spec = structured(dataset.element_spec)
    except UserError as error:
        raise UserError(f"the dataset's elements: {error}") from None
    check_specification(learner, spec)
    if not are_labels(spec.support_y, 2):
        return dataset
    return asserting(dataset, lambda episodes: _label_assertions(learner, episodes))


def with_finite_checks(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The same dataset of episodes, with checks that all of its numbers are finite.

    These are for evaluation and prediction. In training `finite_guard` says more.
    """
    return asserting(dataset, _finite_assertions)


def _finite_assertions(episodes: Any) -> list[Any]:
    return [
        tf.debugging.Assert(
            tf.reduce_all(tf.math.is_finite(values)),
            [f"received {name} with values that are no finite numbers; expected finite numbers"],
        )
        for name, values in episodes._asdict().items()
        if values.dtype.is_floating
    ]


def asserting(dataset: tf.data.Dataset, assertions: Any) -> tf.data.Dataset:
    """The same dataset, in which each batch waits for the operations in `assertions(episodes)`."""

    @tf.autograph.experimental.do_not_convert
    def checked(*data: Any) -> tf.Tensor:
        episodes = structured(data[0] if len(data) == 1 else data)
        with tf.control_dependencies(assertions(episodes)):
            return tf.nest.map_structure(tf.identity, episodes)

    return dataset.map(checked)


def _label_assertions(learner: keras.Model, episodes: Any) -> list[Any]:
    """Assertions that no label of a batch is negative or higher than the classes allow."""
    labels = {name: getattr(episodes, name) for name in ("support_y", "query_y")}
    labels = {name: tf.cast(y, tf.int32) if y.dtype == tf.bool else y for name, y in labels.items()}
    if isinstance(episodes, PaddedEpisode):  # its padding has the label -1
        sizes = {"support_y": episodes.support_size, "query_y": episodes.query_size}
        for name, y in labels.items():
            labels[name] = tf.where(tf.sequence_mask(sizes[name], tf.shape(y)[1]), y, 0)
    num_classes = learner.num_outputs
    if num_classes is None:
        num_classes = tf.reduce_max(labels["support_y"], 1, keepdims=True) + 1
        expected = "expected labels from 0 to the support set's largest"
    else:
        expected = f"expected labels from 0 to {num_classes - 1}"
    checks = []
    for name, y in labels.items():
        message = f"{name}: {expected}"
        checks.append(tf.debugging.assert_non_negative(y, message))
        checks.append(tf.debugging.assert_less(y, tf.cast(num_classes, y.dtype), message))
    return [check for check in checks if check is not None]
