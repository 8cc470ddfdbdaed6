"""`tfmeta evaluate`."""

from typing import Any

import click

from tfmeta import strict_json
from tfmeta.commands import completion
from tfmeta.commands.checkpoint import checkpoint_option
from tfmeta.commands.protocol_options import given_protocol, protocol_options
from tfmeta.commands.trust import trust_option
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say


@click.command()
@click.argument("run_dir", type=click.Path(), shell_complete=completion.runs)
@protocol_options
@checkpoint_option
@trust_option
@click.option("--strategy", help="auto, single or mirrored.  [default: auto]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def evaluate(
    run_dir: Any, as_json: bool, checkpoint: Any, strategy: str | None, **options: Any
) -> None:
    """Evaluate the learner of RUN_DIR on test episodes that are the same every time."""
    from tfmeta.training.run_directory import RunDirectory

    run = RunDirectory.open(run_dir)
    given = given_protocol(options)
    if strategy is not None:
        given["strategy"] = strategy
    start_tensorflow()
    from tfmeta.commands.reporting import Reporter
    from tfmeta.workflows import evaluate as workflow

    with Reporter("evaluate") as reporter:
        result = workflow.evaluate(
            run.path, progress=reporter, is_recorded=False, checkpoint=checkpoint, **given
        )
    try:  # shown first: it may have taken long, and may not be possible to record
        if as_json:
            click.echo(strict_json.dumps(result.facts))
        else:
            say(*result.sentences())
    finally:
        workflow.record(run.path, result)
