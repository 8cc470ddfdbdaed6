"""`tfmeta algorithms`, `tfmeta pipelines` and `tfmeta networks`."""

import json
import textwrap
from typing import Any

import click

from tfmeta import strict_json
from tfmeta.terminal import say, width


@click.command()
def algorithms() -> None:
    """List the learners, and when to choose each."""
    from tfmeta.learners import ALGORITHMS

    _show({name: algorithm.summary for name, algorithm in ALGORITHMS.items()})


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def pipelines(as_json: bool) -> Any:
    """List the pipelines, where episodes come from, with their options.

    The options are shown with their defaults; give one as `--set pipeline.NAME=VALUE`.
    """
    from tfmeta.pipelines import listing

    found = listing()
    if as_json:
        return click.echo(strict_json.dumps(found))
    _show({name: each["summary"] for name, each in found.items()}, found)


@click.command()
def networks() -> None:
    """List the networks, with the parameters of each as it is by default.

    One is chosen with `--set network=NAME`, and its options with `--set network.OPTION=VALUE`.
    """
    from tfmeta.network_registry import listing

    _show(listing())


def _show(summaries: Any, details: Any = None) -> None:
    """Prints one line per entry, and its options below; lines are folded on a terminal alone."""
    columns = width()
    longest = max(map(len, summaries))
    for name, summary in summaries.items():
        _echo(f"{name:{longest}}  {summary}", columns, later=" " * (longest + 2))
        if details and details[name]["options"]:
            options = (f"{key}={json.dumps(v)}" for key, v in details[name]["options"].items())
            indent = " " * (longest + 4)
            _echo(indent + ", ".join(options), columns, later=indent)


def _echo(line: str, columns: int, *, later: str) -> None:
    wrapper = textwrap.TextWrapper(
        columns, subsequent_indent=later, break_on_hyphens=False, break_long_words=False
    )
    for part in wrapper.wrap(line):
        say(part)
