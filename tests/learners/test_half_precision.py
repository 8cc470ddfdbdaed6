"""Learners under Keras's mixed policies, against float32 and NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close, assert_close_in_half
from conformance_table import TABLE, classification_batch, each, one_task

import tfmeta
from tfmeta.keras_internals import layers_of, own_variables
from tfmeta.learners.half_precision import in_full_precision, layers_in_half, made_under

POLICIES = ("mixed_bfloat16", "mixed_float16")
WAYS = 3
FEW_IN_HALF = 4  # of one dense layer: its inputs, its weights and its outputs are rounded


def dense(outputs=WAYS, policy="float32", inputs=4):
    with made_under(policy):
        keras.utils.set_random_seed(1)
        return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(outputs)])


def episodes():
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(WAYS, dtype=np.int32), (2, 2))
    x = rng.normal(size=(2, 2, 2 * WAYS, 4)).astype(np.float32)
    return tfmeta.Episode(x[0], labels, x[1], labels)


def values(learner):
    return [v.numpy() for v in learner.trainable_variables]


def gradients_under(row, policy):
    """Of one task, with the loss scaled as in training; every policy has the same weights."""
    with made_under(policy):
        keras.utils.set_random_seed(5)
        learner = row.make()
    optimizer = keras.optimizers.SGD(0.1)
    if policy == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, 2.0**8)
    learner.compile(optimizer, jit_compile=False)
    gradients, logs = learner.task_gradients(one_task(classification_batch()))
    assert {g.dtype for g in gradients} == {logs["outputs"].dtype} == {tf.float32}
    assert {v.dtype for v in learner.trainable_variables} == {"float32"}
    assert bool(layers_in_half(learner.network)) == (policy != "float32")
    return [g.numpy() for g in gradients]


@pytest.mark.slow
@pytest.mark.fault(
    "a learner under mixed_bfloat16 or mixed_float16",
    "its meta-gradients are float32's, up to the policy's rounding",
)
@each(TABLE, turn=2)
def test_a_gradient_in_half_precision_is_that_of_float32(row):
    expected = gradients_under(row, "float32")
    for policy in POLICIES:
        assert_close_in_half(gradients_under(row, policy), expected, policy)


def tiny(y, outputs):
    """A loss whose gradient is a hundredth of the least number of float16."""
    return 6e-10 * keras.ops.sum(outputs, -1)


@pytest.mark.fault(
    "inner gradients in mixed_float16 that are below its least number, 6e-8",
    "none is lost: the inner step is the one by hand",
)
def test_inner_gradients_do_not_vanish_in_float16():
    learner = tfmeta.MAML(dense(policy="mixed_float16"), inner_learning_rate=1e8)
    learner.compile(loss=tiny)
    batch = one_task(episodes())
    start = values(learner)
    fast = learner.adapt(batch.support_x, batch.support_y)["weights"].values()
    slope = 0.06 * batch.support_x.mean(0)[:, np.newaxis] * np.ones(WAYS)
    for moved, before, by in zip(fast, start, (slope, 0.06 * np.ones(WAYS)), strict=True):
        assert_close(moved, before - by, roundings=FEW_IN_HALF, dtype=np.float16)


@pytest.mark.fault(
    "the head of a frozen network in mixed_float16", "its loss is scaled too, as the optimizer says"
)
def test_a_learner_on_features_takes_the_loss_scale_of_the_whole():
    body, head = dense(6, "mixed_float16"), dense(WAYS, "mixed_float16", 6)
    learner = tfmeta.OnFeatures(body, tfmeta.MAML(head, first_order=True))
    learner.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(), 2.0**20), tiny)
    gradients, _ = learner.task_gradients(one_task(episodes()))
    assert_close(gradients[1], 6e-10 * np.ones(WAYS), roundings=FEW_IN_HALF, dtype=np.float16)


@pytest.mark.slow
@pytest.mark.fault(
    "a loss scale that is too large at first, as Keras's always is",
    "the steps are skipped without a failure, and the first that is not is float32's",
)
def test_an_overflow_of_the_loss_scale_skips_the_step():
    plain = tfmeta.Siamese(dense())
    plain.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    plain.train_on_batch(episodes())
    learner = tfmeta.Siamese(dense(policy="mixed_float16"))
    scaling = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), 2.0**16)
    learner.compile(scaling, jit_compile=False)
    start, skipped = values(learner), 0
    while np.array_equal(values(learner)[0], start[0]):
        learner.train_on_batch(episodes())
        skipped += 1
    assert skipped > 2
    assert scaling.dynamic_scale == 2.0 ** (17 - skipped)
    steps = [np.subtract(a, b) for a, b in zip(values(learner), start, strict=True)]
    expected = [np.subtract(a, b) for a, b in zip(values(plain), start, strict=True)]
    assert_close_in_half(steps, expected, "mixed_float16")


def steep(y, outputs):
    """A loss of zero whose gradient is not a number."""
    return keras.ops.sqrt(keras.ops.sum(outputs * 0, -1))


@pytest.mark.fault(
    "gradients that are not finite at any scale of the loss", "NotFiniteError at a scale of one"
)
def test_gradients_that_no_scale_makes_finite_are_a_failure():
    learner = tfmeta.Prototypical(dense(policy="mixed_float16"))
    scaling = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), 4.0)
    learner.compile(scaling, steep, run_eagerly=True)
    for _ in range(2):
        learner.train_on_batch(episodes())
    with pytest.raises(tfmeta.UserError, match="the gradient is not finite"):
        learner.train_on_batch(episodes())


@pytest.mark.parametrize("policy", ["float16", "bfloat16"])
def test_weights_in_half_precision_are_refused(policy):
    with pytest.raises(ValueError, match=f"in {policy}, .* Expected the policy 'mixed_{policy}'"):
        tfmeta.Ridge(dense(policy=policy))


@pytest.mark.parametrize("name", ["MetaLSTM", "HyperNetwork", "Relation", "Matching"])
def test_what_a_method_adds_keeps_its_precision_when_it_is_loaded(name):
    shape = (8, 8, 1) if name == "Relation" else (4,)
    options = {"features": "map", "filters": 4} if name == "Relation" else {}
    make = tfmeta.networks.conv4 if name == "Relation" else tfmeta.networks.mlp
    with made_under("mixed_bfloat16"):
        network = make(shape, WAYS if name == "MetaLSTM" else None, **options)
        own = {"full_context": True} if name == "Matching" else {}
        learner = getattr(tfmeta, name)(network, **own)
    again = type(learner).from_config(learner.get_config())
    dtypes = [
        [each.compute_dtype for each in layers_of(one) if own_variables(each)]
        for one in (learner, again)
    ]
    assert dtypes[0] == dtypes[1]
    assert again.dtype_policy.name == learner.dtype_policy.name == "mixed_bfloat16"
    assert "bfloat16" in dtypes[0]


def test_a_learner_computes_in_float32_for_a_while():
    learner = tfmeta.MAML(dense(policy="mixed_float16"))
    plain = tfmeta.MAML(dense())
    batch = one_task(episodes())
    with in_full_precision(learner):
        fast = learner.adapt(batch.support_x, batch.support_y)["weights"]
    expected = plain.adapt(batch.support_x, batch.support_y)["weights"]
    for one, other in zip(fast.values(), expected.values(), strict=True):
        assert_close(one, other)
    assert layers_in_half(learner.network)
