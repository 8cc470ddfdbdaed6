"""A factor for each feature in front of a dense network, beside NumPy."""

import numpy as np
import pytest
from closeness import assert_close

import tfmeta
from tfmeta.networks import mlp


@pytest.mark.parametrize("linear_path", [False, True])
def test_each_scaled_feature_is_multiplied_by_its_weight(linear_path):
    rng = np.random.default_rng(0)
    mean, scale, gain = rng.normal(size=3), rng.uniform(1, 2, 3), rng.normal(size=3)
    options = {"input_mean": mean, "input_scale": scale, "linear_path": linear_path}
    network = mlp((3,), 2, units=(4,), input_gain=True, **options)
    weights = {weight.path: weight for weight in network.trainable_variables}
    assert weights.pop("input_gain/kernel").numpy().tolist() == [1, 1, 1]
    plain = mlp((3,), 2, units=(4,), **options)
    network.set_weights([gain, *plain.get_weights()])
    x = rng.normal(size=(5, 3))
    seen = gain * (x - mean) / scale
    hidden, bias, head, head_bias = plain.get_weights()
    inner = np.maximum(seen @ hidden + bias, 0)
    expected = np.concatenate([seen, inner], 1) if linear_path else inner
    assert_close(network(x.astype(np.float32)), expected @ head + head_bias, dtype=np.float32)


def test_an_inner_loop_may_adapt_it_alone():
    network = mlp((3,), 1, units=(4,), input_gain=True)
    learner = tfmeta.MAML(network, 2, inner_learning_rate=0.5, adapt_layers=["input_gain"])
    x = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    state = learner.adapt(x, x[:, :1])
    (weight,) = state["weights"].values()
    assert weight.shape == (3,)
    assert np.all(weight != 1)
