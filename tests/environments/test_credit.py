"""Advantages of trajectories, beside NumPy, one trajectory and one step after another."""

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from credit_by_hand import by_hand, features, fitted, summed_up

from tfmeta import UserError
from tfmeta.environments.credit import advantages, discounted_sums, linear_baseline


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


def flat(observations, rewards, valid):
    """`(K, T, ...)` -> rows, as `advantages` takes them."""
    steps = np.tile(np.arange(valid.shape[1], dtype=np.float32), len(valid))
    seen = observations.reshape(valid.size, -1)
    return (seen, rewards.reshape(-1), steps), {"happened": valid.reshape(-1)}


@pytest.mark.parametrize("lengths", [(7, 12, 1, 12), (40,), (3, 0, 90)])
@pytest.mark.parametrize(("discount", "gae_lambda"), [(0.99, 1.0), (0.9, 0.7), (1.0, 0.0)])
def test_they_are_the_papers(lengths, discount, gae_lambda):
    trajectories, arrays = drawn(lengths, size=2, longest=max(lengths) + 3)
    rows, options = flat(*arrays)
    shares = {"discount": discount, "gae_lambda": gae_lambda}
    received = advantages(*rows, **options, **shares).numpy()
    trajectories = [(o, r) for o, r in trajectories if len(r)]
    expected = np.concatenate(by_hand(trajectories, discount, gae_lambda))
    assert received.dtype == np.float32
    valid = arrays[2].reshape(-1)
    assert_close(received[valid] * valid.mean(), expected, dtype=np.float32)
    assert not received[~valid].any()
    # A client gives only the rows that happened.
    assert_close(advantages(*(each[valid] for each in rows), **shares), expected)


def test_sums_and_baseline_alone():
    trajectories, arrays = drawn((9, 30), size=3, longest=30)
    (observations, _, steps), options = flat(*arrays)
    valid = options["happened"]
    rewards = [r.astype(np.float64) for _, r in trajectories]
    expected = np.concatenate([summed_up(r, 0.95) for r in rewards])
    factors = np.concatenate([np.append(np.full(len(r) - 1, 0.95), 0.0) for r in rewards])
    assert_close(discounted_sums(np.concatenate(rewards), factors), expected)
    returns = np.zeros(valid.shape)
    returns[valid] = expected
    found = linear_baseline(observations, returns, steps, tf.constant(valid)).numpy()
    each = [returns[:30][valid[:30]], returns[30:][valid[30:]]]
    values = fitted([features(o.astype(np.float64)) for o, _ in trajectories], each)
    # The normal equations square the condition of the features, so they are accurate to half of
    # float64's places, which is all that float32 needs.
    assert_close(found[valid], np.concatenate(values), dtype=np.float32)
    assert not found[~valid].any()


def test_where_nothing_is_better_than_expected_there_are_zeros():
    observations, steps = np.zeros((20, 2), np.float32), np.tile(np.arange(5.0), 4)
    none = np.zeros(20, bool)
    one = none.copy()
    one[10] = True
    for rewards in (np.zeros(20), np.full(20, -7.3), np.full(20, 1e8)):
        for happened in (none, one):
            assert not advantages(observations, rewards, steps, happened=happened).numpy().any()
        firsts = advantages(observations[:4], rewards[:4], np.zeros(4))
        assert not firsts.numpy().any()  # equal rewards after one step
        assert np.isfinite(advantages(observations, rewards, steps)).all()
    assert not advantages(observations, np.zeros(20), steps).numpy().any()


def test_shapes_may_be_unknown_and_tasks_come_together():
    rows, options = flat(*drawn((7, 12, 1), size=2, longest=12)[1])
    others, other_options = flat(*drawn((12, 2, 9), size=2, longest=12, seed=1)[1])
    expected = [advantages(*rows, **options), advantages(*others, **other_options)]
    kinds = (tf.float32, tf.float32, tf.float32, tf.bool)
    unknown = [tf.TensorSpec([None] * n, k) for n, k in zip((2, 1, 1, 1), kinds, strict=True)]

    @tf.function(input_signature=unknown)
    def traced(observations, rewards, steps, happened):
        return advantages(observations, rewards, steps, happened=happened)

    assert_close(traced(*rows, options["happened"]), expected[0])
    both = [np.stack(pair) for pair in zip(rows, others, strict=True)]
    happened = np.stack([options["happened"], other_options["happened"]])
    assert_close(advantages(*both, happened=happened), np.stack(expected))


def test_no_gradient_flows_through_them():
    (observations, rewards, steps), options = flat(*drawn((7, 12), size=2, longest=12)[1])
    observations, rewards = tf.constant(np.nan_to_num(observations)), tf.constant(rewards)
    with tf.GradientTape() as tape:
        tape.watch([observations, rewards])
        found = advantages(observations, rewards, steps, **options)
    assert tape.gradient(found, [observations, rewards]) == [None, None]


@pytest.mark.parametrize("name", ["discount", "gae_lambda"])
@pytest.mark.parametrize("value", [-0.1, 1.01, np.nan, "0.9", True])
def test_a_share_out_of_its_range_is_refused(name, value):
    with pytest.raises(UserError, match=f"received {name}=.*expected a number from 0 to 1"):
        advantages(np.zeros((2, 1)), np.zeros(2), np.zeros(2), **{name: value})
