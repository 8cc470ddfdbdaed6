"""`tfmeta evaluate`."""

from typing import Any

import click

from tfmeta import strict_json
from tfmeta.commands import completion
from tfmeta.commands.checkpoint import checkpoint_option
from tfmeta.commands.episode_options import episode_options, pipeline_options
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say


@click.command()
@click.argument("run_dir", type=click.Path(), shell_complete=completion.runs)
@click.option("--split", help="train, validation, test or all.  [default: test]")
@click.option("--tasks", type=click.IntRange(1), help="Test episodes.  [default: 600]")
@episode_options(ways="as trained", shots="as trained", queries="as trained")
@click.option(
    "--pipeline",
    shell_complete=completion.pipelines,
    help="Test on another pipeline than the run's.",
)
@click.option("--set", "assignments", multiple=True, metavar="pipeline.NAME=VALUE")
@click.option("--data-dir", type=click.Path(), help="Where the pipeline's data is.")
@click.option("--seed", type=int, help="Of the test episodes.  [default: 0]")
@click.option("--episodes", type=click.Path(), help="A file of `tfmeta episodes` to test on.")
@click.option(
    "--baselines/--no-baselines",
    default=True,
    help="Compare with what needs no learning, on the same episodes.  [default: baselines]",
)
@checkpoint_option
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def evaluate(run_dir: Any, as_json: bool, episodes: Any, **options: Any) -> None:
    """Evaluate the learner of RUN_DIR on test episodes that are the same every time."""
    from tfmeta.training.run_directory import RunDirectory

    run = RunDirectory.open(run_dir)
    given = {name: value for name, value in options.items() if value not in (None, ())}
    baselines, checkpoint = given.pop("baselines"), given.pop("checkpoint")
    if episodes is not None and given:
        first = "set" if "assignments" in given else next(iter(given)).replace("_", "-")
        raise UserError(f"received --episodes and --{first}; the file says which episodes they are")
    start_tensorflow()
    from tfmeta.commands.reporting import Reporter
    from tfmeta.workflows import evaluate as workflow

    given |= pipeline_options(given.pop("assignments", ()))
    with Reporter("evaluate") as reporter:
        result = workflow.evaluate(
            run.path,
            episodes=episodes,
            progress=reporter,
            is_recorded=False,
            checkpoint=checkpoint,
            baselines=baselines,
            **given,
        )
    try:  # shown first: it may have taken long, and may not be possible to record
        if as_json:
            click.echo(strict_json.dumps(result.facts))
        else:
            say(*result.sentences())
    finally:
        workflow.record(run.path, result)
