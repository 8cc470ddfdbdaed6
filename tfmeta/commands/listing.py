"""`tfmeta algorithms` and `tfmeta pipelines`."""

import json
import textwrap

import click

from tfmeta import strict_json


@click.command()
def algorithms():
    """List the learners: when to choose which."""
    from tfmeta.learners import ALGORITHMS

    _show({name: algorithm.summary for name, algorithm in ALGORITHMS.items()})


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def pipelines(as_json):
    """List the pipelines, where episodes come from, with their options.

    Options are given as `--set pipeline.NAME=VALUE`; here with their defaults.
    """
    from tfmeta.pipelines import listing

    found = listing()
    if as_json:
        return click.echo(strict_json.dumps(found))
    _show({name: each["summary"] for name, each in found.items()}, found)


def _show(summaries, details=None):
    width = max(map(len, summaries))
    for name, summary in summaries.items():
        click.echo(f"{name:{width}}  {summary}")
        if details and details[name]["options"]:
            options = (f"{key}={json.dumps(v)}" for key, v in details[name]["options"].items())
            indent = " " * (width + 4)
            click.echo(
                textwrap.fill(
                    ", ".join(options),
                    100,
                    initial_indent=indent,
                    subsequent_indent=indent,
                    break_on_hyphens=False,
                )
            )
