"""Which of Keras's metrics are right for a task's targets and outputs."""

import inspect
from typing import Any

import keras
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.episodes import target_kind as targets
from tfmeta.episodes.target_kind import TargetKind
from tfmeta.learners.targets import of_batch

_SCORES = "from_logits"  # says whether a metric of probabilities is given logits
_FOR = {
    targets.CLASSES: (
        keras.metrics.SparseCategoricalAccuracy,
        keras.metrics.SparseTopKCategoricalAccuracy,
        keras.metrics.SparseCategoricalCrossentropy,
        keras.metrics.sparse_categorical_accuracy,
        keras.metrics.sparse_top_k_categorical_accuracy,
    ),
    targets.VALUES: (
        keras.metrics.ConcordanceCorrelation,
        keras.metrics.CosineSimilarity,
        keras.metrics.LogCoshError,
        keras.metrics.MeanAbsoluteError,
        keras.metrics.MeanAbsolutePercentageError,
        keras.metrics.MeanSquaredError,
        keras.metrics.MeanSquaredLogarithmicError,
        keras.metrics.PearsonCorrelation,
        keras.metrics.R2Score,
        keras.metrics.RootMeanSquaredError,
        keras.metrics.concordance_correlation,
        keras.metrics.huber,
        keras.metrics.log_cosh,
        keras.metrics.mean_absolute_error,
        keras.metrics.mean_absolute_percentage_error,
        keras.metrics.mean_squared_error,
        keras.metrics.mean_squared_logarithmic_error,
        keras.metrics.pearson_correlation,
    ),
}
_EXPECTED = {
    targets.CLASSES: "for integer labels and logits: 'accuracy', "
    "keras.metrics.SparseTopKCategoricalAccuracy(k) or "
    "keras.metrics.SparseCategoricalCrossentropy(from_logits=True)",
    targets.VALUES: "for values: 'mse', 'mae', keras.metrics.RootMeanSquaredError() or R2Score()",
}


def check_metrics(metrics: Any, kind: TargetKind | None) -> None:
    """Raises ValueError if one of Keras's own metrics is not for such targets and outputs.

    Args:
        metrics: what `compile` takes. A user's own function or class is never refused.
        kind: of the targets; if it is None (not known yet), nothing is refused.
    """
    if kind is None:
        return
    for given in keras.tree.flatten(metrics):
        if given is None or (_is_accuracy(given) and kind == targets.CLASSES):
            continue
        metric = given if _is_accuracy(given) else keras.metrics.get(given)
        if _is_keras_own(metric) and not _is_for(metric, kind):
            raise ValueError(
                f"received the metric {_described(given)}; a learner's targets are {kind.name}. "
                f"Expected one {_EXPECTED[kind]}, or a function of your own of the targets and "
                "the outputs"
            )


def build_metrics(learner: keras.Model, query_y: tf.Tensor) -> None:
    """Makes the variables of the compiled metrics, outside the replicas that share them.

    Args:
        learner: a compiled MetaLearner.
        query_y: `(tasks, queries, ...)`, the targets of a batch, or their specification.

    Raises:
        ValueError: as `check_metrics`.
    """
    compiled = internals.compiled_metrics(learner)
    if compiled is None or compiled.built:
        return
    check_metrics(internals.given_metrics(learner), of_batch(query_y))
    num_outputs = learner.num_outputs or 2  # for a learner of any number of classes
    y, outputs = tf.zeros((2, *query_y.shape[2:]), query_y.dtype), tf.zeros((2, num_outputs))
    with learner.distribute_strategy.scope():
        compiled.build(y, outputs)
        for metric in compiled.metrics:  # some make theirs when they are traced
            tf.function(metric.update_state, autograph=False).get_concrete_function(y, outputs)


def _is_accuracy(given: Any) -> bool:
    """Whether Keras chooses the kind of accuracy itself, by the shapes."""
    return isinstance(given, str) and given.lower() in ("accuracy", "acc")


def _is_for(metric: Any, kind: Any) -> bool:
    if not any(metric is each or type(metric) is each for each in _FOR[kind]):
        return False
    return bool(metric.get_config().get(_SCORES, True)) if hasattr(metric, "get_config") else True


def _is_keras_own(metric: Any) -> bool:
    if isinstance(metric, str):
        return True
    if type(metric) is keras.metrics.MeanMetricWrapper:
        return False  # Keras has wrapped a user's own function
    owner = metric if inspect.isroutine(metric) else type(metric)
    return owner.__module__.partition(".")[0] == "keras"


def _described(given: Any) -> Any:
    if isinstance(given, keras.metrics.Metric):
        config = given.get_config()
        scores = f"({_SCORES}={config[_SCORES]})" if _SCORES in config else ""
        return f"keras.metrics.{type(given).__name__}{scores}"
    return repr(getattr(given, "__name__", given))
