"""What commands share: standard streams that are open, and the option `--timeout`."""

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
    help="End the process that runs the export after this time.",
)


def open_standard_streams() -> None:
    """Opens each standard stream that the process was started without (`2>&-`), to the null device.

    Otherwise the next file that is opened gets the stream's number, and receives its output.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
        if getattr(sys, name) is None:
            stream = open(number, "w" if number else "r", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
