"""What Control-C, a closed terminal and a polite kill do to a run, as its handler has it."""

import os
import signal
import time

import pytest

import tfmeta
from tfmeta.commands.reporting import Reporter
from tfmeta.commands.train import _Interruption, _train
from tfmeta.errors import UserError
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.workflows import train as train_workflow
from tfmeta.workflows.train_request import TrainRequest


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def number(request):
    """A signal that would not end the tests."""
    before = signal.signal(request.param, _unheard)
    yield request.param
    signal.signal(request.param, before)


def _unheard(*_):
    pass


def test_a_signal_asks_and_leaves_the_handlers_of_before(number):
    with Reporter("train") as reporter, _Interruption(reporter) as interruption:
        assert not interruption.is_asked()
        os.kill(os.getpid(), number)
        assert interruption.is_asked()
    assert signal.getsignal(number) == _unheard


def test_control_c_once_asks_and_twice_ends():
    with Reporter("train") as reporter, _Interruption(reporter) as interruption:
        assert not interruption.is_asked()
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.is_asked()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.fault(
    "Ctrl-C or a polite kill before the first step: amid waiting for a worker, or features",
    "the command ends at once, and says how to begin again or to go on",
)
@pytest.mark.parametrize("has_run", [False, True])
def test_what_comes_before_the_first_step_is_ended_at_once(number, has_run, tmp_path, monkeypatch):
    def carry_out(request, *, progress, should_stop):
        if has_run:
            RunDirectory.create(request.place, Settings("glyphs"), {})
        os.kill(os.getpid(), number)
        time.sleep(60)

    monkeypatch.setattr(train_workflow, "carry_out", carry_out)
    then = "go on with: tfmeta train --resume --run-dir .*run" if has_run else "the same command"
    with pytest.raises(UserError, match=f"^interrupted before the first step; {then}"):
        _train(TrainRequest({"pipeline": "glyphs"}, tmp_path / "run", resume=False))


def test_training_is_asked_before_its_first_window(tmp_path):
    run = tfmeta.train(
        "glyphs", algorithm="prototypical", run_dir=tmp_path / "run", should_stop=lambda: True
    )
    assert (run.step, run.finished) == (0, False)
