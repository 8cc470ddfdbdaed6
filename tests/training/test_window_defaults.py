"""What windows of sensor data are learned by for who names nothing of the learning."""

import numpy as np
import pytest

import tfmeta
from tfmeta.networks.fitted_layer import fit_layers
from tfmeta.training.plan import Plan
from tfmeta.training.settings import Settings
from tfmeta.training.untrained import untrained_learner

SMALL = {"ways": 2, "shots": 1, "queries": 2, "validation_tasks": 0}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Waves of ten frequencies, each at any time of its window; the odd ones are for the test."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(10), 8)
    time = np.arange(64) + rng.uniform(0, 64, (80, 1))
    waves = np.sin(time * (0.2 + 0.12 * y[:, np.newaxis]))
    x = np.stack([waves, waves**2], -1) + 0.3 * rng.normal(size=(80, 64, 2))
    path = tmp_path_factory.mktemp("windows") / "waves.npz"
    np.savez(path, x=x.astype(np.float32), y=y, split=np.where(y % 2 == 0, "train", "test"))
    return path


def plan_of(path, **flat):
    flat = {"pipeline": "arrays", "data_dir": str(path), **SMALL, **flat}
    return Plan.make(Settings.of_new_run(flat))


def learning(plan):
    return plan.settings.algorithm, plan.settings.network, plan.settings.train


def test_they_are_learned_by_what_happens_in_them(file):
    assert learning(plan_of(file)) == ("ridge", "rocket", "head")
    assert learning(plan_of(file, algorithm="maml")) == ("maml", "auto", "all")
    assert plan_of(file, algorithm="maml").learner.network_function is tfmeta.networks.conv1d
    assert learning(plan_of(file, network="conv1d")) == ("ridge", "conv1d", "all")


def test_what_is_too_short_is_learned_as_columns(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 8, 2)).astype(np.float32)
    np.savez(tmp_path / "short.npz", x=x, y=np.repeat(np.arange(10), 4))
    assert learning(plan_of(tmp_path / "short.npz")) == ("ridge", "auto", "all")


def test_the_network_is_fitted_to_the_windows_of_training_alone(file):
    plan = plan_of(file)
    network = plan.learner.build().network
    index = plan.source.index
    training = index.examples[np.isin(index.labels, index.splits["train"])]
    assert len(training) == 40
    expected = tfmeta.networks.rocket((64, 2), None, **plan.source.network_options)
    assert np.ptp(expected.get_layer("mini_rocket").get_weights()[1]) == 0
    fit_layers(expected, training)
    for one, other in zip(network.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_map_of_very_many_channels_is_not_made(tmp_path):
    for channels, train in ((80, "head"), (81, "none")):
        x = np.random.default_rng(0).normal(size=(40, 9, channels)).astype(np.float32)
        np.savez(tmp_path / f"{channels}.npz", x=x, y=np.repeat(np.arange(10), 4))
        plan = plan_of(tmp_path / f"{channels}.npz")
        assert learning(plan) == ("ridge", "rocket", train)


@pytest.mark.slow
def test_a_run_is_ahead_of_everything_trivial(file, tmp_path):
    run = tfmeta.train("arrays", data_dir=file, steps=2, run_dir=tmp_path / "run", **SMALL)
    assert tfmeta.train(run_dir=run.path, resume=True, steps=10).step == 10
    result = tfmeta.evaluate(run, tasks=100, ways=5)
    ahead = {each["name"]: each["difference"] for each in result.facts["baselines"]}
    assert len(ahead) >= 4
    assert ahead.pop("network before training, nearest mean") < 0.2
    assert min(ahead.values()) > 0.3
    x = np.load(file)
    np.savez(tmp_path / "longer.npz", **{**x, "x": np.repeat(x["x"], 2, axis=1)})
    with pytest.raises(tfmeta.UserError, match=r"have the shape \(128, 2\); .* on \(64, 2\)"):
        tfmeta.evaluate(run, tasks=1, data_dir=tmp_path / "longer.npz")
    export = tfmeta.export(run, output=tmp_path / "waves", calibration_tasks=0)
    assert tfmeta.verify(export).ok


@pytest.mark.slow
def test_half_precision_fits_it_too(file, tmp_path):
    settings = {"steps": 2, "run_dir": tmp_path / "run", "precision": "mixed_bfloat16", **SMALL}
    run = tfmeta.train("arrays", data_dir=file, **settings)
    assert run.step == 2


def test_the_network_before_training_is_fitted_too(file):
    plan = plan_of(file, network="rocket", algorithm="prototypical", train="all")
    start = plan.learner.build().network
    again = untrained_learner(plan.settings, plan.source, plan.learner.build()).network
    for one, other in zip(start.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_option_of_another_network_is_refused(file):
    with pytest.raises(tfmeta.UserError, match=r"conv1d has no option 'figures'; .*--network NAME"):
        plan_of(file, **{"network.figures": 1.0})
    with pytest.raises(
        tfmeta.UserError, match=r"rocket has no option 'filters'; .* figures, [^.]*$"
    ):
        plan_of(file, **{"network.filters": 3, "network": "rocket"})
