"""`tfmeta inspect`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tfmeta import strict_json
from tfmeta.commands import completion
from tfmeta.commands.episode_options import episode_options, given_options, pipeline_options
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say, width


@click.command()
@click.argument("pipeline", shell_complete=completion.pipelines)
@click.option("--data-dir", type=click.Path(), help="Where the pipeline's data is.")
@click.option("--set", "assignments", multiple=True, metavar="pipeline.NAME=VALUE")
@click.option(
    "--algorithm",
    shell_complete=completion.algorithms,
    help="What is to learn from the data.  [default: maml; for regression, bayes-linear]",
)
@episode_options(ways=5, shots=1, queries=15)
@click.option(
    "--contact-sheet",
    type=click.Path(path_type=Path),
    help="PNG of sample episodes.  [default: PIPELINE-contact-sheet.png]",
)
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def inspect(assignments: Sequence[str], contact_sheet: Any, as_json: bool, **options: Any) -> None:
    """Say what is in the data of PIPELINE and what is wrong with it, before anything trains.

    Exits with 0 if `tfmeta train` would take the data, with 1 if it would refuse it.
    """
    from tfmeta.inspection.contact_sheet import check_free
    from tfmeta.training.flat_settings import as_flat
    from tfmeta.training.settings import Settings

    given = given_options(options) | pipeline_options(assignments, "validation_tasks")
    settings = Settings.of_new_run(as_flat(given))
    plain_name = settings.pipeline.replace(":", "-").replace("/", "-")
    contact_sheet = contact_sheet or Path(f"{plain_name}-contact-sheet.png")
    check_free(contact_sheet)  # before the wait for TensorFlow and the data
    start_tensorflow()
    from tfmeta.workflows import inspect as workflow

    found = workflow.inspect(contact_sheet=contact_sheet, **given)
    if as_json:
        click.echo(strict_json.dumps(found.facts))
    else:
        say(*found.lines(width()))
    if refusals := found.refusals:
        more = f" (and {len(refusals) - 1} more; see the report)" if refusals[1:] else ""
        raise UserError(f"{refusals[0]}{more}", exit_status=1)
