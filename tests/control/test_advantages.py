"""Advantages of trajectories, beside NumPy, one trajectory and one step after another."""

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

from tfmeta import UserError
from tfmeta.control.advantages import advantages, discounted_returns, linear_baseline


def summed_up(values, factor):
    """From the last step to the first."""
    found, after = np.zeros(len(values)), 0.0
    for step in reversed(range(len(values))):
        found[step] = after = values[step] + factor * after
    return found


def features(observations):
    seen, time = np.clip(observations, -10, 10), np.arange(len(observations)) / 100
    return np.column_stack([seen, seen**2, time, time**2, time**3, np.ones(len(time))])


def fitted(x, returns):
    """The ridge is one more row for each weight, in place of the normal equations."""
    size = x[0].shape[1]
    rows = np.concatenate([*x, np.sqrt(1e-5) * np.eye(size)])
    weights = np.linalg.lstsq(rows, np.concatenate([*returns, np.zeros(size)]), rcond=None)[0]
    return [each @ weights for each in x]


def by_hand(trajectories, discount, gae_lambda):
    """Advantages of `(observations, rewards)`, each only its valid steps, in float64."""
    returns = [summed_up(rewards, discount) for _, rewards in trajectories]
    expected = fitted([features(observations) for observations, _ in trajectories], returns)
    found = []
    for values, (_, rewards) in zip(expected, trajectories, strict=True):
        values = np.append(values, 0.0)
        errors = rewards + discount * values[1:] - values[:-1]
        found.append(summed_up(errors, discount * gae_lambda))
    mean, deviation = np.mean(np.concatenate(found)), np.std(np.concatenate(found))
    return [(each - mean) / deviation for each in found]


def drawn(lengths, size, longest, seed=0):
    """Trajectories, and the same in arrays, with numbers that must not count where it ended."""
    rng = np.random.default_rng(seed)
    trajectories = [
        (rng.normal(0, 6, (n, size)).astype(np.float32), rng.normal(1, 2, n).astype(np.float32))
        for n in lengths
    ]
    valid = np.arange(longest) < np.array(lengths)[:, np.newaxis]
    observations = np.full((*valid.shape, size), np.nan, np.float32)
    rewards = np.full(valid.shape, 1e9, np.float32)
    for k, (o, r) in enumerate(trajectories):
        observations[k, : len(r)], rewards[k, : len(r)] = o, r
    return trajectories, (observations, rewards, valid)


@pytest.mark.parametrize("lengths", [(7, 12, 1, 12), (40,), (3, 0, 90)])
@pytest.mark.parametrize(("discount", "gae_lambda"), [(0.99, 1.0), (0.9, 0.7), (1.0, 0.0)])
def test_they_are_the_papers(lengths, discount, gae_lambda):
    trajectories, arrays = drawn(lengths, size=2, longest=max(lengths) + 3)
    received = advantages(*arrays, discount=discount, gae_lambda=gae_lambda).numpy()
    expected = by_hand([(o, r) for o, r in trajectories if len(r)], discount, gae_lambda)
    assert received.dtype == np.float32
    valid = arrays[2]
    assert_close(received[valid], np.concatenate(expected))
    assert not received[~valid].any()
    assert_close(received[valid].mean(dtype=np.float64), 0.0, scale=1, dtype=np.float32)
    assert_close(received[valid].std(dtype=np.float64), 1.0, dtype=np.float32)


def test_returns_and_baseline_alone():
    trajectories, (observations, rewards, valid) = drawn((9, 30), size=3, longest=30)
    returns = discounted_returns(rewards, valid, 0.95)
    expected = [summed_up(r.astype(np.float64), 0.95) for _, r in trajectories]
    assert_close(returns.numpy()[valid], np.concatenate(expected))
    found = linear_baseline(observations, returns, valid).numpy()
    values = fitted([features(o.astype(np.float64)) for o, _ in trajectories], expected)
    # The normal equations square the condition of the features, so they are accurate to half of
    # float64's places, which is all that float32 needs.
    assert_close(found[valid], np.concatenate(values), dtype=np.float32)
    assert not found[~valid].any()
    with pytest.raises(UserError, match=r"discount=1.5; expected a number from 0 to 1"):
        discounted_returns(rewards, valid, 1.5)


def test_where_nothing_is_better_than_expected_there_are_zeros():
    observations = np.zeros((4, 5, 2), np.float32)
    none, all_valid = np.zeros((4, 5), bool), np.ones((4, 5), bool)
    one = none.copy()
    one[2, 0] = True
    for rewards in (np.zeros((4, 5)), np.full((4, 5), -7.3), np.full((4, 5), 1e8)):
        for valid in (none, one):
            assert not advantages(observations, rewards, valid).numpy().any()
        first = advantages(observations[:, :1], rewards[:, :1], all_valid[:, :1])
        assert not first.numpy().any()  # equal rewards after one step
        assert np.isfinite(advantages(observations, rewards, all_valid)).all()
    assert not advantages(observations, np.zeros((4, 5)), all_valid).numpy().any()
    assert advantages(np.zeros((0, 5, 2)), np.zeros((0, 5)), np.zeros((0, 5), bool)).shape == (0, 5)


def test_shapes_may_be_unknown_and_tasks_mapped_either_way():
    _, arrays = drawn((7, 12, 1), size=2, longest=12)
    _, others = drawn((12, 2, 9), size=2, longest=12, seed=1)
    expected = [advantages(*each).numpy() for each in (arrays, others)]
    kinds = (tf.float32, tf.float32, tf.bool)
    unknown = [tf.TensorSpec([None] * n, kind) for n, kind in zip((3, 2, 2), kinds, strict=True)]
    traced = tf.function(advantages, input_signature=unknown)
    assert_close(traced(*arrays).numpy(), expected[0])
    both = [tf.stack(pair) for pair in zip(arrays, others, strict=True)]
    for mapped in (tf.map_fn, tf.vectorized_map):
        options = {"fn_output_signature": tf.float32} if mapped is tf.map_fn else {}
        received = mapped(lambda each: advantages(*each), tuple(both), **options)
        assert_close(received.numpy(), np.stack(expected))


def test_no_gradient_flows_through_them():
    _, arrays = drawn((7, 12), size=2, longest=12)
    observations, rewards = map(tf.constant, (np.nan_to_num(arrays[0]), arrays[1]))
    with tf.GradientTape() as tape:
        tape.watch([observations, rewards])
        found = advantages(observations, rewards, arrays[2])
    assert tape.gradient(found, [observations, rewards]) == [None, None]


@pytest.mark.parametrize("name", ["discount", "gae_lambda"])
@pytest.mark.parametrize("value", [-0.1, 1.01, np.nan, "0.9", True])
def test_a_share_out_of_its_range_is_refused(name, value):
    with pytest.raises(UserError, match=f"received {name}=.*expected a number from 0 to 1"):
        advantages(np.zeros((1, 2, 1)), np.zeros((1, 2)), np.ones((1, 2), bool), **{name: value})
