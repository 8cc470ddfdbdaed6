"""The half-cheetah's trajectories, of which the benchmark is made."""

import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close, assert_far_apart

import tfmeta
from tfmeta.control.dynamics import LearnerDynamics
from tfmeta.pipelines.transitions import build

pytest.importorskip("mujoco", reason="the extra control")
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import half_cheetah
import half_cheetah_data as cheetah


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    """MuJoCo writes its warnings into a file in the working folder."""
    monkeypatch.chdir(tmp_path)


def test_a_disabled_joint_does_nothing_and_the_file_keeps_what_was_asked_for():
    action = np.linspace(-1, 1, 6)
    np.testing.assert_array_equal(cheetah.applied(action, "none"), action)
    changed = cheetah.applied(action, "fshin") != action
    assert [j for j, c in zip(cheetah.JOINTS, changed, strict=True) if c] == ["fshin"]
    env = cheetah.environment()
    found = cheetah.data(2, 12, seed=0)
    for condition in ("none", "bfoot"):
        rows = np.flatnonzero(found["trajectory"] == f"{condition}-1")
        rng = np.random.default_rng([0, cheetah.CONDITIONS.index(condition), 1])
        policy = cheetah.scripted_policy(rng)
        observation, _ = env.reset(seed=int(rng.integers(2**31)))
        for step, row in enumerate(rows):
            asked = policy(step)
            np.testing.assert_array_equal(found["observations"][row], np.float32(observation))
            np.testing.assert_array_equal(found["actions"][row], np.float32(asked))
            asked = asked.copy()
            if condition != "none":
                asked[2] = 0.0
            observation, *_ = env.step(asked)
            np.testing.assert_array_equal(found["next_observations"][row], np.float32(observation))


def test_the_pipeline_reads_them(tmp_path):
    np.savez(tmp_path / "cheetah.npz", **cheetah.data(1, 8, seed=1))
    source = build(data_dir=tmp_path, test_conditions="fshin", validation_conditions="bfoot")
    assert source.input_shape == (23,)
    assert source.target_size == 17
    assert source.recorded_splits()["train"] == ["bshin", "bthigh", "ffoot", "fthigh", "none"]


def test_the_unadapted_model_of_the_benchmark_answers_as_its_network_does():
    learner = tfmeta.MAML(tfmeta.networks.mlp((23,), 17, units=(4,)), targets="values")
    x, y = (tf.random.stateless_normal((5, size), (0, size)) for size in (23, 17))
    adapted, unadapted = LearnerDynamics(learner), half_cheetah.Unadapted(learner)
    answers = unadapted.changes(unadapted.adapt(x, y), x)
    assert_close(answers, learner.network(x), dtype=np.float32)
    assert_far_apart(answers, adapted.changes(adapted.adapt(x, y), x))
