"""Every argument of Keras's compile and fit: honoured or refused, none ignored."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close, assert_far_apart

import tfmeta
from tfmeta.learners.half_precision import made_under
from tfmeta.learners.keras_arguments import HONOURED, REFUSED

WAYS = 3


def episodes(tasks=2, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(WAYS, dtype=np.int32), (tasks, 2))
    x = rng.normal(size=(2, tasks, 2 * WAYS, 4)).astype(np.float32)
    return tfmeta.Episode(x[0], labels, x[1], labels)


def dataset(batches=2):
    return tf.data.Dataset.from_tensors(episodes()).repeat(batches)


def made(**options):
    keras.utils.set_random_seed(1)
    learner = tfmeta.MAML(tfmeta.networks.mlp((4,), WAYS, units=(5,)), inner_learning_rate=0.1)
    # Without the wait for XLA.
    given = {"optimizer": keras.optimizers.SGD(0.1), "jit_compile": False, **options}
    learner.compile(**given)
    return learner


def fitted(learner, **options):
    return learner.fit(**{"x": dataset(), "verbose": 0, **options}).history


def weights(learner):
    return np.concatenate([v.numpy().ravel() for v in learner.trainable_variables])


@pytest.mark.fault(
    "an argument of Keras's compile or fit that no one has thought of",
    "the table of arguments has each of them, as honoured or refused; others are refused by name",
)
@pytest.mark.parametrize("method", HONOURED)
def test_the_tables_have_every_argument_of_keras(method):
    parameters = inspect.signature(getattr(keras.Model, method)).parameters.values()
    names = {p.name for p in parameters if p.kind != p.VAR_KEYWORD} - {"self"}
    assert names <= set(HONOURED[method]) | set(REFUSED[method])
    assert not set(HONOURED[method]) & set(REFUSED[method])


# Honoured


def _optimizer():
    fast, slow = (made(optimizer=keras.optimizers.SGD(rate)) for rate in (0.2, 0.1))
    start = weights(slow)
    for learner in (fast, slow):
        fitted(learner, x=dataset(1))
    assert_close(weights(fast), 2 * weights(slow) - start)
    assert_far_apart(weights(fast), weights(slow))


def _loss():
    def doubled(y, outputs):
        return 2 * keras.losses.sparse_categorical_crossentropy(y, outputs, from_logits=True)

    received = made(loss=doubled).evaluate(dataset(), verbose=0)
    assert_close(received, 2 * _cross_entropy(made(loss=doubled)), dtype=np.float32)


def _cross_entropy(learner):
    """Of the learner's answers to the queries, by NumPy."""
    logits = learner.predict(dataset(1), verbose=0).astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return -np.take_along_axis(logs, episodes().query_y[..., None], -1).mean()


def _metrics(argument="metrics"):
    learner = made(**{argument: ["accuracy"]})
    result = learner.evaluate(dataset(), verbose=0, return_dict=True)
    right = learner.predict(dataset(1), verbose=0).argmax(-1) == episodes().query_y
    assert_close(result["accuracy"], right.mean(), dtype=np.float32)


def _calls_of_the_loss(**options):
    calls = []

    def loss(y, outputs):
        calls.append(0)
        return keras.losses.sparse_categorical_crossentropy(y, outputs, from_logits=True)

    learner = made(loss=loss, **options)
    fitted(learner, x=dataset(4))
    return learner, len(calls)


def _run_eagerly():
    learner, calls = _calls_of_the_loss(run_eagerly=True)
    assert not learner.jit_compile
    assert calls > _calls_of_the_loss()[1]  # which is traced, and then runs without Python


def _steps_per_execution():
    ends = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(0))
    fitted(made(steps_per_execution=2), x=dataset(4), steps_per_epoch=4, callbacks=[callback])
    assert len(ends) == 2


def _jit_compile():
    learners = [made(jit_compile=flag) for flag in (True, False)]
    assert [learner.jit_compile for learner in learners] == [True, False]
    for learner in learners:
        fitted(learner)
    assert_close(*(weights(learner) for learner in learners))


def _auto_scale_loss():
    for flag in (True, False):
        with made_under("mixed_float16"):
            network = tfmeta.networks.mlp((4,), WAYS, units=(5,))
        learner = tfmeta.MAML(network)
        learner.compile("sgd", auto_scale_loss=flag)
        assert isinstance(learner.optimizer, keras.optimizers.LossScaleOptimizer) == flag


