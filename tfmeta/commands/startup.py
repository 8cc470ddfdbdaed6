"""What comes before a command's work: standard streams, TensorFlow, a limit on a child's time."""

import os
import sys

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


def open_standard_streams() -> None:
    """Gives a process that was started with one closed (`2>&-`) one that leads nowhere.

    The next file that it opened would else take the number, and with it what is written there.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
        if getattr(sys, name) is None:
            stream = open(number, "w" if number else "r", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
