"""`tfmeta runs`."""

from typing import Any

import click

from tfmeta import strict_json
from tfmeta.terminal import say, width


@click.command()
@click.argument("folder", type=click.Path(), default="runs")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def runs(folder: Any, as_json: bool) -> None:
    """List the runs in FOLDER (runs), the best first, with their results and why each stopped.

    Runs of the same pipeline, classes, ways, shots, queries and mode stand in one table, by their
    test result, or else by their validation. Broken ones are named.
    """
    from tfmeta.workflows.runs import runs as workflow

    found = workflow(folder)
    if as_json:
        click.echo(strict_json.dumps(found.facts))
    else:
        say(*found.lines(width()))
