"""`tfmeta compare`."""

from typing import Any

import click

from tfmeta import strict_json
from tfmeta.commands import completion
from tfmeta.commands.checkpoint import checkpoint_option
from tfmeta.commands.protocol_options import given_protocol, protocol_options
from tfmeta.commands.trust import trust_option
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say, width


@click.command()
@click.argument("runs", nargs=-1, required=True, shell_complete=completion.runs)
@protocol_options
@checkpoint_option
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def compare(runs: Any, as_json: bool, checkpoint: Any, **options: Any) -> None:
    """Evaluate the learners of RUNS on the same test episodes, and say which differences hold.

    Nothing is recorded in the runs.
    """
    from tfmeta.training.run_directory import RunDirectory

    for run in runs:
        RunDirectory.open(run)
    given = given_protocol(options)
    start_tensorflow()
    from tfmeta.commands.reporting import Reporter
    from tfmeta.workflows import compare as workflow

    with Reporter("compare") as reporter:
        found = workflow.compare(runs, progress=reporter, checkpoint=checkpoint, **given)
    if as_json:
        click.echo(strict_json.dumps(found.facts))
    else:
        say(*found.lines(width()))
