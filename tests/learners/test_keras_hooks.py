"""Keras's other methods and hooks of a model: they count for a learner, or are refused by name."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from replicas import variables_after_fit

import tfmeta

WAYS = 3


def episodes():
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(WAYS, dtype=np.int32), (2, 2))
    x = rng.normal(size=(2, 2, 2 * WAYS, 4)).astype(np.float32)
    return tfmeta.Episode(x[0], labels, x[1], labels)


def network():
    keras.utils.set_random_seed(1)
    return tfmeta.networks.mlp((4,), WAYS, units=(5,))


@pytest.mark.fault(
    "a subclass of a learner that defines Keras's compute_loss, compute_metrics or call",
    "refused where the class is defined: a learner's steps do not call them",
)
@pytest.mark.parametrize("hook", ["compute_loss", "compute_metrics", "call"])
def test_a_hook_that_would_not_be_called_is_refused(hook):
    with pytest.raises(TypeError, match=f"Own defines {hook}, which the steps of a learner do not"):
        type("Own", (tfmeta.MAML,), {hook: lambda self, *args, **kwargs: 0.0})


@pytest.mark.fault("add_loss of a learner", "refused: it would count in no step")
def test_add_loss_of_a_learner_is_refused():
    with pytest.raises(ValueError, match="received add_loss, which a learner does not take"):
        tfmeta.MAML(network()).add_loss(tf.constant(1.0))


@pytest.mark.fault(
    "quantize of a learner or its network",
    "refused by the layer's name: integer weights have no gradient",
)
def test_quantized_weights_are_refused():
    learner = tfmeta.MAML(network())
    with pytest.raises(ValueError, match="received quantize, which a learner does not take"):
        learner.quantize("int8")
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # Keras's, of the input layer, which has nothing to quantize
        learner.network.quantize("int8")
    episode = episodes()
    with pytest.raises(ValueError, match=r"layer 'hidden1' \(Dense\) is quantized \(int8\)"):
        learner.adapt(episode.support_x[0], episode.support_y[0])
    with pytest.raises(ValueError, match=r"layer 'hidden1' \(Dense\) is quantized \(int8\)"):
        tfmeta.MAML(learner.network)


@pytest.mark.fault(
    "a learner called like a model, on examples instead of an Episode",
    "the message says what an Episode is",
)
def test_a_call_takes_an_episode():
    learner = tfmeta.MAML(network())
    np.testing.assert_array_equal(learner(episodes()), learner(tuple(episodes())))
    with pytest.raises(tfmeta.UserError, match=r"expected a tfmeta.Episode\(support_x"):
        learner(np.zeros((2, 4), np.float32))


@pytest.mark.fault(
    "low-rank adaptation (LoRA) of a layer", "its factors are the weights that are adapted"
)
def test_low_rank_factors_are_adapted():
    lora = network()
    head = lora.layers[-1]
    head.enable_lora(2)
    head.lora_kernel_b.assign(np.random.default_rng(1).normal(size=(2, WAYS)))
    learner = tfmeta.MAML(lora, inner_steps=1, inner_learning_rate=0.5)
    episode = episodes()
    x, y = episode.support_x[0], episode.support_y[0]
    state = learner.adapt(x, y)
    assert {"head_lora_kernel_a", "head_lora_kernel_b"} <= state["weights"].keys()
    plain = keras.models.clone_model(lora)
    plain.set_weights(lora.get_weights())
    plain.compile(
        keras.optimizers.SGD(0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    assert len(plain.trainable_variables) == len(lora.trainable_variables)
    plain.train_on_batch(x, y)
    answer = learner.predict_with(state, episode.query_x[0])
    assert_close(answer, plain.predict(episode.query_x[0], verbose=0))


# On several replicas, what one replica does


@pytest.mark.fault(
    "regularizers, constraints and metrics on two replicas",
    "the weights and the numbers of one replica; tasks that can't be shared out evenly are refused",
)
def test_rules_of_weights_hold_on_several_replicas():
    one, two = (variables_after_fit(replicas, "rules") for replicas in (1, 2))
    for a, b in zip(one, two, strict=True):
        assert_close(b, a)
    norms = [np.linalg.norm(v, axis=0) for v in two if np.shape(v) == (5, WAYS)]
    assert_close(norms[0], np.ones(WAYS, np.float32))
