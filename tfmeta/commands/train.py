"""`tfmeta train`."""

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfmeta import strict_json
from tfmeta.commands import completion
from tfmeta.commands.episode_options import episode_options, given_options
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say

if TYPE_CHECKING:
    from tfmeta.commands.reporting import Reporter
    from tfmeta.workflows.train_request import TrainRequest


@click.command()
@click.argument("pipeline", required=False, shell_complete=completion.pipelines)
@click.option(
    "--algorithm",
    shell_complete=completion.algorithms,
    help="One of `tfmeta algorithms`.  [default: maml; for regression, bayes-linear; for "
    "texts, ridge; for photographs with tfmeta[pretrained], ridge on a pretrained network]",
)
@click.option(
    "--network",
    shell_complete=completion.networks,
    help="One of `tfmeta networks`.  [default: by the data]",
)
@click.option(
    "--train",
    metavar="all|head|none|LAYER,...",
    help="What of the network is trained.  [default: all]",
)
@episode_options(ways=5, shots=1, queries=15)
@click.option("--steps", type=int, help="Outer-loop steps.  [default: the learner's recipe]")
@click.option("--meta-batch", type=int, help="Tasks per step.  [default: the learner's recipe]")
@click.option("--inner-steps", type=int, help="Inner-loop steps.  [default: the recipe]")
@click.option("--inner-lr", type=float, help="Inner-loop rate.  [default: the recipe]")
@click.option("--outer-lr", type=float, help="Outer-loop rate.  [default: the recipe]")
@click.option(
    "--recompute/--no-recompute",
    default=None,
    help="Keep no activations of inner steps, for less memory.  [default: keep them]",
)
@click.option(
    "--transductive/--inductive",
    default=None,
    help="Normalise queries with their own statistics, or not.  [default: inductive]",
)
@click.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    shell_complete=completion.runs,
    help="[default: runs/NAME-TIME]",
)
@click.option("--config", type=click.Path(), help="JSON file of settings; options override it.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting.")
@click.option("--print-config", is_flag=True, help="Print the settings, resolved, and stop.")
@click.option(
    "--dry-run", is_flag=True, help="Build, take some steps, export, verify; keep nothing."
)
@click.option("--resume", is_flag=True, help="Go on with --run-dir, exactly.")
@click.option("--data-dir", type=click.Path(), help="Where the pipeline's data is.")
@click.option("--seed", type=int, help="Of weights and episodes.  [default: 0]")
@click.option("--strategy", help="auto, single, mirrored, multiworker or tpu.  [default: auto]")
@click.option("--tpu", metavar="NAME", help="With --strategy tpu.  [default: this machine's own]")
@click.option(
    "--precision",
    help="float32, mixed_bfloat16 or mixed_float16: what training computes in.  [default: float32]",
)
@trust_option
@click.option("--max-minutes", type=float, help="Training time in all; alone, it sets the budget.")
def train(
    run_dir: Any,
    config: Any,
    assignments: Sequence[str],
    print_config: Any,
    dry_run: Any,
    resume: Any,
    **options: Any,
) -> Any:
    """Train a learner on the episodes of PIPELINE (see `tfmeta pipelines`)."""
    from tfmeta.training.config_file import read_config
    from tfmeta.training.flat_settings import as_flat, parse_assignment
    from tfmeta.workflows.train_request import TrainRequest

    settings = dict(read_config(config)) if config else {}
    settings |= as_flat(given_options(options))
    settings.update(parse_assignment(text) for text in assignments)
    request = TrainRequest(settings, run_dir, resume)  # before the wait for TensorFlow and the data
    if resume and (print_config or dry_run):
        raise UserError("received --resume with --print-config or --dry-run; expected one of them")
    if print_config:
        return _print_config(request)
    if dry_run:
        return _dry_run(request)
    request.check_free()
    return _train(request)


def _train(request: "TrainRequest") -> None:
    from tfmeta.commands.reporting import Reporter
    from tfmeta.named_code import trust_option

    with Reporter("train") as reporter, _Interruption(reporter) as interruption:
        start_tensorflow(with_devices=not request.is_for_workers)
        from tfmeta.workflows import train as workflow

        try:
            run = workflow.carry_out(request, progress=reporter, should_stop=interruption.is_asked)
        except KeyboardInterrupt:
            if interruption.is_training:
                raise
            raise UserError(
                f"interrupted before the first step; {_beginning_again(request)}", exit_status=1
            ) from None
    rate = run.tasks_per_second
    speed = f", {rate:,.0f} tasks/s" if rate else ""
    if not run.finished:
        raise UserError(
            f"interrupted at step {run.step}{speed}; {_going_on(run.path)}", exit_status=1
        )
    follow = f"tfmeta evaluate {run.path}{trust_option()}"
    reporter.say(f"{run.path}: {run.step} steps{speed}. Next: {follow}")


def _going_on(path: Path) -> str:
    from tfmeta.named_code import trust_option

    return f"go on with: tfmeta train --resume --run-dir {path}{trust_option()}"


def _beginning_again(request: "TrainRequest") -> str:
    """What to do after an end before the first step."""
    from tfmeta.training.run_directory import RunDirectory

    try:
        RunDirectory.check_free(request.place)
    except UserError:  # the run is there already
        return _going_on(request.place)
    return "the same command begins again"


class _Interruption:
    """Stops the run where it can be resumed, at Ctrl-C, SIGTERM or a closed terminal.

    That is after a window of steps. What comes before the first step (other workers are waited for,
    data is read, a frozen network makes features) may take minutes, and is ended at once, as it
    leaves nothing to save.

    Ctrl-C twice ends it at once. The other signals may come twice by themselves: when a terminal
    closes, both the system and the shell send SIGHUP.
    """

    def __init__(self, reporter: "Reporter"):
        self.asked = self.is_training = False
        self._reporter = reporter

    def is_asked(self) -> bool:
        """Whether the run is to stop; training asks before its first window and after each."""
        self.is_training = True
        return self.asked

    def __enter__(self) -> Any:
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as `nohup` has it
            numbers.append(signal.SIGHUP)
        self._before = {number: signal.signal(number, self._ask) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: Any, _: object) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not self.asked:
            self.asked = True
            if not self.is_training:
                raise KeyboardInterrupt
            self._reporter.say("stopping after this window of steps; Ctrl-C to stop at once")


def _print_config(request: "TrainRequest") -> None:
    start_tensorflow()
    from tfmeta.workflows.train import configuration

    click.echo(strict_json.dumps(configuration(request), indent=2))


def _dry_run(request: "TrainRequest") -> None:
    start_tensorflow(with_devices=not request.is_for_workers)
    from tfmeta.workflows.train import dry_run

    seconds, lines = dry_run(request)
    say(f"dry run: built, trained, exported, verified in {seconds:.0f} s", *lines, err=True)
