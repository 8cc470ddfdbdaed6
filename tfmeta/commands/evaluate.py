"""`tfmeta evaluate`."""

from dataclasses import replace

import click

from tfmeta import strict_json
from tfmeta.commands.episode_options import as_settings, episode_options, pipeline_options
from tfmeta.commands.startup import start_tensorflow
from tfmeta.commands.trust import trust_option
from tfmeta.errors import UserError
from tfmeta.terminal import say


@click.command()
@click.argument("run_dir", type=click.Path())
@click.option("--split", help="train, validation, test or all.  [default: test]")
@click.option("--tasks", type=click.IntRange(1), help="Test episodes.  [default: 600]")
@episode_options(ways="as trained", shots="as trained", queries="as trained")
@click.option("--pipeline", help="Test on another pipeline than the run's.")
@click.option("--set", "assignments", multiple=True, metavar="pipeline.NAME=VALUE")
@click.option("--data-dir", type=click.Path(), help="Where the pipeline's data is.")
@click.option("--seed", type=int, help="Of the test episodes.  [default: 0]")
@click.option("--episodes", type=click.Path(), help="A file of `tfmeta episodes` to test on.")
@trust_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def evaluate(run_dir, as_json, episodes, **options):
    """Evaluate the learner of RUN_DIR on test episodes that are the same every time."""
    from tfmeta.training.run_directory import RunDirectory

    run = RunDirectory.open(run_dir)
    given = {name: value for name, value in options.items() if value not in (None, ())}
    if episodes and given:
        first = "set" if "assignments" in given else next(iter(given)).replace("_", "-")
        raise UserError(f"received --episodes and --{first}; the file says which episodes they are")
    start_tensorflow()
    from tfmeta.evaluation.evaluator import Evaluator
    from tfmeta.training.loading import load_run
    from tfmeta.training.reporting import Reporter

    with Reporter("evaluate") as reporter:
        learner, step = load_run(run)
        tests = _of_file(run, episodes) if episodes else _of_pipeline(run, reporter, **options)
        _check_targets(run, tests["source"])
        evaluator = Evaluator(learner, **tests)
        tasks = tests["num_tasks"]
        result = evaluator.run(lambda done: reporter.advance(done / tasks, f"{done} tasks"))
    result = {"algorithm": run.settings.algorithm, **result, "step": step}
    try:  # shown first: it may have taken long, and may not be possible to record
        if as_json:
            click.echo(strict_json.dumps(result))
        else:
            say(*_sentences(result))
    finally:
        _record(run, result)


def _record(run, result):
    try:
        run.append_result(result)
    except UserError as error:
        raise UserError(f"the result is not recorded: {error}", exit_status=1) from error


def _check_targets(run, source):
    taken, given = (facts.target_size for facts in (run.source_facts, source.facts))
    if taken != given:
        asked, trained = (f"targets of size {n}" if n else "classes" for n in (given, taken))
        raise UserError(f"{source.name} asks for {asked}; {run.path} was trained for {trained}")


def _of_file(run, path):
    """The Evaluator's arguments for a file of episodes."""
    from tfmeta.pipelines.episode_file import EpisodeFile

    source = EpisodeFile.read(path)
    if source.name == run.source_facts.name:
        run.check_unseen({source.split: source.classes}, source.split)
        source.check_options(run.settings.pipeline_options)
    return {
        "source": source,
        "shape": source.shape,
        "split": source.split,
        "num_tasks": source.num_tasks,
        "seed": source.seed,
    }


def _of_pipeline(run, reporter, *, split, tasks, seed, pipeline, assignments, data_dir, **shape):
    """The Evaluator's arguments for the run's pipeline, or another with images as the run's."""
    from tfmeta.pipelines import options_like
    from tfmeta.training.building import episode_shape, open_source

    settings = run.settings
    is_other = bool(pipeline) and pipeline != settings.pipeline
    if is_other:
        options = options_like(pipeline, run.source_facts.image_format)
        settings = replace(settings, pipeline=pipeline, pipeline_options=options, data_dir=None)
    elif pipeline:
        settings = replace(settings, pipeline=pipeline)  # as the user's own word
    own = pipeline_options(assignments)
    is_same = not (is_other or own) and data_dir in (None, settings.data_dir)
    settings = settings.updated(own | as_settings(shape))
    settings = replace(settings, data_dir=data_dir or settings.data_dir)
    source, shape, split = open_source(settings), episode_shape(settings), split or "test"
    if is_same:
        run.check_splits(source.recorded_splits())
    elif not is_other:
        run.check_unseen(source.recorded_splits(), split)
    for line in source.left_out({split: shape}):
        reporter.say(line)
    return {
        "source": source,
        "shape": shape,
        "split": split,
        "num_tasks": tasks or 600,
        "seed": seed or 0,
    }


def _error(result):
    """In the user's unit, and where the targets were scaled, as a share of their variance."""
    shown = f"{result['mse']:.4f} +- {result['ci95']:.4f}"
    if result.get("target_spread") is None:
        return shown
    return f"{shown}, {result['mse_scaled']:.4f} +- {result['ci95_scaled']:.4f} of their variance"


def _sentences(result):
    from tfmeta.pipelines.episode_source import in_words

    shown = (
        f"mean squared error {_error(result)}"
        if "mse" in result
        else f"accuracy {100 * result['accuracy']:.2f}% +- {100 * result['ci95']:.2f}"
    )
    curve = zip(result["adaptation_steps"], result["adaptation_curve"], strict=True)
    by_step = ", ".join(f"{step}: {value:.3f}" for step, value in curve)
    adaptation = [f"after so many inner steps: {by_step}"] if "," in by_step else []
    protocol = (
        f"{shown} (95%)  {in_words(result, 'ways')}-way {in_words(result, 'shots')}-shot, "
        f"{in_words(result, 'queries')} queries, {result['mode']}, {result['num_tasks']} tasks of "
        f"the {result['split']} split of {result['pipeline']}"
    )
    episodes = f"episodes {result['episodes_sha256'][:16]}, seed {result['seed']}"
    return [protocol, *adaptation, episodes]
