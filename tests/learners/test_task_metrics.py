"""Keras's metrics of a task: computed of what they are for, or refused by name."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

import tfmeta

WAYS = 3


def episodes(kind="classes"):
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(WAYS, dtype=np.int32), (2, 2))
    x = rng.normal(size=(2, 2, 2 * WAYS, 4)).astype(np.float32)
    y = labels if kind == "classes" else rng.normal(size=(2, 2 * WAYS, WAYS)).astype(np.float32)
    return tfmeta.Episode(x[0], y, x[1], y)


def made(**options):
    keras.utils.set_random_seed(1)
    return tfmeta.MAML(tfmeta.networks.mlp((4,), WAYS, units=(5,)), **options)


def evaluated(learner, data):
    results = learner.evaluate(data, verbose=0, return_dict=True)
    return {name: np.float32(result) for name, result in results.items()}


NOT_FOR_LABELS = {
    "probabilities": "sparse_categorical_crossentropy",
    "probabilities, by a class": keras.metrics.SparseCategoricalCrossentropy(),
    "probabilities, by a function": keras.metrics.sparse_categorical_crossentropy,
    "one-hot vectors": "categorical_accuracy",
    "one-hot vectors, by a class": keras.metrics.TopKCategoricalAccuracy(2),
    "one-hot vectors of two classes": keras.metrics.AUC(from_logits=True),
    "two classes": "binary_accuracy",
    "values": "mse",
    "values, by a function": keras.metrics.mean_squared_error,
    "equal numbers": keras.metrics.Accuracy(),
    "no targets": keras.metrics.Mean(),
    "whatever it is": "crossentropy",
}


@pytest.mark.fault(
    "a metric of Keras's for probabilities, one-hot vectors or values, where there are logits and "
    "labels",
    "compile refuses it by name; a learner that isn't told its targets, at the first batch",
)
@pytest.mark.parametrize("metric", NOT_FOR_LABELS.values(), ids=NOT_FOR_LABELS)
def test_a_metric_for_something_else_is_refused(metric):
    def used():
        learner = made()
        learner.compile(metrics=[metric])
        learner.evaluate(episodes(), verbose=0)

    with pytest.raises(ValueError, match="metric"):
        made(targets="classes").compile(metrics=[metric])
    with pytest.raises(ValueError, match="metric"):
        used()


def test_the_refusal_says_what_is_expected():
    with pytest.raises(ValueError, match=r"'sparse_categorical_.*from_logits=True"):
        made(targets="classes").compile(metrics=["sparse_categorical_crossentropy"])
    with pytest.raises(ValueError, match="targets are values"):
        made(targets="values").compile(weighted_metrics=["accuracy"])
    learner = made()
    learner.compile(metrics=["accuracy"], jit_compile=False)
    with pytest.raises(ValueError, match="targets are values"):
        evaluated(learner, episodes("values"))


def test_metrics_of_logits_are_those_of_numpy():
    learner = made()
    entropy = keras.metrics.SparseCategoricalCrossentropy(from_logits=True, name="entropy")
    top = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top")
    learner.compile(metrics=["acc", entropy, top])
    data = episodes()
    result, logits = evaluated(learner, data), learner.predict(data, verbose=0).astype(np.float64)
    of_label = np.take_along_axis(logits, data.query_y[..., None], -1)
    assert_close(result["entropy"], (np.log(np.exp(logits).sum(-1)) - of_label[..., 0]).mean())
    rank = (logits > of_label).sum(-1)
    assert_close(result["acc"], np.float64((rank == 0).mean()))
    assert_close(result["top"], np.float64((rank < 2).mean()))


def test_metrics_of_values_are_those_of_numpy():
    learner = made(targets="values")
    metrics = ["mae", keras.metrics.R2Score(name="r2"), keras.metrics.RootMeanSquaredError("rmse")]
    learner.compile(metrics=metrics)
    data = episodes("values")
    result, answers = evaluated(learner, data), learner.predict(data, verbose=0)
    y, answers = (v.reshape(-1, WAYS).astype(np.float64) for v in (data.query_y, answers))
    assert_close(result["mae"], np.abs(y - answers).mean())
    assert_close(result["rmse"], np.sqrt(np.square(y - answers).mean()))
    unexplained = np.square(y - answers).sum(0) / np.square(y - y.mean(0)).sum(0)
    assert_close(result["r2"], (1 - unexplained).mean())


def test_a_function_of_the_users_own_is_never_refused():
    def largest(y, outputs):
        return tf.reduce_max(outputs, -1)

    learner = made(targets="classes")
    learner.compile(metrics=[largest, keras.metrics.MeanMetricWrapper(largest, name="again")])
    data = episodes()
    expected = learner.predict(data, verbose=0).max(-1).mean()
    result = evaluated(learner, data)
    assert_close(result["largest"], expected)
    assert_close(result["again"], expected)
