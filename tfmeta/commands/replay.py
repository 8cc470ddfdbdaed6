"""`tfmeta replay`."""

from typing import Any

import click

from tfmeta import strict_json
from tfmeta.commands import completion
from tfmeta.commands.trust import trust_option
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say


@click.command()
@click.argument("run_dir", type=click.Path(), shell_complete=completion.runs)
@click.option("--step", type=int, required=True, help="Which outer-loop step, from 1.")
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def replay(run_dir: Any, step: int, as_json: bool) -> None:
    """Run one training step of RUN_DIR again, with every number checked; changes nothing.

    For a run that stopped at a step whose loss was not finite: it says in which episode, layer and
    operation the first such number came up.
    """
    from tfmeta.training.run_directory import RunDirectory

    RunDirectory.open(run_dir)  # before the wait for TensorFlow
    start_tensorflow()
    from tfmeta.workflows.replay import Replay

    result = Replay(run_dir, step).run(lambda line: say(line, err=True))
    if as_json:
        click.echo(strict_json.dumps(result))
    else:
        say(*_sentences(result))


def _sentences(result: Any) -> Any:
    head = f"step {result['step']}, episodes {result['episodes'][0]} to {result['episodes'][1]}"
    where = result["not_finite"]
    if where is None:
        return [
            f"{head}: every number is finite; losses from {min(result['loss']):.4g} to "
            f"{max(result['loss']):.4g}, largest gradient {max(result['largest_gradient']):.4g}"
        ]
    task = "the update of the weights" if where["task"] is None else f"episode {where['episode']}"
    found = [f"{head}: not finite in {task}"]
    for name in ("layer", "operation", "line", "message"):
        if where.get(name):
            found.append(f"  {name}: {where[name]}")
    return found
