"""`tfmeta train`."""

import signal
from pathlib import Path

import click

from tfmeta import strict_json
from tfmeta.commands.episode_options import as_settings, episode_options
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say
from tfmeta.typed_fields import with_digest


@click.command()
@click.argument("pipeline", required=False)
@click.option("--algorithm", help="One of `tfmeta algorithms`.  [default: maml]")
@episode_options(ways=5, shots=1, queries=15)
@click.option("--steps", type=int, help="Outer-loop steps.  [default: the learner's recipe]")
@click.option("--meta-batch", type=int, help="Tasks a step.  [default: the learner's recipe]")
@click.option("--inner-steps", type=int, help="Inner-loop steps.  [default: the recipe]")
@click.option("--inner-lr", type=float, help="Inner-loop rate.  [default: the recipe]")
@click.option("--outer-lr", type=float, help="Outer-loop rate.  [default: the recipe]")
@click.option(
    "--transductive/--inductive",
    default=None,
    help="Normalise queries with their own statistics, or not.  [default: inductive]",
)
@click.option("--run-dir", type=click.Path(path_type=Path), help="[default: runs/NAME-TIME]")
@click.option("--config", type=click.Path(), help="JSON file of settings; options override it.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting.")
@click.option("--print-config", is_flag=True, help="Print the settings, resolved, and stop.")
@click.option("--dry-run", is_flag=True, help="Build, take one step, export, verify; keep nothing.")
@click.option("--resume", is_flag=True, help="Go on with --run-dir, exactly.")
@click.option("--data-dir", type=click.Path(), help="Where the pipeline's data is.")
@click.option("--seed", type=int, help="Of weights and episodes.  [default: 0]")
@click.option("--strategy", help="auto, single or mirrored.  [default: auto]")
@trust_option
@click.option("--max-minutes", type=float, help="Training time in all; alone, it sets the budget.")
def train(run_dir, config, assignments, print_config, dry_run, resume, **options):
    """Train a learner on the episodes of PIPELINE (see `tfmeta pipelines`)."""
    from tfmeta.training.run_directory import RunDirectory
    from tfmeta.training.settings import Settings, parse_assignment, read_config

    settings = dict(read_config(config)) if config else {}
    settings |= as_settings(options)
    settings.update(parse_assignment(text) for text in assignments)
    if resume:
        if run_dir is None:
            raise UserError("--resume needs the run to go on with: --run-dir runs/NAME")
        return _train(run_dir, resume=True, **settings)
    checked = Settings().updated(settings)  # before the wait for TensorFlow and the data
    if not checked.pipeline:
        raise UserError("received no pipeline; expected one of `tfmeta pipelines`")
    if print_config:
        return _print_config(settings)
    if dry_run:
        return _dry_run(settings)
    run_dir = run_dir or checked.default_run_dir()
    RunDirectory.check_free(run_dir)
    return _train(run_dir, **settings)


def _train(run_dir, **settings):
    from tfmeta.commands.reporting import Reporter

    with Reporter("train") as reporter, _Interruption(reporter) as interruption:
        start_tensorflow()
        from tfmeta.workflows import train as workflow

        run = workflow.train(
            run_dir=run_dir,
            progress=reporter,
            should_stop=lambda: interruption.asked,
            **settings,
        )
    rate = run.tasks_per_second
    speed = f", {rate:,.0f} tasks/s" if rate else ""
    if not run.finished:
        raise UserError(
            f"interrupted at step {run.step}{speed}; go on with: "
            f"tfmeta train --resume --run-dir {run_dir}",
            exit_status=1,
        )
    reporter.say(f"{run_dir}: {run.step} steps{speed}. Next: tfmeta evaluate {run_dir}")


class _Interruption:
    """Ctrl-C, a polite kill or a closed terminal: the run stops where it can be resumed.

    Ctrl-C twice ends it at once. The others may well come twice by themselves: a shell that ends
    with its terminal hangs up on what the system has hung up on already.
    """

    def __init__(self, reporter):
        self.asked = False
        self._reporter = reporter

    def __enter__(self):
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as `nohup` has it
            numbers.append(signal.SIGHUP)
        self._before = {number: signal.signal(number, self._ask) for number in numbers}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number, _):
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not self.asked:
            self.asked = True
            self._reporter.say("stopping after this window of steps; Ctrl-C to stop at once")


def _print_config(settings):
    start_tensorflow()
    from tfmeta.workflows.train import configuration

    click.echo(strict_json.dumps(with_digest(configuration(**settings)), indent=2))


def _dry_run(settings):
    start_tensorflow()
    from tfmeta.workflows.train import dry_run

    seconds = dry_run(**settings)
    say(f"dry run: built, trained one step, exported, verified in {seconds:.0f} s", err=True)
