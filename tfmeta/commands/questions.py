"""The queries and the support set of a command that answers or explains."""

from typing import Any

import click


def queries_and_support(command: Any) -> Any:
    """Adds INPUT... and `--support` to a command, as `inputs` and `support`."""
    support = click.option(
        "--support",
        type=click.Path(),
        metavar="DIR|FILE",
        help="Folder with one subfolder of images, sounds or texts per class; or NPZ, CSV, JSONL "
        "or Parquet.",
    )
    inputs = click.argument("inputs", nargs=-1, type=click.Path(), metavar="INPUT...")
    return inputs(support(command))
