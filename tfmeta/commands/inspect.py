"""`tfmeta inspect`."""

import os
from dataclasses import replace
from pathlib import Path

import click

from tfmeta import strict_json
from tfmeta.commands.episode_options import as_settings, episode_options, pipeline_options
from tfmeta.commands.startup import start_tensorflow
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.terminal import plain_values, say


@click.command()
@click.argument("pipeline")
@click.option("--data-dir", type=click.Path(), help="Where the pipeline's data is.")
@click.option("--set", "assignments", multiple=True, metavar="pipeline.NAME=VALUE")
@click.option("--algorithm", help="That is to learn from it.  [default: maml]")
@episode_options(ways=5, shots=1, queries=15)
@click.option(
    "--contact-sheet",
    type=click.Path(path_type=Path),
    help="PNG of sample episodes.  [default: PIPELINE-contact-sheet.png]",
)
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def inspect(assignments, contact_sheet, as_json, **options):
    """Say what is in the data of PIPELINE and what is wrong with it, before anything trains.

    Exits with 0 if `tfmeta train` would take the data, with 1 if it would refuse it.
    """
    from tfmeta.inspection.contact_sheet import check_free
    from tfmeta.training.settings import Settings

    own = pipeline_options(assignments)
    settings = Settings().updated(as_settings(options) | own)
    plain_name = settings.pipeline.replace(":", "-").replace("/", "-")
    contact_sheet = contact_sheet or Path(f"{plain_name}-contact-sheet.png")
    check_free(contact_sheet)  # before the wait for TensorFlow and the data
    start_tensorflow()
    report, prepared_lines = _report(settings, contact_sheet)
    if as_json:
        click.echo(strict_json.dumps(report))
    else:
        _show(report, prepared_lines)
    if refusals := report["refusals"]:
        more = f" (and {len(refusals) - 1} more; see the report)" if refusals[1:] else ""
        raise UserError(f"{refusals[0]}{more}", exit_status=1)


def _report(settings, contact_sheet):
    """The report, with where the contact sheet is or why there is none; lines of the source's."""
    from tfmeta.inspection.contact_sheet import why_not, write_contact_sheet
    from tfmeta.inspection.report import make_report
    from tfmeta.training.building import episode_shape, open_source, resolve

    source = open_source(replace(settings, skip_unreadable=True))
    settings = resolve(settings, source)
    report, shape = make_report(source, settings), episode_shape(settings)
    reason = why_not(source, shape)
    if reason is None:
        write_contact_sheet(contact_sheet, source, shape)
    sheet = {"file": None if reason else str(contact_sheet), "skipped": reason}
    prepared_lines = () if source.prepared is None else source.prepared.lines(report)
    return report | {"contact_sheet": sheet}, prepared_lines


def _show(report, prepared_lines):
    import shutil
    import sys

    from tfmeta.inspection.lines import UNLIMITED
    from tfmeta.inspection.tables import report_lines

    # In a pipe lines are whole, for what reads them; but for a width that the user names.
    is_piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    width = UNLIMITED if is_piped else shutil.get_terminal_size().columns
    # Before they are laid out, for then they are longer.
    report, prepared_lines = plain_values(report), plain_values(prepared_lines)
    say(*report_lines(report, width, prepared_lines))
    sheet = report["contact_sheet"]
    say(f"contact sheet: {sheet['file'] or 'none, because ' + sheet['skipped']}")
