"""Signals and pipes amid training: a run ends with a checkpoint, or goes on."""

import contextlib
import json
import shlex
import signal
import subprocess
import time

import pytest
import trained
from kept_runs import SINUSOID
from nightly import rows

from tfmeta.training.run_directory import RunDirectory

# Signals and pipes


@contextlib.contextmanager
def training(run, *arguments, shell=""):
    """`tfmeta train` in a process, or a shell's pipe of it."""
    parts = [*trained.COMMAND, "train", *SINUSOID, "--run-dir", run, *arguments]
    command = shlex.join(map(str, parts))
    process = subprocess.Popen(
        ["bash", "-c", f"{'exec ' * (not shell)}{command} {shell}"],
        stderr=subprocess.PIPE,
        text=True,
        # As in a terminal, even where the tests run under nohup, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.attack(
    "a terminal that is closed (SIGHUP, twice as shells do) or a polite kill, amid training",
    "a checkpoint, then the end; `--resume` goes on",
)
# One handler for both, of which tests/commands/test_interruption.py tries each.
@rows("number", [signal.SIGHUP, signal.SIGTERM], each_run=[signal.SIGHUP])
def test_a_hang_up_leaves_a_checkpoint(number, tmp_path):
    metrics = tmp_path / "run/metrics.jsonl"
    endless = ["--steps", 10**6, "--set", "checkpoint_seconds=1000"]
    with training(tmp_path / "run", *endless) as process:
        while not metrics.exists():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(number)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1, errors
    assert "interrupted at step" in errors
    lines = metrics.read_text().splitlines()
    assert RunDirectory.open(tmp_path / "run").step == json.loads(lines[-1])["step"] > 0


@pytest.mark.attack(
    "standard error that is closed, or a pipe whose reader goes away, amid training",
    "training goes on to its end, in silence",
)
@pytest.mark.parametrize("shell", ["2>&-", "2>&1 | true; exit ${PIPESTATUS[0]}"])
def test_nobody_need_listen(shell, tmp_path):
    with training(tmp_path / "run", "--steps", 12, shell=shell) as process:
        assert process.communicate(timeout=120)[1] == ""
    assert process.returncode == 0
    assert RunDirectory.open(tmp_path / "run").step == 12
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [4, 8, 12]


def test_nohup_is_respected():
    from tfmeta.commands.train import _Interruption

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with _Interruption(None):
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
