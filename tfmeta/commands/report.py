"""`tfmeta report`."""

from pathlib import Path
from typing import Any

import click

from tfmeta.commands import completion
from tfmeta.commands.checkpoint import checkpoint_option
from tfmeta.commands.protocol_options import given_episodes, testing_options
from tfmeta.commands.trust import trust_option
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say


@click.command()
@click.argument("runs", nargs=-1, required=True, shell_complete=completion.runs)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default="report.html",
    show_default=True,
    help="The HTML file.",
)
@testing_options
@click.option(
    "--sizes/--no-sizes",
    default=True,
    help="Test with other numbers of ways and shots too.  [default: sizes]",
)
@checkpoint_option
@trust_option
def report(runs: Any, output: Path, sizes: bool, checkpoint: Any, **options: Any) -> None:
    """Test the learners of RUNS on the same episodes, and write what is to be seen as a web page.

    One file, which needs no other and no network. Nothing is recorded in the runs.
    """
    from tfmeta.reporting.place import check_place
    from tfmeta.training.run_directory import RunDirectory

    for run in runs:
        RunDirectory.open(run)
    given = given_episodes(options)
    check_place(output)
    start_tensorflow()
    from tfmeta.commands.reporting import Reporter
    from tfmeta.workflows import report as workflow

    with Reporter("report") as reporter:
        workflow.report(
            runs, output=output, sizes=sizes, progress=reporter, checkpoint=checkpoint, **given
        )
    say(f"the report is {output}")
