"""A policy on an export beside one on its run, and what it refuses."""

import numpy as np
import pytest
import trained
from closeness import assert_close, assert_far_apart
from made_once import made_once

import tfmeta
from tfmeta import UserError
from tfmeta.control import Policy
from tfmeta.training.loading import load


@made_once("policy-in-control")
def folder_of_models(folder):
    options = {"horizon": 5}
    sizes = dict.fromkeys(("shots", "queries", "train_shots", "train_queries"), 2)
    settings = {
        "pipeline_options": options,
        "network_options": {"hidden": [4]},
        "learner_options": {"vectorised": False},
        **sizes,
        "meta_batch": 2,
        "steps": 1,
        "validation_tasks": 0,
    }
    run = tfmeta.train("gym:point-navigation", run_dir=folder / "run", **settings)
    tfmeta.export(run, output=folder / "point")


@pytest.fixture(scope="module")
def folder():
    return folder_of_models()


def lived(policy):
    """Acts for two trajectories of three steps, adapts, and acts again; all that it does."""
    place, done = np.zeros(2), []
    for number in range(6):
        action = policy.act(place)
        place = place + action
        policy.reward(-float(np.sum((place - [0.3, 0.2]) ** 2)), ended=number == 2)
        done.append((place - action, action))
    policy.adapt()
    return done, policy.act([0.1, 0.1], explore=False)


@pytest.mark.slow
def test_an_export_acts_as_its_run_does(folder):
    of_run, of_export = (Policy(folder / name, seed=3) for name in ("run", "point"))
    (done, last), (served, served_last) = lived(of_run), lived(of_export)
    for one, other in zip(done, served, strict=True):
        for mine, theirs in zip(one, other, strict=True):
            assert_close(mine, theirs, dtype=np.float32, scale=1)
    assert_close(last, served_last, scale=1)
    learner = load(folder / "run")
    before = learner.network(np.float32([[0.1, 0.1]])).numpy()[0, :2]
    assert_far_apart(last, before)
    x, y = np.stack(of_run._x), np.stack(of_run._y)
    assert y[:, -1].tolist() == [0, 1, 2, 0, 1, 2]
    state = learner.adapt(x, y)
    assert_close(
        last, learner.predict_with(state, np.float32([[0.1, 0.1]])).numpy()[0, :2], scale=1
    )
    of_run.forget()
    assert_close(of_run.act([0.1, 0.1], explore=False), before, scale=1)


@pytest.mark.slow
def test_what_makes_no_sense_is_refused(folder):
    policy = Policy(folder / "run")
    with pytest.raises(UserError, match="nothing to adapt to"):
        policy.adapt()
    with pytest.raises(UserError, match="reward without an action"):
        policy.reward(1.0)
    for wrong in ([0.0], [0.0, np.nan], "ab"):
        with pytest.raises(UserError, match="expected 2 finite numbers"):
            policy.act(wrong)
    policy.act([0.0, 0.0])
    with pytest.raises(UserError, match="before the reward"):
        policy.act([0.0, 0.0])
    for wrong in (float("nan"), 1e300, "1", None, [1.0], np.ones(1), 1j):
        with pytest.raises(UserError, match=r"received reward=.*finite in float32"):
            policy.reward(wrong)
    with pytest.raises(UserError, match="received ended='no'; expected True or False"):
        policy.reward(1.0, ended="no")
    policy.reward(np.float64(1.0), ended=np.True_)
    with pytest.raises(UserError, match="received explore=0; expected True or False"):
        policy.act(np.zeros(2), explore=0)
    with pytest.raises(UserError, match="whose targets are classes; expected actions"):
        Policy(trained.glyph_run())
    with pytest.raises(UserError, match="received seed=-1"):
        Policy(folder / "run", seed=-1)
