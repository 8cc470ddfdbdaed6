"""`tfmeta robustness`."""

from functools import partial
from typing import Any

import click

from tfmeta import strict_json
from tfmeta.commands import completion
from tfmeta.commands.checkpoint import checkpoint_option
from tfmeta.commands.protocol_options import given_episodes, options_of_episodes
from tfmeta.commands.trust import trust_option
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say, width


@click.command()
@click.argument("run_dir", type=click.Path(), shell_complete=completion.runs)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Only this condition, such as noise, typos, mislabelled, fgsm or pgd; may be repeated.",
)
@click.option(
    "--shift",
    "shifts",
    multiple=True,
    metavar="PIPELINE[=DIR]",
    help="Test on another pipeline too, with its data directory; may be repeated.",
)
@partial(options_of_episodes, tasks=100)
@checkpoint_option
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def robustness(run_dir: Any, as_json: bool, only: Any, shifts: Any, **options: Any) -> None:
    """Test the learner of RUN_DIR on the same episodes with something wrong with them.

    Queries are corrupted at five severities: images by noise, blur, brightness, JPEG and rotation,
    sounds by noise and gain, texts by typos. 10 to 40% of the support set are mislabelled, and of
    two shots or more some are left out. FGSM and PGD attack queries and support set. 100 tasks by
    default. `tfmeta report` shows the newest result.
    """
    from tfmeta.training.run_directory import RunDirectory

    run = RunDirectory.open(run_dir)
    checkpoint = options.pop("checkpoint")
    given = {**given_episodes(options), "only": only, "shifts": shifts, "checkpoint": checkpoint}
    start_tensorflow()
    from tfmeta.commands.reporting import Reporter
    from tfmeta.workflows import robustness as workflow

    with Reporter("robustness") as reporter:
        found = workflow.robustness(run.path, progress=reporter, is_recorded=False, **given)
    try:  # shown first: it may have taken long, and may not be possible to record
        if as_json:
            click.echo(strict_json.dumps(found.facts))
        else:
            say(*found.lines(width()))
    finally:
        workflow.record(run.path, found)
