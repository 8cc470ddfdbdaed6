"""A limit on the time that a block may take."""

import contextlib
import signal


@contextlib.contextmanager
def at_most(seconds):
    """Ends what takes longer, even where it waits for a file."""

    def end(*_):
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
