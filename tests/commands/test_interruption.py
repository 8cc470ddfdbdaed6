"""What Control-C, a closed terminal and a polite kill do to a run, as its handler has it."""

import os
import signal

import pytest

from tfmeta.commands.reporting import Reporter
from tfmeta.commands.train import _Interruption


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
        assert not interruption.asked
        os.kill(os.getpid(), number)
        assert interruption.asked
    assert signal.getsignal(number) == _unheard


def test_control_c_once_asks_and_twice_ends():
    with Reporter("train") as reporter, _Interruption(reporter) as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
