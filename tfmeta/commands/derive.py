"""`tfmeta derive`."""

from typing import Any

import click

from tfmeta import strict_json
from tfmeta.commands import completion
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say
from tfmeta.training.checkpoints import BEST, LAST


@click.command()
@click.argument("run_dir", type=click.Path(), shell_complete=completion.runs)
@click.option(
    "--output",
    type=click.Path(),
    metavar="FILE.keras",
    help="Write the network, and its picture into FILE.svg.  [default: only show it]",
)
@click.option(
    "--parameters",
    type=click.IntRange(1),
    help="Make cells as wide as this number allows.  [default: that of conv4]",
)
@click.option(
    "--random",
    type=click.IntRange(0),
    metavar="SEED",
    help="Draw a structure at random from the same search space, as random search does.",
)
@click.option(
    "--seed", type=click.IntRange(0), help="Of the weights that are written.  [default: 0]"
)
@click.option(
    "--checkpoint",
    type=click.Choice([LAST, BEST]),
    help="The last, when the choice is clearest, or the best by validation.  [default: last]",
)
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def derive(run_dir: Any, as_json: bool, **options: Any) -> None:
    """Take the structure that RUN_DIR has found as a plain Keras network.

    For a run with --network search_cells or search_units. The file is a network for any learner:
    tfmeta train PIPELINE --network FILE.keras. Its weights are drawn anew.
    """
    from tfmeta.training.run_directory import RunDirectory

    seed = options.pop("seed")
    if seed is not None and options["output"] is None:
        raise UserError(
            f"received --seed {seed} without --output; it is of the weights that are written"
        )
    RunDirectory.open(run_dir)  # before the wait for TensorFlow
    start_tensorflow()
    from tfmeta.workflows import derive as workflow

    found = workflow.derive(run_dir, seed=seed or 0, **options)
    if as_json:
        click.echo(strict_json.dumps(found.facts))
    else:
        say(*found.lines())
    say(*(f"wrote {file}" for file in found.facts["files"]), err=True)
