"""`tfmeta verify`."""

import sys
from typing import TYPE_CHECKING, Any

import click

from tfmeta import strict_json
from tfmeta.commands import completion
from tfmeta.commands.startup import timeout_option
from tfmeta.terminal import plain

if TYPE_CHECKING:
    from tfmeta.workflows.verify import Verification


@click.command()
@click.argument("exported_dir", type=click.Path(), shell_complete=completion.exports)
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
@timeout_option
def verify(exported_dir: Any, as_json: bool, timeout: float) -> None:
    """Check that the export in EXPORTED_DIR works in TensorFlow Serving.

    The checks run in a fresh process without TensorFlow's Python. They use TensorFlow's own C++
    loader, with XLA disabled. EXPORTED_DIR is exported/NAME (for its newest version) or
    exported/NAME/VERSION.
    """
    from tfmeta.workflows.verify import verify as workflow

    report = workflow(exported_dir, timeout=timeout)
    if as_json:
        click.echo(strict_json.dumps(report.to_dict()))
    else:
        _show(report)
    sys.exit(0 if report else 1)


def _show(report: "Verification") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, title=Text(plain(report.export)), title_justify="left")
    for column in ("check", "", "what was found"):
        table.add_column(column, overflow="fold")
    for check in report.checks:
        verdict = "[green]holds" if check["ok"] else "[red]FAILS"
        table.add_row(Text(plain(check["check"])), verdict, Text(plain(check["detail"])))
    Console(stderr=True).print(table)
