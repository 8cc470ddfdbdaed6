"""`tfmeta algorithms` and `tfmeta pipelines`."""

import click


@click.command()
def algorithms():
    """List the learners: when to choose which."""
    from tfmeta.learners import ALGORITHMS

    _show({name: algorithm.summary for name, algorithm in ALGORITHMS.items()})


@click.command()
def pipelines():
    """List the pipelines: where episodes come from."""
    from tfmeta.pipelines import PIPELINES

    _show({name: pipeline.summary for name, pipeline in PIPELINES.items()})


def _show(summaries):
    width = max(map(len, summaries))
    for name, summary in summaries.items():
        click.echo(f"{name:{width}}  {summary}")