def _x():
    learner, other = made(), made()
    fitted(learner, x=dataset(1))
    fitted(other, x=episodes())
    np.testing.assert_array_equal(weights(learner), weights(other))


def _epochs():
    assert len(fitted(made(), epochs=3)["loss"]) == 3
    assert len(fitted(made(), epochs=3, initial_epoch=2)["loss"]) == 1


def _callbacks():
    seen = []
    each = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    fitted(made(), callbacks=[each], epochs=2)
    assert seen == [0, 1]


def _validation():
    learner = made()
    options = {"validation_data": dataset(3), "validation_steps": 2, "validation_freq": 2}
    history = fitted(learner, epochs=2, **options)
    assert len(history["val_loss"]) == 1
    assert_close(history["val_loss"][0], _cross_entropy(learner), dtype=np.float32)


def _steps_per_epoch():
    learner = made()
    fitted(learner, x=dataset(9), steps_per_epoch=3)
    assert int(learner.optimizer.iterations) == 3


TRIALS = {
    ("compile", "optimizer"): _optimizer,
    ("compile", "loss"): _loss,
    ("compile", "metrics"): _metrics,
    ("compile", "weighted_metrics"): lambda: _metrics("weighted_metrics"),
    ("compile", "run_eagerly"): _run_eagerly,
    ("compile", "steps_per_execution"): _steps_per_execution,
    ("compile", "jit_compile"): _jit_compile,
    ("compile", "auto_scale_loss"): _auto_scale_loss,
    ("fit", "x"): _x,
    ("fit", "epochs"): _epochs,
    ("fit", "verbose"): lambda: fitted(made(), verbose=2),
    ("fit", "callbacks"): _callbacks,
    ("fit", "validation_data"): _validation,
    ("fit", "initial_epoch"): _epochs,
    ("fit", "steps_per_epoch"): _steps_per_epoch,
    ("fit", "validation_steps"): _validation,
    ("fit", "validation_freq"): _validation,
}
VALUES = {
    "loss_weights": [0.5],
    "y": np.zeros(3),
    "batch_size": 4,
    "sample_weight": np.ones(3),
    "class_weight": {0: 2.0},
    "validation_split": 0.5,
    "validation_batch_size": 4,
    "shuffle": True,
}


def test_every_honoured_argument_has_its_trial():
    wanted = {(method, name) for method in ("compile", "fit") for name in HONOURED[method]}
    assert TRIALS.keys() == wanted


def _each_once():
    trials = {}
    for (method, name), trial in TRIALS.items():
        trials.setdefault(trial, f"{method}-{name}")
    return [pytest.param(trial, id=name) for trial, name in trials.items()]


@pytest.mark.parametrize("trial", _each_once())
def test_it_counts(trial):
    trial()


@pytest.fixture(scope="module")
def learner():
    """One for all that refuses."""
    return made()


@pytest.mark.fault(
    "loss_weights, class_weight, sample_weight and other arguments of Keras's that can't count",
    "compile and fit refuse each by its name",
)
@pytest.mark.parametrize(("method", "name"), [(m, n) for m in REFUSED for n in REFUSED[m]])
def test_it_is_refused_by_name(method, name, learner):
    data = {} if method == "compile" else {"x": dataset()}
    if name not in inspect.signature(getattr(keras.Model, method)).parameters:
        with pytest.raises((TypeError, ValueError), match=name):
            getattr(learner, method)(**data, **{name: VALUES[name]})
        return
    with pytest.raises(ValueError, match=f"{method} received {name}, which a learner does not"):
        getattr(learner, method)(**data, **{name: VALUES[name]})


@pytest.mark.fault("a name that Keras's compile does not know", "it is refused, as Keras does")
def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="los"):
        made(los="mse")


@pytest.mark.fault(
    "a tf.distribute.DistributedDataset in `fit`, `evaluate` or `predict`",
    "refused: its episodes can't be checked; the dataset itself is shared out",
)
def test_a_distributed_dataset_is_refused():
    strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
    given = strategy.experimental_distribute_dataset(dataset())
    learner = made()
    for method in (learner.fit, learner.evaluate, learner.predict):
        with pytest.raises(tfmeta.UserError, match="x is a DistributedDataset"):
            method(given)
    with pytest.raises(tfmeta.UserError, match="validation_data is a DistributedDataset"):
        learner.fit(dataset(), validation_data=given)
