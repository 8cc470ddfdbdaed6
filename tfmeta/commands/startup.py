"""What commands share that need TensorFlow: its quiet start, and a limit on the time of a child."""

import os

import click

from tfmeta.children import DEFAULT_TIMEOUT

timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="End the process that runs an export after so long.",
)


def start_tensorflow() -> None:
    """Imports TensorFlow set up for tasks side by side, without its start-up messages."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tfmeta.runtime import configure_runtime, quiet_tensorflow

    with quiet_tensorflow():
        configure_runtime()
        import tensorflow as tf

        tf.config.list_logical_devices()  # starts it, and so prints what it has to say
