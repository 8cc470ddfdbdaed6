"""`tfmeta export`."""

from pathlib import Path
from typing import Any

import click

from tfmeta.commands import completion
from tfmeta.commands.checkpoint import checkpoint_option
from tfmeta.commands.trust import trust_option
from tfmeta.exporting.contract import MANIFEST
from tfmeta.exporting.kinds import KINDS
from tfmeta.exporting.limits import RequestLimits
from tfmeta.runtime import start_tensorflow
from tfmeta.terminal import say


def _limit_options(command: Any) -> Any:
    """Adds `--most-image-pixels` and the like, one option per limit in `RequestLimits`."""
    for name, (meaning, default) in reversed(RequestLimits.meanings().items()):
        command = click.option(
            f"--most-{name.replace('_', '-')}",
            name,
            type=click.IntRange(1),
            help=f"Limit of a request: {meaning}.  [default: {default}]",
        )(command)
    return command


_OF_LITERT = "in the support set of a LiteRT learner.  [default: as in training]"


@click.command()
@click.argument("run_dir", type=click.Path(), shell_complete=completion.runs)
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="learner",
    show_default=True,
    help=f"{'; '.join(f'{name}: {kind.summary}' for name, kind in KINDS.items())}.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["saved-model", "litert"]),
    default="saved-model",
    show_default=True,
    help="A SavedModel for TensorFlow Serving, or one .tflite file for a device.",
)
@click.option("--ways", type=click.IntRange(1), help=f"Classes {_OF_LITERT}")
@click.option("--shots", type=click.IntRange(1), help=f"Examples per class {_OF_LITERT}")
@click.option(
    "--support",
    type=click.Path(),
    metavar="DIR|FILE",
    help="The support set of --kind adapted: a folder with one subfolder of images per class, an "
    "NPZ file of x and y, or a CSV or Parquet file with the columns of the training data.",
)
@click.option("--output", type=click.Path(path_type=Path), help="[default: exported/RUN]")
@click.option(
    "--padded-support",
    "padded",
    is_flag=True,
    help="Allow padded support sets; an input support_size says how many examples are not padding.",
)
@click.option(
    "--calibration-tasks",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Validation tasks to fit the confidence on, and test tasks to measure it on; 0 for none.",
)
@click.option("--data-dir", type=click.Path(), help="Where the run's data is, for those tasks.")
@checkpoint_option
@trust_option
@_limit_options
def export(
    run_dir: Any, output: Any, data_dir: Any, form: Any, padded: Any, **options: Any
) -> None:
    """Export the learner of RUN_DIR for TensorFlow Serving or for LiteRT."""
    from tfmeta.training.run_directory import RunDirectory
    from tfmeta.workflows.export_request import ExportRequest

    RunDirectory.open(run_dir)
    limits = {name: options.pop(name) for name in RequestLimits.meanings()}
    limits = {name: value for name, value in limits.items() if value is not None}
    options |= {"format": form, "padded_support": padded, "limits": limits}
    ExportRequest(**options)  # before the wait for TensorFlow
    start_tensorflow()
    from tfmeta.commands.reporting import Reporter
    from tfmeta.workflows import export as workflow

    progress = Reporter("export")
    version = workflow.export(
        run_dir, output=output, data_dir=data_dir, progress=progress, **options
    )
    verify = f"tfmeta verify {version.parent}"
    follow = f"unzip -p {version} {MANIFEST}" if form == "litert" else verify
    say(f"{version}  Next: {follow}", err=True)
