"""`tfmeta episodes`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tfmeta import files, strict_json
from tfmeta.commands import completion
from tfmeta.commands.episode_options import episode_options, given_options, pipeline_options
from tfmeta.commands.trust import trust_option
from tfmeta.errors import counted
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say


@click.command()
@click.argument("pipeline", shell_complete=completion.pipelines)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--tasks", type=click.IntRange(1), default=600, show_default=True, help="How many.")
@click.option("--split", default="test", show_default=True, help="train, validation, test or all.")
@episode_options(ways=5, shots=1, queries=15)
@click.option("--set", "assignments", multiple=True, metavar="pipeline.NAME=VALUE")
@click.option("--data-dir", type=click.Path(), help="Where the pipeline's data is.")
@click.option(
    "--like",
    type=click.Path(),
    shell_complete=completion.runs,
    help="A run whose pipeline options to take.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the episodes.")
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def episodes(output: Any, assignments: Sequence[str], as_json: bool, **options: Any) -> None:
    """Write test episodes of PIPELINE to a file, for `tfmeta evaluate RUN --episodes FILE`."""
    given = given_options(options) | pipeline_options(assignments)
    files.check_free(output)  # before the wait for TensorFlow and the data
    start_tensorflow()
    from tfmeta.commands.reporting import Reporter
    from tfmeta.workflows.episodes import write_episodes

    with Reporter("episodes") as reporter:
        protocol = write_episodes(output=output, progress=reporter, **given)
    if as_json:
        click.echo(strict_json.dumps(protocol))
    else:
        tasks = counted(protocol["num_tasks"], "task")
        say(
            f"{output}: {tasks} of the {protocol['split']} split of "
            f"{protocol['source']['name']}, episodes {protocol['episodes_sha256'][:16]}"
        )
