"""`tfmeta explain`."""

from typing import Any

import click

from tfmeta import strict_json
from tfmeta.commands import completion
from tfmeta.commands.checkpoint import checkpoint_option
from tfmeta.commands.questions import queries_and_support
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.terminal import say, width
from tfmeta.training.checkpoints import BEST


@click.command()
@click.argument("model", type=click.Path(), shell_complete=completion.runs)
@queries_and_support
@click.option(
    "--of",
    metavar="CLASS|NUMBER",
    help="Explain this class; of values, the value with this number.  [default: the answer]",
)
@click.option(
    "--output",
    type=click.Path(),
    metavar="FOLDER|PNG",
    help="Draw a picture of each explanation into a new folder, or of one into a PNG file.",
)
@checkpoint_option
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def explain(
    model: Any, inputs: Any, support: Any, of: Any, output: Any, as_json: bool, checkpoint: Any
) -> None:
    """Say why MODEL, a run or an export, answers each INPUT as it does, given the --support set.

    Three tables: what each support example adds to the answer, or what the answer loses without it;
    what it loses when a part of the input is hidden; and what adaptation changes in each layer, and
    how much of the answer comes from that. INPUT and --support are those of `tfmeta predict`.

    An export has no parts: each support example is left out, and what adaptation changes is not
    known. One with its support set baked in takes no --support, and explains the input alone.

    The answer of a class is its log-odds, log(p / (1 - p)); that of a value is the value itself.
    """
    if not inputs:
        raise UserError(
            "received no INPUT; expected what is to be explained, as for tfmeta predict: "
            f"tfmeta explain {model} --support DIR INPUT..."
        )
    from tfmeta.commands.reporting import Reporter
    from tfmeta.explaining.explanation_files import check_place
    from tfmeta.workflows import explain as workflow

    place = None if output is None else check_place(output, len(inputs))
    with Reporter("explain") as reporter:
        options = {"progress": reporter}
        if checkpoint != BEST:  # the default; an export has no other
            options["checkpoint"] = checkpoint
        found = workflow.explain(model, inputs, support=support, of=of, **options)
    files = [] if place is None else found.write_pictures(place)
    if as_json:
        click.echo(strict_json.dumps(found.to_dict()))
    else:
        say(*found.lines(width()))
    if files:
        say(*(f"wrote {file}" for file in files), err=True)
