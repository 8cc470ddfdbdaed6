"""`tfmeta episodes`."""

from pathlib import Path

import click

from tfmeta import strict_json
from tfmeta.commands.episode_options import as_settings, episode_options, pipeline_options
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say


@click.command()
@click.argument("pipeline")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--tasks", type=click.IntRange(1), default=600, show_default=True, help="How many.")
@click.option("--split", default="test", show_default=True, help="train, validation, test or all.")
@episode_options(ways=5, shots=1, queries=15)
@click.option("--set", "assignments", multiple=True, metavar="pipeline.NAME=VALUE")
@click.option("--data-dir", type=click.Path(), help="Where the pipeline's data is.")
@click.option("--like", "run_dir", type=click.Path(), help="A run whose pipeline options to take.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the episodes.")
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def episodes(
    pipeline, output, tasks, split, assignments, data_dir, run_dir, seed, as_json, **options
):
    """Write test episodes of PIPELINE to a file, for `tfmeta evaluate RUN --episodes FILE`."""
    from tfmeta.files import check_free

    check_free(output)  # before the wait for TensorFlow and the data
    start_tensorflow()
    from tfmeta.commands.reporting import Reporter
    from tfmeta.episodes.episode_file import write_episodes
    from tfmeta.training.building import episode_shape, open_source, with_ways
    from tfmeta.training.settings import Settings

    given = pipeline_options(assignments) | as_settings(options)
    if run_dir:
        given = _options_of(run_dir, pipeline) | given
    settings = Settings().updated({"pipeline": pipeline, "data_dir": data_dir, **given})
    source = open_source(settings)
    shape = episode_shape(with_ways(settings, source))
    with Reporter("episodes") as reporter:
        for line in source.left_out({split: shape}):
            reporter.say(line)
        protocol = write_episodes(
            output,
            source,
            shape,
            split=split,
            num_tasks=tasks,
            seed=seed,
            on_progress=lambda done: reporter.advance(done / tasks, f"{done} tasks"),
        )
    if as_json:
        click.echo(strict_json.dumps(protocol))
    else:
        say(
            f"{output}: {tasks} tasks of the {split} split of {source.name}, "
            f"episodes {protocol['episodes_sha256'][:16]}"
        )


def _options_of(run_dir, pipeline):
    """What a run recorded of its pipeline: its options, and what the data decided."""
    from tfmeta.training.run_directory import RunDirectory

    settings = RunDirectory.open(run_dir).settings
    if settings.pipeline != pipeline:
        raise UserError(f"{run_dir} was trained on {settings.pipeline}; expected {pipeline}")
    return {f"pipeline.{name}": value for name, value in settings.pipeline_options.items()}
