"""Distillation: a classifier learns from another one's answers as well as from the labels."""

import os
from typing import Any

import tensorflow as tf

from tfmeta.errors import UserError, described
from tfmeta.keras_files import load_model

_TEMPERATURE = 4.0  # as in the code of Tian et al. 2020, github.com/WangYueFt/rfs, option kd_T


def soft_loss(outputs: tf.Tensor, teacher_outputs: tf.Tensor) -> tf.Tensor:
    """How far the answers are from the teacher's: Hinton et al. 2015, section 2.

    https://arxiv.org/abs/1503.02531. The divergence of both distributions at a high temperature,
    times the temperature squared, so that its gradients are as large as those of the labels.

    Args:
        outputs, teacher_outputs: logits `(examples, classes)`.
    """
    ours, theirs = (
        tf.nn.log_softmax(logits / _TEMPERATURE)
        for logits in (outputs, tf.stop_gradient(teacher_outputs))
    )
    divergence = tf.reduce_sum(tf.exp(theirs) * (theirs - ours), 1)
    return _TEMPERATURE**2 * tf.reduce_mean(divergence)


def teacher_for(pupil: Any, teacher: Any) -> Any:
    """What a teacher knows, its network and its classifier, which are not trained any more.

    Args:
        pupil: a learner with `classified`.
        teacher: a trained learner of the pupil's class, or the path of its `.keras` file.

    Raises:
        ValueError: if it is for other classes or other examples.
        UserError: if there is no such file.
    """
    found = _loaded(teacher) if isinstance(teacher, str | os.PathLike) else teacher
    if not isinstance(found, type(pupil)):
        raise ValueError(
            f"received as teacher a {type(found).__name__}; expected a {type(pupil).__name__}"
        )
    taught, known = _taught(pupil), _taught(found)
    if pupil.num_training_classes is None or taught != known:
        raise ValueError(
            f"received a teacher of {known} for a learner of {taught}; expected the same"
        )
    options = {name: getattr(found, name) for name in ("num_training_classes", "classifier")}
    copy = type(pupil)(found.network, **options)
    for name in ("class_weights", "class_biases", "log_scale"):
        getattr(copy, name).assign(getattr(found, name))
    copy.trainable = False
    return copy


def _taught(learner: Any) -> str:
    shape = learner.function.input_shape[1:]
    return f"{learner.num_training_classes} training classes and examples of shape {shape}"


def _loaded(path: str | os.PathLike[str]) -> Any:
    try:
        return load_model(path)
    except UserError:
        raise
    except Exception as error:  # whatever Keras raises of a damaged file
        raise UserError(
            f"cannot load the teacher {os.fspath(path)!r} ({described(error)}); expected a "
            "checkpoint of a run of transfer, such as runs/NAME/checkpoints/step-00040000.keras"
        ) from error
