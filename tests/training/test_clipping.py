"""A step whose meta-gradient is clipped, against NumPy; on two devices: test_conformance.py."""

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from small_runs import VALUES

from tfmeta.episodes.episode import Episode
from tfmeta.errors import UserError
from tfmeta.learners.replica_gradients import shortened
from tfmeta.training.flat_settings import as_flat
from tfmeta.training.plan import Plan
from tfmeta.training.settings import Settings


def step_and_mean(**changes):
    """How a step of gradient descent changes the weights, and the meta-gradient."""
    settings = {**VALUES, "outer_optimizer": "sgd", "outer_lr": 1.0, "seed": 3, **changes}
    plan = Plan.make(Settings().updated(as_flat(settings)))
    learner = plan.build_learner()
    plan.learner.compile(learner, varies=False, longest_window=1)
    episodes = next(iter(plan.source.episodes("train", plan.task_shape, num_tasks=2)))
    before = [variable.numpy() for variable in learner.trainable_variables]
    tasks = [Episode(*(part[n] for part in episodes)) for n in (0, 1)]
    gradients = [learner.task_gradients(task)[0] for task in tasks]
    learner.train_on_batch(episodes)
    after = [variable.numpy() for variable in learner.trainable_variables]
    step = [old - new for old, new in zip(before, after, strict=True)]
    mean = [np.mean(parts, 0) for parts in zip(*gradients, strict=True)]
    return [np.concatenate([part.reshape(-1) for part in parts]) for parts in (step, mean)]


def test_a_run_shortens_a_meta_gradient_that_is_too_long():
    step, mean = step_and_mean()
    assert_close(step, mean, scale=1.0)  # of the weights
    length = np.linalg.norm(np.float64(mean))
    for most, share in ((0.3 * length, 0.3), (3 * length, 1.0)):
        step, mean = step_and_mean(outer_clip_norm=float(most))
        assert_close(step, share * mean, scale=1.0)  # of the weights


def test_gradients_whose_squares_float32_can_not_hold_are_shortened_too():
    rng = np.random.default_rng(0)
    gradients = [np.float32(rng.normal(size=shape) * 1e30) for shape in ((3, 2), (4,))]
    exact = np.concatenate([np.float64(part).reshape(-1) for part in gradients])
    found = shortened([tf.constant(part) for part in gradients], 2.0)
    found = np.concatenate([part.numpy().reshape(-1) for part in found])
    assert_close(found, 2 * exact / np.linalg.norm(exact), dtype=np.float32)
    zeros = shortened([tf.zeros((2,)), tf.zeros(())], 2.0)
    assert all(not part.numpy().any() for part in zeros)
    for odd in (np.inf, np.nan):
        assert not np.isfinite(shortened([tf.constant([1.0, odd])], 2.0)[0]).all()


@pytest.mark.parametrize("most", [0, -1, "1", True, float("inf")])
def test_a_length_that_makes_no_sense_is_refused(most):
    with pytest.raises(UserError, match=r"received outer_clip_norm=.*; expected a positive number"):
        Settings(outer_clip_norm=most)


def test_it_is_in_the_record_of_a_run_if_it_is_set():
    assert "outer_clip_norm" not in Settings().to_flat()
    assert Settings(outer_clip_norm=2.0).to_flat()["outer_clip_norm"] == 2.0
