"""Layers that are told how much of a run is done: annealing, resuming, replaying."""

import shutil

import numpy as np
import pytest
from closeness import assert_close
from small_runs import VALUES, lines, train

import tfmeta
from tfmeta.networks.found_structure import mixed_operations
from tfmeta.training.run_directory import RunDirectory
from tfmeta.workflows.replay import Replay

SEARCH = {
    **VALUES,
    "network": "search_units",
    "network_options": {"widths": [2, 3], "activations": ["tanh", "elu"], "num_layers": 1},
    "checkpoint_seconds": 0,
}
FINAL = 0.1  # the default temperature at the end


def variables(run_dir):
    learner, _ = RunDirectory.open(run_dir).load_checkpoint()
    return [v.numpy() for v in (*learner.variables, *learner.optimizer.variables)]


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    return train(tmp_path_factory.mktemp("searched") / "run", SEARCH)


def test_each_window_has_the_temperature_of_its_first_step(searched):
    assert [line["progress"] for line in lines(searched)] == [0, 4 / 12, 8 / 12]
    layers = mixed_operations(tfmeta.load(searched.path, checkpoint="last"))
    found = [layer.temperature.numpy() for layer in layers]
    assert_close(np.array(found), np.full(2, FINAL ** (8 / 12), np.float32))


def test_a_run_without_such_layers_has_no_progress_in_its_lines(tmp_path):
    run = train(tmp_path / "run", VALUES, steps=4)
    assert "progress" not in lines(run)[0]


@pytest.mark.fault("a run whose softmax is annealed is killed", "it resumes to the same bits")
def test_a_search_that_goes_on_ends_in_the_same_bits(searched, tmp_path):
    run = shutil.copytree(searched.path, tmp_path / "cut")
    newest = sorted((run / "checkpoints").glob("step-*"))[-1]
    newest.rename(run / "checkpoints/partial-1.keras")  # as if killed before the rename
    tfmeta.train(run_dir=run, resume=True)
    for one, other in zip(variables(run), variables(searched.path), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_replay_has_the_temperature_of_its_step(tmp_path):
    """Each step is a window, so that the losses that are logged are those of one step."""
    run = train(tmp_path / "run", SEARCH, steps=5, log_every=1, checkpoint_seconds=600)
    replayed = Replay(run.path, 4).run()
    assert replayed["checkpoint"] == 0
    logged = lines(run)[3]
    assert_close(np.mean(replayed["loss"]), logged["loss"], dtype=np.float32)
