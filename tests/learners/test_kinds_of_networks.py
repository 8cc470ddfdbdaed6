"""Networks that train in ways of their own: recurrent ones, whose layers are loops of the graph."""

import keras
import numpy as np
import pytest
from closeness import assert_close
from keras import layers
from nightly import rows

import tfmeta

WORDS, LENGTH, WAYS = 9, 5, 3


def recurrent(outputs, **options):
    keras.utils.set_random_seed(1)
    cells = layers.GRU(3, name="cells", **options)
    head = layers.Dense(outputs, name="head")
    inputs = keras.Input((LENGTH,), dtype="int32")
    return keras.Sequential([inputs, layers.Embedding(WORDS, 4), cells, head])


def token_episode(tasks=2, number=2 * WAYS):
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, WORDS, (2, tasks, number, LENGTH))
    labels = np.tile(np.arange(WAYS), (tasks, 2))
    return tfmeta.Episode(tokens[0], labels, tokens[1], labels)


def a_step(learner):
    """The loss, the loss after the step, and the weights then."""
    learner.compile(keras.optimizers.SGD(0.5), jit_compile=False)
    losses = learner.train_on_batch(token_episode()), learner.test_on_batch(token_episode())
    every = np.concatenate([losses, *(np.ravel(v) for v in learner.network.weights)])
    return every.astype("float32")


@pytest.mark.slow
@pytest.mark.fault(
    "training a recurrent network, whose layers are loops of the graph",
    "its tasks run one by one: the step is that of the unrolled network",
)
@rows("algorithm", [tfmeta.MAML, tfmeta.Prototypical], each_run=[tfmeta.MAML])
def test_a_recurrent_network_trains(algorithm):
    learner, unrolled = (algorithm(recurrent(WAYS, unroll=each)) for each in (False, True))
    assert not learner.is_vectorised
    assert unrolled.is_vectorised
    assert_close(a_step(learner), a_step(unrolled))


@pytest.mark.fault("vectorised=True for a recurrent network", "refused by the layer's name")
def test_a_loop_is_not_vectorised():
    with pytest.raises(ValueError, match=r"vectorised=True, but .*'cells' \(GRU\) is a loop"):
        tfmeta.MAML(recurrent(WAYS), vectorised=True)


@pytest.mark.fault("a network that answers with a dict of one tensor", "refused by its name")
def test_an_answer_in_a_dict_is_refused():
    inputs = keras.Input((4,))
    network = keras.Model(inputs, {"logits": layers.Dense(WAYS)(inputs)}, name="wrapped")
    with pytest.raises(ValueError, match=r"'wrapped', which answers with a dict; expected a tens"):
        tfmeta.MAML(network)


@pytest.mark.fault("export of kind adapted with NumPy's int64 labels", "they are converted")
def test_a_support_set_of_numpys_types_is_baked_in(tmp_path):
    x = np.random.default_rng(0).normal(size=(6, 4))  # float64
    labels = np.tile(np.arange(WAYS, dtype=np.int64), 2)
    learner = tfmeta.Prototypical(tfmeta.networks.mlp((4,), None, units=(5,)))
    version = learner.export(tmp_path / "model", kind="adapted", support=(x, labels))
    assert (version / "saved_model.pb").is_file()
