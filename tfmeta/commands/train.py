"""`tfmeta train`."""

import signal
import time
from pathlib import Path

import click

from tfmeta import files, strict_json
from tfmeta.commands.episode_options import as_settings, episode_options
from tfmeta.commands.startup import start_tensorflow
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.terminal import say
from tfmeta.typed_fields import with_digest

# Option -> setting, where a learner's own option has a short name on the command line.
_LEARNER_OPTIONS = {"inner_steps": "learner.inner_steps", "inner_lr": "learner.inner_learning_rate"}


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

    flat = dict(read_config(config)) if config else {}
    given = as_settings(options)
    flat.update({_LEARNER_OPTIONS.get(name, name): value for name, value in given.items()})
    flat.update(parse_assignment(text) for text in assignments)
    if resume:
        if run_dir is None:
            raise UserError("--resume needs the run to go on with: --run-dir runs/NAME")
        return _train(lambda: _trainer().resume(run_dir, flat), run_dir)
    settings = Settings().updated(flat)
    if not settings.pipeline:
        raise UserError("received no pipeline; expected one of `tfmeta pipelines`")
    if print_config:
        return _print_config(settings)
    if dry_run:
        return _dry_run(settings)
    name = f"{settings.pipeline.replace(':', '-')}-{settings.algorithm}"
    run_dir = run_dir or Path("runs") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    RunDirectory.check_free(run_dir)  # before the wait for TensorFlow and the data
    return _train(lambda: _trainer().start(settings, run_dir), run_dir)


def _trainer():
    start_tensorflow()
    from tfmeta.training.trainer import Trainer

    return Trainer


def _train(make_trainer, run_dir):
    from tfmeta.training.reporting import Reporter

    with Reporter("train") as reporter, _Interruption(reporter) as interruption:
        outcome = make_trainer().train(reporter, should_stop=lambda: interruption.asked)
    rate = outcome.tasks_per_second
    speed = f", {rate:,.0f} tasks/s" if rate else ""
    if not outcome.finished:
        raise UserError(
            f"interrupted at step {outcome.step}{speed}; go on with: "
            f"tfmeta train --resume --run-dir {run_dir}",
            exit_status=1,
        )
    reporter.say(f"{run_dir}: {outcome.step} steps{speed}. Next: tfmeta evaluate {run_dir}")


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
    from tfmeta.training.building import open_source, resolve

    settings = resolve(settings, open_source(settings))
    click.echo(strict_json.dumps(with_digest(settings.to_flat()), indent=2))


def _dry_run(settings):
    start_tensorflow()
    from tfmeta.exporting.exporter import export_learner
    from tfmeta.exporting.verification import verify_export
    from tfmeta.training.trainer import dry_run_step

    started = time.monotonic()
    learner, source = dry_run_step(settings)
    with files.temporary_folder() as folder:
        version = export_learner(
            learner,
            folder / "dry-run",
            is_regression=source.is_regression,
            image_format=source.image_format,
        )
        report = verify_export(version)
    failed = [check for check in report["checks"] if not check["ok"]]
    if failed:
        raise UserError(
            f"dry run: the export failed its check {failed[0]['check']}: {failed[0]['detail']}",
            exit_status=1,
        )
    seconds = time.monotonic() - started
    say(f"dry run: built, trained one step, exported, verified in {seconds:.0f} s", err=True)
