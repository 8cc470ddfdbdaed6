"""`tfmeta optima`."""

from pathlib import Path

import click

from tfmeta.commands.trust import trust_option
from tfmeta.runtime import start_tensorflow


@click.command()
@click.argument("run_dir", type=click.Path())
@click.option("--output", type=click.Path(path_type=Path), required=True, help="A new file.")
@click.option("--tasks", default=4_000, show_default=True, help="Training tasks to solve.")
@click.option("--shots", type=int, help="Support examples a task.  [default: as trained]")
@click.option("--queries", default=90, show_default=True, help="Query examples a task.")
@click.option("--steps", default=100, show_default=True, help="Gradient steps a task.")
@click.option("--rate", default=0.01, show_default=True, help="Of the first step.")
@trust_option
@click.option("--seed", default=0, show_default=True, help="Of the tasks.")
def optima(run_dir, output, tasks, shots, queries, seed, **solver):
    """Solve training tasks from the network of RUN_DIR: what a hypernetwork may be fitted to."""
    from tfmeta import files
    from tfmeta.training.run_directory import RunDirectory

    settings = RunDirectory.open(run_dir).settings
    files.check_free(output)  # before the wait for TensorFlow and the tasks
    start_tensorflow()
    from tfmeta.commands.reporting import Reporter
    from tfmeta.episodes import optima_file
    from tfmeta.episodes.episode_source import EpisodeShape
    from tfmeta.workflows.optima import solve_tasks

    with files.locked(output), Reporter("optima") as reporter:
        solved = solve_tasks(
            run_dir,
            EpisodeShape(1, settings.shots if shots is None else shots, queries),
            num_tasks=tasks,
            seed=seed,
            on_progress=lambda done: reporter.advance(done / tasks, f"{done} tasks"),
            **solver,
        )
        optima_file.write_locked(output, solved)
    facts = solved.provenance
    reporter.say(
        f"{output}: {tasks} tasks, mean loss {facts['start_loss']:.4g} at the start, "
        f"{facts['loss']:.4g} at the optimum. Next: tfmeta train optima --algorithm hypernetwork "
        f"--shots {facts['num_shots']} --set pipeline.file={output}"
    )
