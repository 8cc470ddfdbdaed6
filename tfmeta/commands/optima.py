"""`tfmeta optima`."""

from pathlib import Path
from typing import Any

import click

from tfmeta.commands import completion
from tfmeta.commands.trust import trust_option
from tfmeta.runtime import start_tensorflow


@click.command()
@click.argument("run_dir", type=click.Path(), shell_complete=completion.runs)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="A new file.")
@click.option("--tasks", type=int, help="Training tasks to solve.  [default: 4000]")
@click.option("--shots", type=int, help="Support examples per task.  [default: as trained]")
@click.option("--queries", type=int, help="Query examples per task.  [default: 90]")
@click.option("--steps", type=int, help="Gradient steps per task.  [default: 100]")
@click.option("--rate", type=float, help="Rate of the first step.  [default: 0.01]")
@trust_option
@click.option("--seed", type=int, help="Seed of the tasks.  [default: 0]")
def optima(run_dir: Any, output: Any, **options: Any) -> None:
    """Solve training tasks from the network of RUN_DIR: what a hypernetwork may be fitted to."""
    from tfmeta import files
    from tfmeta.training.run_directory import RunDirectory

    RunDirectory.open(run_dir)
    files.check_free(output)  # before the wait for TensorFlow and the tasks
    start_tensorflow()
    from tfmeta.commands.reporting import Reporter
    from tfmeta.workflows.optima import write_optima

    given = {name: value for name, value in options.items() if value is not None}
    with Reporter("optima") as reporter:
        facts = write_optima(run_dir, output, progress=reporter, **given)
    reporter.say(
        f"{output}: {facts['num_tasks']} tasks, mean loss {facts['start_loss']:.4g} at the start, "
        f"{facts['loss']:.4g} at the optimum. Next: tfmeta train optima --algorithm hypernetwork "
        f"--shots {facts['num_shots']} --set pipeline.file={output}"
    )
