"""TensorFlow's start-up settings, which can't be changed once it runs, and its messages."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

_MANY_ROWS = 1000


def configure_runtime(*, num_cores: int | None = None) -> None:
    """Sets TensorFlow up for tasks that run in parallel, one task per core.

    To split every small convolution of an inner loop over the cores costs more than it saves; to
    run whole tasks in parallel does not (`benchmarks/README.md` has the figures). oneDNN's kernels
    are switched off: with a few images per call they are slower than Eigen's, and TensorFlow may
    crash in them when several tasks run at once.

    Call it before TensorFlow has run anything, as the command `tfmeta` does. If it is called later,
    it warns and says what is not set. Training then goes on, only more slowly: with oneDNN tasks
    run one at a time.

    Args:
        num_cores: how many tasks run at once; by default one per core that the process may use.
    """
    missed = []
    if "tensorflow" not in sys.modules:  # TensorFlow reads it once, when its library is loaded
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    elif "TF_ENABLE_ONEDNN_OPTS" not in os.environ:
        missed.append(
            "oneDNN's kernels are on, in which TensorFlow may crash if several tasks run at once, "
            "so that they run one by one (set TF_ENABLE_ONEDNN_OPTS=0)"
        )
    import tensorflow as tf

    num_cores = num_cores or usable_cores()
    threading = tf.config.threading
    for kind, number in (("intra", 1), ("inter", num_cores)):
        name = f"{kind}_op_parallelism_threads"
        try:
            getattr(threading, f"set_{name}")(number)
        except RuntimeError:
            now = getattr(threading, f"get_{name}")() or "TensorFlow's choice"
            missed.append(f"{name} is {now}, not {number}")
    if missed:
        warnings.warn(
            "tfmeta.configure_runtime() was called after TensorFlow had started, too late for: "
            f"{'; '.join(missed)}. Training goes on, more slowly. Call it first, before TensorFlow "
            "is imported",
            stacklevel=2,
        )


def may_use_onednn() -> bool:
    """Whether TensorFlow computes with oneDNN's kernels, which is its default on most processors.

    It reads the variable when it is loaded; what is set later does not count, and can't be seen.
    """
    return os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1").lower() not in ("0", "false")


def usable_cores() -> int:
    """The number of cores that the process may use."""
    return len(os.sched_getaffinity(0))


def one_thread_if_small(rows: int) -> contextlib.AbstractContextManager[Any]:
    """One thread for NumPy's and SciPy's products while few rows are compared with each other.

    The threads of small products wait for each other longer than they work. Of 1,000 rows and more
    they save time (`docs/decisions.md` has the figures).
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "blas") if rows < _MANY_ROWS else contextlib.nullcontext()


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Keeps the messages of TensorFlow's C++ off standard error, at any log level."""
    sys.stderr.flush()
    with open(os.devnull, "wb") as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def start_tensorflow(*, with_devices: bool = True) -> None:
    """Imports TensorFlow, set up for tasks in parallel, without its start-up messages.

    If it has been imported already, nothing changes.

    Args:
        with_devices: whether to start its devices; those of several workers start together.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_tensorflow():
        configure_runtime()
        import tensorflow as tf

        if with_devices:
            tf.config.list_logical_devices()  # starts it, which prints its messages
