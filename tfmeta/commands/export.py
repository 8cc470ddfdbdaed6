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
    help="Adapts in each request; adapted to --support once; makes a task's weights.",
)
@click.option("--support", type=click.Path(), help="Folder with a subfolder of images a class.")
@click.option("--output", type=click.Path(path_type=Path), help="[default: exported/RUN]")
def export(run_dir, kind, support, output):
    """Export the learner of RUN_DIR as a SavedModel for TensorFlow Serving."""
    from tfmeta.training.run_directory import RunDirectory

    run = RunDirectory.open(run_dir)
    if kind == "adapted" and not support:
        raise UserError("an adapted export needs its support set: --support DIR")
    output = output or Path("exported") / Path(run_dir).resolve().name
    start_tensorflow()
    from tfmeta.exporting import exporter
    from tfmeta.training.run_directory import load

    facts, learner = run.source_facts, load(run_dir)
    if kind == "adapted":
        from tfmeta.pipelines.support_set import read_support_arrays

        names, x, y = read_support_arrays(support, facts, num_classes=learner.num_outputs)
        version = exporter.export_adapted(
            learner, output, (x, y), class_names=names, image_format=facts.image_format
        )
    else:
        write = exporter.export_generator if kind == "generator" else exporter.export_learner
        version = write(
            learner,
            output,
            is_regression=facts.target_size is not None,
            image_format=facts.image_format,
        )
    click.echo(f"{version}  Next: tfmeta verify {output}", err=True)
