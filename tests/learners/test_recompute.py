"""Inner steps that are computed again for the meta-gradient: the same gradient, in less memory."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import classifier, episode
from closeness import assert_all_close, assert_close, assert_close_in_half, assert_gradients
from drawn_layers import WORDS
from keras import layers
from nightly import in_turn

import tfmeta
from tfmeta.errors import UserError
from tfmeta.learners.draws import Draws
from tfmeta.learners.recomputed_loop import recomputed_loop
from tfmeta.training.plan import Plan
from tfmeta.training.settings import Settings

WAYS = 3
BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_rows.py"


def dropping():
    """Dropout before and after a normalisation, with another that is frozen."""
    x = image = keras.Input((4,))
    x = layers.BatchNormalization(trainable=False)(x)
    x = layers.Dropout(0.3)(layers.Dense(6, "tanh")(x))
    x = layers.GaussianDropout(0.2)(layers.BatchNormalization()(x))
    return keras.Model(image, layers.Dense(WAYS)(x))


def reading():
    """Whole numbers, whose embedding has sparse gradients."""
    x = tokens = keras.Input((4,), dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(9, 5)(x))
    return keras.Model(tokens, layers.Dense(WAYS)(layers.Activation("tanh")(x)))


def batch_of(tasks, *, of_tokens=False):
    parts = zip(*(episode(seed) for seed in range(tasks)), strict=True)
    batch = tfmeta.Episode(*map(tf.stack, parts))
    if not of_tokens:
        return batch
    x, query_x = (tf.cast(tf.abs(4 * t), tf.int32) % 9 for t in (batch.support_x, batch.query_x))
    return batch._replace(support_x=x, query_x=query_x)


def gradients(learner, task):
    """In a graph, with the draws of one episode."""

    def drawn():
        with Draws(tf.constant(WORDS)):
            return learner.task_gradients(task)

    return tf.function(drawn, autograph=False)()


RULES = {
    "MAML": (tfmeta.MAML, {}),
    "first order": (tfmeta.MAML, {"first_order": True}),
    "ANIL": (tfmeta.MAML, {"adapt_layers": "head"}),
    "MAML++": (tfmeta.MAML, {"learn_rates": True, "per_step_statistics": True}),
    "transductive": (tfmeta.MAML, {"transductive": True}),
    "MetaSGD": (tfmeta.MetaSGD, {}),
    "MetaLSTM": (tfmeta.MetaLSTM, {"hidden_units": 3}),
}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("num_steps", [1, 2, 6, 7])  # segments of one, and a short last one
def test_the_loops_gradient_is_that_of_the_formula(num_steps):
    """x -> a x, n times: the derivatives are a^n by x, and n a^(n-1) x by a."""
    x, a = tf.constant([2.0, -3.0], tf.float64), tf.constant(1.1, tf.float64)

    def step(number, state, given):
        return [state[0] * given[0], state[1] + tf.cast(number, tf.float64)]

    with tf.GradientTape() as tape:
        tape.watch([x, a])
        end, total = recomputed_loop(step, [x, tf.zeros((), x.dtype)], [a], num_steps=num_steps)
    assert float(total) == sum(range(num_steps))
    of_x, of_a = tape.gradient(end, [x, a])
    assert_close(end, 1.1**num_steps * x.numpy())
    assert_close(of_x, np.full(2, 1.1**num_steps))
    assert_close(of_a, num_steps * 1.1 ** (num_steps - 1) * np.sum(x))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("rule", ["MAML", "ANIL", "MetaSGD"])
def test_the_meta_gradient_equals_finite_differences(rule):
    learner_class, options = RULES[rule]
    learner = learner_class(classifier(), 3, inner_learning_rate=0.3, recompute=True, **options)
    task = episode()

    def loss():
        state = learner.adapt(task.support_x, task.support_y)  # which computes nothing again
        return learner.task_loss(task.query_y, learner.predict_with(state, task.query_x))

    found, _ = gradients(learner, task)
    assert_gradients(tf.function(loss), learner.trainable_variables, found, step=2e-5)


@pytest.mark.usefixtures("float64")
@in_turn("rule", RULES, 0)
def test_all_is_as_without_it(rule):
    """The draws of the random layers too, those of the queries after the inner loop among them."""
    learner_class, options = RULES[rule]
    network = dropping()
    results = []
    for recompute in (False, True):
        keras.utils.set_random_seed(1)
        options = {**options, "inner_learning_rate": 0.3, "recompute": recompute}
        results.append(gradients(learner_class(network, 5, **options), episode()))
    (plain, logs), (again, other_logs) = results
    assert any(np.any(np.asarray(each)) for each in plain)
    assert_all_close(again, plain)
    assert logs.keys() == other_logs.keys()
    for name, value in logs.items():
        assert_all_close(tf.nest.flatten(other_logs[name]), tf.nest.flatten(value))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("make", "vectorised", "jit_compile"),
    [
        (classifier, False, False),
        pytest.param(classifier, True, True, marks=pytest.mark.slow),
        (reading, True, False),
    ],
)
def test_a_training_step_is_as_without_it(make, vectorised, jit_compile):
    """One task after another, as one computation, and compiled by XLA."""
    batch, trained = batch_of(3, of_tokens=make is reading), []
    for recompute in (False, True):
        keras.utils.set_random_seed(1)
        options = {"inner_learning_rate": 0.3, "vectorised": vectorised, "recompute": recompute}
        learner = tfmeta.MAML(make(), 4, **options)
        learner.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
        learner.train_on_batch(batch)
        trained.append([v.numpy() for v in learner.trainable_variables])
    assert_all_close(*reversed(trained))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_as_without_it(policy):
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy(policy)
    try:
        network = classifier()
    finally:
        keras.config.set_dtype_policy("float32")
    task = tfmeta.Episode(
        *(tf.cast(t, tf.float32) if t.dtype.is_floating else t for t in episode())
    )
    plain, again = (
        gradients(tfmeta.MAML(network, 3, inner_learning_rate=0.3, recompute=recompute), task)[0]
        for recompute in (False, True)
    )
    assert_close_in_half(again, plain, policy)


@pytest.mark.slow
def test_fifty_steps_take_little_more_memory_than_five():
    """Second order, conv4 on 28x28x1, 5-way 1-shot, 4 tasks; each in a process of its own."""
    what = {"measure": "memory", "recompute": True}
    few, many = (
        json.loads(
            subprocess.run(
                [sys.executable, str(BENCH), json.dumps({**what, "inner_steps": number})],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.splitlines()[-1]
        )["training_megabytes"]
        for number in (5, 50)
    )
    assert many <= 1.5 * few


def test_it_is_saved_with_the_learner():
    learner = tfmeta.MetaSGD(classifier(), 2, recompute=True)
    assert tfmeta.MetaSGD.from_config(learner.get_config()).recompute is True


@pytest.mark.fault(
    "recompute with what keeps no activations of inner steps, or needs them",
    "refused by name: Reptile, a multi-step loss, a learner without inner steps",
)
def test_it_is_refused_where_it_would_not_count():
    with pytest.raises(ValueError, match="received recompute=True; Reptile takes no gradient"):
        tfmeta.Reptile(classifier(), recompute=True)
    with pytest.raises(ValueError, match=r"recompute=True and multi_step_loss_steps=10"):
        tfmeta.MAML(classifier(), 2, recompute=True, multi_step_loss_steps=10)
    with pytest.raises(ValueError, match="received recompute=2; expected True or False"):
        tfmeta.MAML(classifier(), 2, recompute=2)
    settings = {"pipeline": "glyphs", "algorithm": "prototypical", "learner.recompute": True}
    with pytest.raises(UserError, match="algorithm prototypical has no option 'recompute'"):
        Plan.make(Settings().updated(settings))
