"""A hypernetwork's numbers in NumPy, in float64, and learners' options that are refused."""

import numpy as np
import pytest
import tensorflow as tf
from by_hand import SHOTS, WAYS, answer, classifier, episode, identity, squared_distances
from closeness import assert_close

import tfmeta

pytestmark = pytest.mark.usefixtures("float64")


# Hypernetwork


def test_a_hypernetworks_head_starts_as_the_nearest_class_mean():
    task = episode()
    learner = tfmeta.HyperNetwork(
        tfmeta.networks.mlp((4,), None, units=(5,), activation="tanh"), units=8
    )
    for variable in (*learner.head_decoder.weights, *learner.decoder.weights):
        variable.assign(tf.zeros_like(variable))
    features, queries = learner.network(task.support_x), learner.network(task.query_x).numpy()
    means = features.numpy().reshape(WAYS, SHOTS, 5).mean(1)
    expected = -squared_distances(queries, means) + (queries**2).sum(1, keepdims=True)
    assert_close(answer(learner, task), expected)


def test_a_hypernetworks_generated_weights_are_the_base_and_an_offset():
    network = tfmeta.networks.mlp((1,), 1, units=(6,))
    learner = tfmeta.HyperNetwork(network, class_head=False, units=8)
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(5, 1)) for _ in range(2))
    code = learner.encoder(np.hstack([x, y])).numpy().mean(0)
    offsets = learner.decoder(code[None])[0].numpy()
    base = np.concatenate([v.numpy().ravel() for v in network.trainable_variables])
    state = learner.adapt(tf.constant(x), tf.constant(y))["weights"]
    got = np.concatenate([value.numpy().ravel() for value in state.values()])
    assert_close(got, base + offsets)
    assert offsets.any()


def test_a_large_network_without_normalisation_has_all_its_weights_generated():
    network = tfmeta.networks.mlp((4,), None, units=(100, 100))
    learner = tfmeta.HyperNetwork(network)
    task = episode()
    state = learner.adapt(task.support_x, task.support_y)["weights"]
    assert state.keys() == {*learner.function.weight_names, "head_kernel", "head_bias"}


def test_a_hypernetwork_without_a_generated_head_is_built_with_one():
    assert tfmeta.HyperNetwork.recipe({"class_head": False}, regression=False).has_head
    assert not tfmeta.HyperNetwork.recipe({}, regression=False).has_head


def test_a_network_without_normalisation_cannot_be_modulated():
    with pytest.raises(ValueError, match="without scale and shift after a normalisation"):
        tfmeta.HyperNetwork(classifier(), generated="modulation", class_head=False)


def test_modulation_generates_the_scale_and_shift_of_each_channel():
    network = tfmeta.networks.conv4((8, 8, 1), None, filters=3, num_blocks=2)
    learner = tfmeta.HyperNetwork(network, generated="modulation", units=8)
    state = learner.adapt(tf.random.uniform((WAYS, 8, 8, 1), dtype="float64"), tf.range(WAYS))
    names = [f"norm{block}_{part}" for block in (1, 2) for part in ("gamma", "beta")]
    assert list(state["weights"]) == [*names, "head_kernel", "head_bias"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tfmeta.Reptile(classifier(), inner_optimizer="rmsprop"), "expected 'adam' or"),
        (lambda: tfmeta.Reptile(classifier(), num_minibatches=0), "num_minibatches=0; expected"),
        (lambda: tfmeta.MetaSGD(classifier(), inner_learning_rate=0), "a positive number"),
        (
            lambda: tfmeta.MAML(classifier(), per_step_statistics=True, transductive=True),
            "normalised with their own statistics. Choose one",
        ),
        (lambda: tfmeta.MetaLSTM(classifier(), inner_learning_rate=2), "between 0 and 1"),
        (lambda: tfmeta.MetaLSTM(classifier(), hidden_units=0), "hidden_units=0; expected"),
        (lambda: tfmeta.Siamese(identity(), objective="l2"), "contrastive, logistic, triplet"),
        (lambda: tfmeta.Siamese(identity(), margin=0), "margin=0; expected a positive number"),
        (lambda: tfmeta.Matching(identity(), similarity_scale=0), "expected a positive number"),
        (
            lambda: tfmeta.Matching(identity(), read_steps=0),
            "read_steps=0; expected a whole number from 1 up",
        ),
        (
            lambda: tfmeta.Matching(identity(), full_context=True, vectorised=True),
            "vectorised=True; expected False with full_context",
        ),
        (lambda: tfmeta.Relation(identity()), "compares feature maps"),
        (lambda: tfmeta.HyperNetwork(identity(), generated="some"), "expected 'auto', 'all' or"),
        (lambda: tfmeta.HyperNetwork(identity(), encoder="conv4"), "expected a built keras.Model"),
        (lambda: tfmeta.HyperNetwork(classifier()), "a network with a head of its own"),
    ],
)
def test_wrong_options_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
