"""`tfmeta export`."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from tfmeta.commands.startup import start_tensorflow
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.exporting.limits import RequestLimits
from tfmeta.terminal import say

_ONE_SIZE = {"least_ways": None, "least_shots": None}  # of an export for tasks of one size


def _limit_options(command):
    """`--most-image-pixels` and its like, one for each of `RequestLimits`."""
    for name, (meaning, default) in reversed(RequestLimits.meanings().items()):
        command = click.option(
            f"--most-{name.replace('_', '-')}",
            name,
            type=click.IntRange(1),
            help=f"Limit of a request: {meaning}.  [default: {default}]",
        )(command)
    return command


@click.command()
@click.argument("run_dir", type=click.Path())
@click.option(
    "--kind",
    type=click.Choice(["learner", "adapted", "generator"]),
    default="learner",
    show_default=True,
    help="Adapts in each request; adapted to --support once; makes a task's weights.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["saved-model", "litert"]),
    default="saved-model",
    show_default=True,
    help="For TensorFlow Serving, or one .tflite file for a device.",
)
@click.option("--ways", type=click.IntRange(1), help="Of a litert learner.  [default: as trained]")
@click.option("--shots", type=click.IntRange(1), help="Of a litert learner.  [default: as trained]")
@click.option("--support", type=click.Path(), help="Folder with a subfolder of images a class.")
@click.option("--output", type=click.Path(path_type=Path), help="[default: exported/RUN]")
@click.option(
    "--padded-support",
    "padded",
    is_flag=True,
    help="Support sets may be padded; an input support_size says how many examples count.",
)
@click.option(
    "--calibration-tasks",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Validation tasks to fit the confidence on, and test tasks to measure it; 0: do not.",
)
@click.option("--data-dir", type=click.Path(), help="Where the run's data is, for those tasks.")
@trust_option
@_limit_options
def export(
    run_dir, kind, form, ways, shots, support, output, padded, calibration_tasks, data_dir, **limits
):
    """Export the learner of RUN_DIR: a SavedModel for TensorFlow Serving, or for LiteRT."""
    from tfmeta.training.run_directory import RunDirectory

    run = RunDirectory.open(run_dir)
    if kind == "adapted" and not support:
        raise UserError("an adapted export needs its support set: --support DIR")
    if kind == "adapted" and padded:
        raise UserError("an adapted export takes no support sets; leave --padded-support out")
    if form == "litert" and (kind == "generator" or padded):
        raise UserError("LiteRT takes --kind learner or adapted, without --padded-support")
    if (ways or shots) and (form, kind) != ("litert", "learner"):
        raise UserError(
            "only a learner for LiteRT has tasks of one size; leave --ways and --shots out, or add "
            "--format litert"
        )
    limits = {name: value for name, value in limits.items() if value is not None}
    if limits and form == "litert":
        named = ", ".join(f"--most-{name.replace('_', '-')}" for name in limits)
        raise UserError(f"a LiteRT file refuses nothing, so it has no limits; leave {named} out")
    output = output or Path("exported") / Path(run_dir).resolve().name
    start_tensorflow()
    from tfmeta.exporting import exporter
    from tfmeta.training.loading import load

    facts, learner = run.source_facts, load(run_dir)
    settings = replace(run.settings, data_dir=data_dir or run.settings.data_dir)
    common = {"image_format": facts.image_format}
    package = exporter
    if form == "litert":  # imports TensorFlow's converter
        from tfmeta.exporting import litert as package
    else:
        common["limits"] = RequestLimits.from_dict(limits)
    if kind == "adapted":
        from tfmeta.pipelines.support_set import read_support_arrays

        names, x, y = read_support_arrays(support, facts, num_classes=learner.num_outputs)
        if names is not None:
            shots = min(int((y == label).sum()) for label in range(len(names)))
            settings = replace(settings, ways=len(names), shots=shots, **_ONE_SIZE)
            common["confidence"] = partial(_confidence, run, learner, settings, calibration_tasks)
        version = package.export_adapted(learner, output, (x, y), class_names=names, **common)
    else:
        # Of a learner that was saved before it kept what its targets are.
        learner.tell_targets("classes" if facts.target_size is None else "values")
        if form == "litert":
            ways, shots = ways or settings.ways, shots or settings.shots
            settings = replace(settings, ways=ways, shots=shots, **_ONE_SIZE)
            common |= {"ways": settings.ways, "shots": settings.shots}
        else:
            common["padded"] = padded
        if learner.targets == "classes":
            common["confidence"] = partial(_confidence, run, learner, settings, calibration_tasks)
        write = exporter.export_generator if kind == "generator" else package.export_learner
        version = write(learner, output, **common)
    follow = f"unzip -p {version} tfmeta.json" if form == "litert" else f"tfmeta verify {output}"
    say(f"{version}  Next: {follow}", err=True)


def _confidence(run, learner, settings, num_tasks):
    """Fitted on the run's own data; where that is not at hand, none, and a warning."""
    from tfmeta.confidence import Confidence

    if not num_tasks:
        return Confidence()
    from tfmeta.evaluation.calibration import calibrate
    from tfmeta.training.building import episode_shape, open_source

    try:
        source, shape = open_source(settings), episode_shape(settings)
        run.check_splits(source.recorded_splits())
        confidence = calibrate(learner, source, shape, num_tasks=num_tasks)
    except UserError as error:
        say(
            f"warning: exported without calibration, which needs the run's data: {error}. Or leave "
            "it out: --calibration-tasks 0",
            err=True,
        )
        return Confidence()
    say(_sentence(confidence.report), err=True)
    return confidence


def _sentence(report):
    auroc = report["unknown_auroc"]
    unknown = "" if auroc is None else f"; AUROC of the unknown score {auroc:.3f}"
    return (
        f"expected calibration error {100 * report['ece_before']:.1f}% before, "
        f"{100 * report['ece_after']:.1f}% after fitting{unknown}  ({report['num_ways']}-way "
        f"{report['num_shots']}-shot, {report['num_queries']} queries, {report['mode']}, "
        f"{report['num_tasks']} tasks of the {report['split']} split of {report['pipeline']})"
    )
