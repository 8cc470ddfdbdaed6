"""The processes that train one run together, and what they agree on."""

import atexit
import contextlib
import gc
import hashlib
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from multiprocessing.pool import ThreadPool
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

import tfmeta
from tfmeta.errors import UserError, counted, described
from tfmeta.learners.replicas import OfEachWorker
from tfmeta.runtime import quiet_tensorflow
from tfmeta.training.cluster import Cluster, cluster_for
from tfmeta.training.meeting import WAIT_SECONDS, Meeting

_Made = TypeVar("_Made")

_START_SECONDS = 120.0  # for TensorFlow's own start, after all workers have met
_LIBRARIES = ("tensorflow", "keras", "numpy")
# What a collective operation fails with when another worker has ended.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
)
_TASK = r"/job:(chief|worker)/(?:replica:\d+/)?task:(\d+)"
_NAMED = (re.compile(rf"{_TASK}\n?The tasks? ha"), re.compile(rf"remote target {_TASK}"))


class Workers:
    """The processes that train a run; of most runs there is one.

    Args:
        cluster: their addresses and this one's number; None for one process.
        strategy: the MultiWorkerMirroredStrategy of several; else None.
    """

    def __init__(self, cluster: Cluster | None = None, strategy: Any = None):
        self.cluster, self.strategy = cluster, strategy
        self.number = 1 if cluster is None else len(cluster.addresses)
        self._gathered = None if strategy is None else OfEachWorker(strategy)

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes the run."""
        return self.cluster is None or self.cluster.is_chief

    def gathered(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        """The numbers that each worker has given, float64 `(workers, values)`.

        Every worker must call it, with as many numbers, and at least one.
        """
        given = np.asarray(values, np.float64)
        return given[np.newaxis] if self._gathered is None else self._gathered(given)

    def together(self, work: Callable[[], _Made]) -> _Made:
        """Does some work on each worker; if it fails on one, it fails on all of them.

        Args:
            work: a function without arguments, in which no worker waits for another.

        Returns:
            What the work returned.

        Raises:
            UserError: if it failed on another worker.
        """
        try:
            made = work()
        except Exception:
            self.gathered([1.0])
            raise
        self._check_none_failed()
        return made

    def by_chief(self, work: Callable[[], _Made]) -> _Made | None:
        """Like `together`, where only the chief has work to do; returns None for the others."""
        if self.is_chief:
            return self.together(work)
        self._check_none_failed()
        return None

    def wait_for_all(self) -> None:
        """Returns when every worker has called it."""
        self._check_none_failed()

    def _check_none_failed(self) -> None:
        if (failed := self.gathered([0.0])[:, 0]).any():
            raise UserError(
                f"{self._named(int(failed.argmax()))} could not go on, so this one stops too; the "
                "message of that worker says why",
                exit_status=1,
            )

    def check_same(self, what: str, content: Any, remedy: str) -> None:
        """Raises UserError if the workers differ in something that can be written as JSON."""
        if self.number == 1:
            return
        digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode())
        words = np.frombuffer(digest.digest(), np.uint32)  # float64 holds each exactly
        differ = (self.gathered(words) != words).any(1)
        if differ.any():
            raise UserError(
                f"{self._named(int(differ.argmax()))} has {what} that differ from those of this "
                f"worker; expected the same for every worker. {remedy}",
                exit_status=1,
            )

    @contextlib.contextmanager
    def watched(self, run_dir: object) -> Iterator[None]:
        """Turns TensorFlow's error for a worker that was lost into one line for the user."""
        try:
            yield
        except _LOST as error:
            if self.number == 1:
                raise
            raise UserError(
                f"{self._lost_in(str(error))} has ended or can't be reached, so this worker stops "
                "too. The run is as of its last checkpoint; go on with this or another number of "
                f"workers: tfmeta train --resume --run-dir {run_dir}",
                exit_status=1,
            ) from error

    def _lost_in(self, message: str) -> str:
        found = next((each for pattern in _NAMED if (each := pattern.search(message))), None)
        if found is None:
            if self.number == 2 and self.cluster is not None:
                return self._named(1 - self.cluster.index)
            return "another worker"
        chief = message.count("/job:chief") and found.group(1) == "worker"
        return self._named(int(found.group(2)) + bool(chief))

    def _named(self, index: int) -> str:
        return self.cluster.named(index) if self.cluster else f"worker {index}"


ALONE = Workers()
_started = ALONE


def close_pools() -> None:
    """Closes the pools of threads that TensorFlow leaves open when an all-reduce fails.

    For the end of a process, at which Python would say that it can't end them.
    """
    for each in gc.get_objects():
        if type(each) is ThreadPool:
            each.close()


def current() -> Workers:
    """Those that this process has started with `start`; it is alone before that."""
    return _started


def start(
    strategy: str,
    started_with: dict[str, Any],
    *,
    say: Callable[[str], None],
    wait: float = WAIT_SECONDS,
) -> Workers:
    """Meets the other workers of TF_CONFIG, and starts TensorFlow with them; once per process.

    Args:
        strategy: of the run; it may need no workers.
        started_with: what has to be the same for all of them, `{name: value}`.
        say: is told for whom it waits.
        wait: seconds to wait for the others.

    Raises:
        UserError: if TF_CONFIG is wrong, a worker doesn't come or is to do something else, or
            TensorFlow has run something in this process before.
    """
    global _started
    cluster = cluster_for(strategy)
    if _started is not ALONE or cluster is None:
        return _started
    versions = {name: metadata.version(name) for name in _LIBRARIES}
    facts = {"tfmeta": tfmeta.__version__, **versions, **started_with}
    Meeting(cluster, facts, wait=wait).hold(say)
    # TensorFlow takes SIGTERM for itself, so that nothing else would see it.
    before = signal.getsignal(signal.SIGTERM)
    with _ended_after(_START_SECONDS, cluster), quiet_tensorflow():
        made = _strategy(cluster)
    if before is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)
    say(f"{cluster.named(cluster.index)} of {counted(len(cluster.addresses), 'worker')}")
    _started = Workers(cluster, made)
    atexit.register(close_pools)
    return _started


def _strategy(cluster: Cluster) -> tf.distribute.Strategy:
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise UserError(
            "TensorFlow has run something in this process before, and workers have to start with "
            f"it ({described(error)}); expected tfmeta.train(strategy='multiworker') to be the "
            "first that uses TensorFlow"
        ) from error
    except tf.errors.OpError as error:
        raise UserError(
            f"{cluster.named(cluster.index)} could not start TensorFlow with the others "
            f"({described(error)}); start all workers again",
            exit_status=1,
        ) from error


@contextlib.contextmanager
def _ended_after(seconds: float, cluster: Cluster) -> Iterator[None]:
    """Ends the process if the body takes longer, because nothing else ends TensorFlow's waiting."""

    def end() -> None:
        line = (
            f"Error: {cluster.named(cluster.index)} waited {seconds:,.0f} seconds in vain for "
            "TensorFlow to start with the others; one of them may have ended. Start all of them "
            "again\n"
        )
        os.write(_standard_error, line.encode())
        os._exit(1)

    _standard_error = os.dup(sys.__stderr__.fileno()) if sys.__stderr__ else os.dup(2)
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        os.close(_standard_error)
