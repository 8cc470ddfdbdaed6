"""What is said of environments before a policy learns in them."""

import numpy as np
import pytest
from closeness import assert_close

import tfmeta
from tfmeta import UserError
from tfmeta.environments.policy_targets import PolicyTargets
from tfmeta.pipelines import build

OPTIONS = {"horizon": 3}


@pytest.fixture(scope="module")
def found():
    return tfmeta.inspect("gym:point-navigation", pipeline_options=OPTIONS)


def test_the_words_are_those_of_trajectories(found):
    said = str(found)
    assert found
    assert "most trajectories" in said
    assert "2 numbers per action" in said
    assert "ready to train: maml, 20 trajectories to learn from and 20 afterwards" in said
    assert not [word for word in ("-way", "-shot", "regression", "target", "mean") if word in said]
    assert found["memory"]["meta_batch_bytes"] == 32 * 40 * 3 * 2 * 4  # tasks ... numbers, bytes


def test_what_an_environment_raises_is_told():
    with pytest.raises(UserError, match=r"failed in its own step \(RuntimeError: motor 3 is stuck"):
        tfmeta.inspect("gym:environments_by_hand:byhand/Failing-v0")


def test_random_actions_are_the_baseline(found):
    source, shape = build("gym:point-navigation", options=OPTIONS), tfmeta.EpisodeShape(1, 1, 1)
    (episodes,) = source.episodes("test", shape, num_tasks=40).take(1)
    returns = PolicyTargets(2).rewards(episodes.query_y.numpy()).astype(np.float64).sum(1)
    (row,) = found["baselines"]
    assert_close(row["return"], returns.mean(), dtype=np.float32)
    assert_close(row["ci95"], 1.96 * returns.std(ddof=1) / np.sqrt(40), dtype=np.float32)
    assert (row["num_tasks"], row["num_shots"], row["split"]) == (40, 1, "test")
