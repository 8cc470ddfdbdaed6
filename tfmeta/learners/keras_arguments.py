"""The arguments of Keras's training calls: which are honoured, and which are refused.

An argument of `keras.Model` that is in neither table is refused too, so that an argument of a newer
Keras is never ignored.
"""

import inspect
from typing import Any

import keras
import tensorflow as tf

from tfmeta.episodes.episode import Episode, PaddedEpisode, SolvedEpisode
from tfmeta.errors import UserError
from tfmeta.learners.dataset_checks import asserting, with_finite_checks, with_label_checks
from tfmeta.learners.task_inputs import as_episodes

_TARGETS = "an episode holds its targets, support_y and query_y"
_WEIGHTS = "a task's loss is the mean over its examples; a loss of your own can weigh them"
_BATCHES = "a batch is the meta-batch, which the dataset makes: dataset.batch(tasks)"

HONOURED = {
    "compile": (
        "optimizer",
        "loss",
        "metrics",
        "weighted_metrics",
        "run_eagerly",
        "steps_per_execution",
        "jit_compile",
        "auto_scale_loss",
    ),
    "fit": (
        "x",
        "epochs",
        "verbose",
        "callbacks",
        "validation_data",
        "initial_epoch",
        "steps_per_epoch",
        "validation_steps",
        "validation_freq",
    ),
    "evaluate": ("x", "verbose", "steps", "callbacks", "return_dict"),
    "predict": ("x", "verbose", "steps", "callbacks"),
    "train_on_batch": ("x", "return_dict"),
    "test_on_batch": ("x", "return_dict"),
    "predict_on_batch": ("x",),
}
_IN_ALL = {
    "y": _TARGETS,
    "batch_size": _BATCHES,
    "sample_weight": _WEIGHTS,
    "class_weight": _WEIGHTS,
}
REFUSED = {
    "compile": {"loss_weights": "a learner has one output, and one loss"},
    "fit": {
        **_IN_ALL,
        "validation_split": "its classes would be those of training; give validation_data, a "
        "dataset of Episode of other classes",
        "validation_batch_size": _BATCHES,
        "shuffle": "a dataset has its own order: dataset.shuffle(...)",
    },
    "evaluate": _IN_ALL,
    "predict": _IN_ALL,
    "train_on_batch": _IN_ALL,
    "test_on_batch": _IN_ALL,
    "predict_on_batch": {},
}


def given(method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call of `keras.Model`'s method, by name.

    Raises:
        ValueError: if an argument is refused; the message has its name and the reason.
        TypeError: if there is no such argument.
    """
    signature = inspect.signature(getattr(keras.Model, method))
    arguments = signature.bind(None, *args, **kwargs).arguments
    arguments = dict(list(arguments.items())[1:])  # without self
    arguments.update(arguments.pop("kwargs", {}))
    honoured = {name: arguments.pop(name) for name in HONOURED[method] if name in arguments}
    for name, value in arguments.items():
        parameter = signature.parameters.get(name)
        if parameter is not None and _asks_nothing(value, parameter.default):
            continue
        reason = REFUSED[method].get(name, "it is unknown here")
        raise ValueError(
            f"{method} received {name}, which a learner does not take: {reason}. Leave it out"
        )
    return honoured


def _asks_nothing(value: Any, default: Any) -> Any:
    if value is None or value is False:
        return True
    return type(value) in (int, float) and value == default


def as_dataset(
    learner: keras.Model, x: tf.Tensor, *, argument: str = "x", for_training: bool = False
) -> tf.data.Dataset:
    """A dataset of Episode from what `fit` and similar calls take: a dataset or one Episode.

    Args:
        learner: a MetaLearner.
        x: what the user gave.
        argument: its name.
        for_training: whether training steps use the dataset. They find numbers that are not finite
            by themselves, and say more about them.

    Raises:
        UserError: if `x` is neither.
    """
    if isinstance(x, tf.distribute.DistributedDataset):
        raise UserError(
            f"{argument} is a DistributedDataset, whose episodes can't be checked any more; "
            "expected the tf.data.Dataset itself, of the whole meta-batch: it is shared out over "
            "the replicas of the strategy in whose scope the learner was made"
        )
    if isinstance(x, (Episode, PaddedEpisode, SolvedEpisode)):
        x = tf.data.Dataset.from_tensors(as_episodes(learner, x))
    if not isinstance(x, tf.data.Dataset):
        raise UserError(
            f"{argument} is a {type(x).__name__}; expected a tf.data.Dataset of tfmeta.Episode, "
            "each tensor with a leading tasks dimension"
        )
    x = with_label_checks(learner, x)
    if not for_training:
        x = with_finite_checks(x)
    return _with_even_shares(x, learner.distribute_strategy)


def _with_even_shares(dataset: tf.data.Dataset, strategy: Any) -> tf.data.Dataset:
    """The same dataset, with a check that each replica gets the same number of tasks."""
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return dataset
    message = (
        f"a batch's tasks can't be shared out evenly over {replicas} replicas; expected a multiple "
        f"of {replicas} in each batch: dataset.batch(tasks, drop_remainder=True)"
    )

    def assertions(episodes: Any) -> list[Any]:
        tasks = tf.shape(episodes.support_y)[0]
        return [tf.debugging.assert_equal(tasks % replicas, 0, message)]

    return asserting(dataset, assertions)
