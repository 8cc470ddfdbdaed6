"""Starting TensorFlow, quietly, in the commands that need it."""

import contextlib
import os
import sys


def start_tensorflow() -> None:
    """Imports TensorFlow set up for tasks side by side, without its start-up messages."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tfmeta.runtime import configure_runtime

    with quiet_start():
        configure_runtime()
        import tensorflow as tf

        tf.config.list_logical_devices()  # starts it, and so prints what it has to say


@contextlib.contextmanager
def quiet_start():
    """Keeps what TensorFlow's C++ writes to standard error before its log level counts."""
    sys.stderr.flush()
    with open(os.devnull, "wb") as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
