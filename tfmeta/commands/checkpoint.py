"""The option `--checkpoint` of the commands that use a run."""

import click

from tfmeta.training.checkpoints import BEST, LAST

checkpoint_option = click.option(
    "--checkpoint",
    type=click.Choice([BEST, LAST]),
    default=BEST,
    show_default=True,
    help="The best by validation, or the last. Without validation it is the last.",
)
