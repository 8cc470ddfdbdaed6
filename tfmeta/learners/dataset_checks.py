"""What a dataset of episodes holds, checked on the way to Keras's steps.

On the way, where an assertion holds in every mode: XLA drops those of a compiled step.
"""

import tensorflow as tf

from tfmeta.episodes.episode import PaddedEpisode
from tfmeta.errors import UserError
from tfmeta.learners.task_inputs import structured


def with_label_checks(learner, dataset):
    """A `tf.data.Dataset` of episodes whose labels are those that the learner takes.

    Raises:
        UserError: if it is no dataset of episodes.
    """
    try:
        spec = structured(dataset.element_spec)
    except UserError as error:
        raise UserError(f"the dataset's elements: {error}") from None
    if not spec.support_y.dtype.is_integer:
        return dataset
    return asserting(dataset, lambda episodes: _label_assertions(learner, episodes))


def with_finite_checks(dataset):
    """A dataset of episodes whose numbers are all finite, or whose iteration names what is not.

    For evaluation and prediction; of training, `finite_guard` says more.
    """
    return asserting(dataset, _finite_assertions)


def _finite_assertions(episodes) -> list:
    return [
        tf.debugging.Assert(
            tf.reduce_all(tf.math.is_finite(values)),
            [f"received {name} with values that are no finite numbers; expected finite numbers"],
        )
        for name, values in episodes._asdict().items()
        if values.dtype.is_floating
    ]


def asserting(dataset, assertions):
    """A dataset of episodes each of which waits for `assertions(episodes)`, a list."""

    def checked(*data):
        episodes = structured(data[0] if len(data) == 1 else data)
        with tf.control_dependencies(assertions(episodes)):
            return tf.nest.map_structure(tf.identity, episodes)

    return dataset.map(checked)


def _label_assertions(learner, episodes) -> list:
    """Of a batch's labels: none is negative, and none beyond the classes there are."""
    labels = {"support_y": episodes.support_y, "query_y": episodes.query_y}
    if isinstance(episodes, PaddedEpisode):  # whose padding has the label -1
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
