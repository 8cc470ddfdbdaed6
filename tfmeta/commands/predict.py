"""`tfmeta predict`."""

from typing import Any

import click

from tfmeta import strict_json
from tfmeta.commands import completion
from tfmeta.commands.questions import queries_and_support
from tfmeta.commands.startup import timeout_option
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.terminal import say, width


@click.command()
@click.argument("exported_or_run_dir", type=click.Path(), shell_complete=completion.models)
@queries_and_support
@click.option(
    "--labelled",
    is_flag=True,
    help="Each INPUT has its answers too, as a support set has; say how many are right.",
)
@click.option("--skip-unreadable", is_flag=True, help="Leave out what can't be read or is refused.")
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@timeout_option
def predict(exported_or_run_dir: Any, inputs: Any, as_json: bool, **options: Any) -> None:
    """Answer each INPUT: with a class of the --support set, or with values.

    An INPUT is what the model takes: an image or a sound, or a folder of them; a text, or a file of
    texts; or an NPZ, CSV or Parquet file, each row of which is a query: an NPZ has the array x, a
    table the columns that the model was trained on. A --support file has the answers too: an array
    y, or their columns.

    The model is an export (exported/NAME) or a run (runs/NAME), whose confidence is not fitted
    yet. An `adapted` export has its support set baked in and takes none. For classes the output is
    the label, its confidence, and from 0 to 1 how likely the input is of none of the classes.
    """
    if not inputs:
        raise UserError(
            "received no INPUT; expected what is to be answered, an image, a folder of images or "
            f"a file of rows: tfmeta predict {exported_or_run_dir} INPUT... [--support DIR|FILE]"
        )
    from tfmeta.workflows import predict as workflow

    predictions = workflow.predict(exported_or_run_dir, inputs, **options)
    found = None
    if options["labelled"]:
        from tfmeta.workflows.score import score

        found = score(predictions)
    if as_json:
        content: dict[str, Any] = {"predictions": [each.to_dict() for each in predictions]}
        content |= {"score": found.to_dict()} if found else {}
        click.echo(strict_json.dumps(content))
    else:
        say(*map(str, predictions), *(found.lines(width()) if found else ()))
