"""`tfmeta evaluate`."""

import json
from dataclasses import replace

import click

from tfmeta.commands.startup import start_tensorflow


@click.command()
@click.argument("run_dir", type=click.Path())
@click.option("--split", default="test", show_default=True, help="train, validation, test or all.")
@click.option("--tasks", default=600, show_default=True, help="Test episodes.")
@click.option("--ways", type=int, help="[default: as trained]")
@click.option("--shots", type=int, help="[default: as trained]")
@click.option("--queries", type=int, help="[default: as trained]")
@click.option("--within-group", is_flag=True, default=None, help="Classes of one group only.")
@click.option("--pipeline", help="Test on another pipeline than the run's.")
@click.option("--data-dir", type=click.Path(), help="Where the pipeline's data is.")
@click.option("--seed", default=0, show_default=True, help="Of the test episodes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def evaluate(run_dir, split, tasks, seed, as_json, pipeline, data_dir, **shape_options):
    """Evaluate the learner of RUN_DIR on test episodes that are the same every time."""
    from tfmeta.training.run_directory import RunDirectory

    run = RunDirectory.open(run_dir)
    start_tensorflow()
    from tfmeta.evaluation.evaluator import Evaluator
    from tfmeta.training.building import episode_shape, open_source
    from tfmeta.training.reporting import Reporter
    from tfmeta.training.run_directory import load

    settings = run.settings
    if pipeline and pipeline != settings.pipeline:
        settings = replace(settings, pipeline=pipeline, pipeline_options={}, data_dir=None)
    changed = {name: value for name, value in shape_options.items() if value is not None}
    settings = replace(settings, **changed, data_dir=data_dir or settings.data_dir)
    with Reporter("evaluate") as reporter:
        learner = load(run_dir)
        evaluator = Evaluator(
            learner,
            open_source(settings),
            episode_shape(settings),
            split=split,
            num_tasks=tasks,
            seed=seed,
        )
        result = evaluator.run(lambda done: reporter.advance(done / tasks, f"{done} tasks"))
    result = {"algorithm": settings.algorithm, **result, "step": run.step}
    run.append_result(result)
    if as_json:
        click.echo(json.dumps(result))
    else:
        click.echo(_sentence(result))


def _sentence(result):
    shown = (
        f"mean squared error {result['mse']:.4f} +- {result['ci95']:.4f}"
        if "mse" in result
        else f"accuracy {100 * result['accuracy']:.2f}% +- {100 * result['ci95']:.2f}"
    )
    curve = zip(result["adaptation_steps"], result["adaptation_curve"], strict=True)
    by_step = ", ".join(f"{step}: {value:.3f}" for step, value in curve)
    adaptation = f"after so many inner steps: {by_step}\n" if "," in by_step else ""
    return (
        f"{shown} (95%)  {result['num_ways']}-way {result['num_shots']}-shot, "
        f"{result['num_queries']} queries, {result['mode']}, {result['num_tasks']} tasks of the "
        f"{result['split']} split of {result['pipeline']}\n"
        f"{adaptation}"
        f"episodes {result['episodes_sha256'][:16]}, seed {result['seed']}"
    )
