"""`tfmeta export`."""

from pathlib import Path

import click

from tfmeta.commands.startup import start_tensorflow
from tfmeta.errors import UserError


@click.command()
@click.argument("run_dir", type=click.Path())
@click.option(
    "--kind",
    type=click.Choice(["learner", "adapted", "generator"]),
    default="learner",
    show_default=True,
    help="Adapts in each request; adapted to --support once; makes weights.",
)
@click.option("--support", type=click.Path(), help="Folder with a subfolder of images a class.")
@click.option("--output", type=click.Path(path_type=Path), help="[default: exported/RUN]")
def export(run_dir, kind, support, output):
    """Export the learner of RUN_DIR as a SavedModel for TensorFlow Serving."""
    from tfmeta.training.run_directory import RunDirectory

    run = RunDirectory.open(run_dir)
    if kind == "generator":
        raise UserError(
            f"{run.settings.algorithm} generates no weights in one pass; expected --kind learner "
            "or adapted (its `adapt` signature returns the task's weights)"
        )
    if kind == "adapted" and not support:
        raise UserError("an adapted export needs its support set: --support DIR")
    output = output or Path("exported") / Path(run_dir).resolve().name
    start_tensorflow()
    from tfmeta.exporting.exporter import export_adapted, export_learner
    from tfmeta.training.run_directory import load

    facts = run.source_facts
    if kind == "learner":
        version = export_learner(
            load(run_dir),
            output,
            is_regression=facts.target_size is not None,
            image_format=facts.image_format,
        )
    else:
        from tfmeta.pipelines.support_set import read_support_arrays

        learner = load(run_dir)
        names, x, y = read_support_arrays(support, facts, num_classes=learner.num_outputs)
        version = export_adapted(
            learner, output, (x, y), class_names=names, image_format=facts.image_format
        )
    click.echo(f"{version}  Next: tfmeta verify {output}", err=True)
