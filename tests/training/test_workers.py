"""Runs that two worker processes on this machine train, and every learner on several replicas.

`make nightly` trains each learner of the conformance table, and its variants, by two workers, and
on two and four devices. Each run takes one that adapts the network and one that embeds.
"""

import json
import pickle
import shutil
import subprocess
import time

import nightly
import numpy as np
import pytest
import worker_pairs
from closeness import assert_all_close
from conformance_table import ROWS
from made_once import made_once
from replicas_alike import weights_after

import tfmeta
from tfmeta.precision import ROUNDINGS
from tfmeta.training.run_directory import RunDirectory

IN_EACH_RUN = ("maml", "prototypical")
LEARNERS = tuple(ROWS) if nightly.IS_ON else IN_EACH_RUN
STEPS, MORE_STEPS = 50, 10

RUN = ["glyphs", "--algorithm", "prototypical", "--ways", 2, "--queries", 1, "--meta-batch", 2]
for _setting in (
    *("train_ways=2", "log_every=5", "checkpoint_seconds=0", "validation_tasks=4"),
    *("validate_every=5", "network.filters=2", "network.num_blocks=1"),
):
    RUN += ["--set", _setting]


@made_once("workers/killed")
def killed_run(path):
    """A run of which one worker was killed; beside it what the other said, and its time to end."""
    path.mkdir()
    workers, addresses = worker_pairs.trainings(*RUN, "--steps", 1000, "--run-dir", path / "run")
    try:
        while not list((path / "run/checkpoints").glob("step-*")):
            assert [w.poll() for w in workers] == [None, None], worker_pairs.ended(workers)
            time.sleep(0.1)
        workers[1].kill()
        began = time.monotonic()
        (status, told), _ = worker_pairs.ended(workers)
    finally:
        for worker in workers:
            worker.kill()
    found = (status, told, addresses[1], time.monotonic() - began)
    (path / "told").write_bytes(pickle.dumps(found))


@pytest.mark.slow
@pytest.mark.fault(
    "a worker that is killed while a run trains",
    "the others end within a minute, each with one line and status 1; the run can go on",
)
def test_a_killed_worker_is_missed():
    status, told, address, seconds = pickle.loads((killed_run() / "told").read_bytes())
    *progress, line = told.splitlines()
    assert status == 1
    said = f"Error: worker 1 ({address}) has ended or can't be reached, so this"
    assert line.startswith(said), told
    assert line.endswith(f"tfmeta train --resume --run-dir {killed_run() / 'run'}")
    assert all(each.startswith(("train  ", "worker 0 ")) for each in progress), told
    assert seconds < 60


@made_once("workers/alike")
def two_workers(path):
    """The killed run, gone on with, and the weights that each of the workers has in the end."""
    path.mkdir()
    shutil.copytree(killed_run() / "run", path / "run")
    last = RunDirectory.open(path / "run").step + MORE_STEPS
    more = [*LEARNERS, "--resume", path / "run", last]
    commands = [[*worker_pairs.ALIKE, path / str(i), STEPS, 0, *more] for i in range(2)]
    for status, told in worker_pairs.ended(worker_pairs.started(*commands)[0]):
        assert status == 0, told


@pytest.mark.slow
@pytest.mark.usefixtures("float64")
@nightly.rows("name", ROWS, each_run=IN_EACH_RUN)
def test_two_workers_learn_what_one_learns(name):
    import tensorflow as tf

    path = two_workers()
    one, two = (pickle.loads((path / str(i)).read_bytes())[name, 0] for i in range(2))
    alone = weights_after(name, STEPS, tf.distribute.get_strategy())
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)
    assert_all_close(one, alone, roundings=STEPS * ROUNDINGS)  # each step adds up anew


@pytest.mark.slow
def test_workers_share_rows_and_know_all_of_them():
    """As they share the examples of which a frozen network makes features."""
    path = two_workers()
    for worker in ("0", "1"):
        squares = pickle.loads((path / worker).read_bytes())["rows", 0]
        np.testing.assert_array_equal(squares, np.arange(7) ** 2)


@nightly.second_road(
    "tests/training/test_workers.py::test_two_workers_learn_what_one_learns",
    "tests/learners/test_conformance.py::test_two_replicas_take_the_step_of_one",
)
@pytest.mark.slow
@pytest.mark.parametrize("devices", [2, 4])
def test_several_devices_learn_what_one_learns(devices, tmp_path):
    command = [*worker_pairs.ALIKE, tmp_path / "all", STEPS, f"1,{devices}", *LEARNERS]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = pickle.loads((tmp_path / "all").read_bytes())
    for name in LEARNERS:
        expected = found[name, 1]
        assert_all_close(found[name, devices], expected, roundings=STEPS * ROUNDINGS)


@pytest.mark.slow
def test_a_run_goes_on_with_one_worker_and_with_two(tmp_path):
    """From the same checkpoint to the same numbers."""
    with_two = two_workers() / "run"
    shutil.copytree(killed_run() / "run", tmp_path / "run")
    last = RunDirectory.open(with_two).step
    tfmeta.train(run_dir=tmp_path / "run", resume=True, steps=last, strategy="single")
    received, expected = (
        [v.numpy() for v in tfmeta.load(run, checkpoint="last").variables]
        for run in (with_two, tmp_path / "run")
    )
    assert_all_close(received, expected, roundings=MORE_STEPS * ROUNDINGS)
    two, one = (
        [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        for run in (with_two, tmp_path / "run")
    )
    assert [line["step"] for line in one] == [line["step"] for line in two]
    name = "validation_accuracy"  # which the workers have shared out
    assert [line[name] for line in one] == [line[name] for line in two]
