"""`tfmeta.evaluate`: how good a run's learner is, on episodes that are the same every time."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tfmeta.episodes.episode_file import EpisodeFile
from tfmeta.errors import UserError
from tfmeta.evaluation.evaluator import Evaluator
from tfmeta.evaluation.result import Result
from tfmeta.named_code import trusting
from tfmeta.pipelines import options_of
from tfmeta.training.flat_settings import as_flat
from tfmeta.training.loading import load_run
from tfmeta.training.opening import episode_shape, open_source
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_flags, check_names, path, progress_or_log, whole

_PROTOCOL = {
    *("split", "tasks", "seed", "pipeline", "pipeline_options", "data_dir"),
    *("ways", "shots", "queries", "unbalanced", "within_group"),
    *("skip_small_classes", "skip_unreadable", "least_ways", "least_shots", "least_queries"),
}


def evaluate(
    run: AnyPath,
    *,
    episodes: AnyPath | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    is_recorded: bool = True,
    **protocol: Any,
) -> Result:
    """Evaluates the learner of a run, as `tfmeta evaluate` does, and records the result in it.

    Args:
        run: the run directory, or what `tfmeta.train` returned.
        episodes: a file of `tfmeta episodes` to test on, in place of a protocol.
        trust: run code that the run or a file names, if it is not tfmeta's own.
        progress: how the work gets on is told to it; a log by default.
        is_recorded: whether the result is added to the run's results.json.
        **protocol: `split` ("test"), `tasks` (600), `seed` (0); `pipeline`, `pipeline_options` and
            `data_dir`, the run's own by default; `ways`, `shots`, `queries`, numbers or `(least,
            most)`, as trained by default; and `unbalanced`, `within_group`, `skip_small_classes`
            and `skip_unreadable`.

    Returns:
        The result. If it can't be recorded, `not_recorded` says why: it may have taken long.

    Raises:
        UserError: if the run is none or damaged, or there are no such episodes.
    """
    options = [name for name in protocol if not name.startswith("pipeline.")]
    check_names("evaluate", options, _PROTOCOL)
    check_flags(trust=trust, is_recorded=is_recorded)
    trained, progress = RunDirectory.open(path("run", run)), progress_or_log(progress, "evaluate")
    protocol = {name: value for name, value in protocol.items() if value is not None}
    file = None if episodes is None else path("episodes", episodes)
    if file and protocol:
        raise UserError(
            f"received episodes={str(file)!r} and {next(iter(protocol))}; the file says which "
            "episodes they are"
        )
    with trusting(trust):
        learner, step = load_run(trained)
        tests = _of_file(trained, file) if file else _of_pipeline(trained, progress, **protocol)
        _check_targets(trained, tests["source"])
        tasks = tests["num_tasks"]
        found = Evaluator(learner, **tests).run(
            lambda done: progress.advance(done / tasks, f"{done} tasks")
        )
    result = Result({"algorithm": trained.settings.algorithm, **found, "step": step})
    if is_recorded:
        try:
            record(trained.path, result)
        except UserError as error:
            progress.say(str(error))
            return replace(result, not_recorded=str(error))
    return result


def record(run: AnyPath, result: Result) -> None:
    """Adds a result to a run's results.json; raises UserError if that can't be written."""
    try:
        RunDirectory.open(run).append_result(result.facts)
    except UserError as error:
        raise UserError(f"the result is not recorded: {error}", exit_status=1) from error


def _check_targets(run: RunDirectory, source: Any) -> None:
    taken, given = (facts.target_kind for facts in (run.source_facts, source.facts))
    if taken != given:
        raise UserError(f"{source.name} asks for {given}; {run.path} was trained for {taken}")


def _of_file(run: RunDirectory, path: Path) -> dict[str, Any]:
    """The Evaluator's arguments for a file of episodes."""
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


def _of_pipeline(
    run: RunDirectory,
    progress: Progress,
    *,
    split: str = "test",
    tasks: int = 600,
    seed: int = 0,
    pipeline: str | None = None,
    data_dir: AnyPath | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The Evaluator's arguments for the run's pipeline, or another with images as the run's."""
    settings, given = run.settings, as_flat(options)
    if data_dir is not None:
        data_dir = str(path("data_dir", data_dir))
    for name, value in (("split", split), ("pipeline", pipeline)):
        if value is not None and (not isinstance(value, str) or not value):
            raise UserError(f"received {name}={value!r}; expected a text")
    is_other = False
    if pipeline and pipeline != settings.pipeline:
        is_other = True
        image_format, known = run.source_facts.image_format, options_of(pipeline)
        like = image_format.pipeline_options() if image_format else {}
        like = {name: value for name, value in like.items() if name in known}
        settings = replace(settings, pipeline=pipeline, pipeline_options=like, data_dir=None)
    elif pipeline:
        settings = replace(settings, pipeline=pipeline)  # as the user's own word
    has_own = any(name.startswith("pipeline.") for name in given)
    is_same = not (is_other or has_own) and data_dir in (None, settings.data_dir)
    settings = settings.updated(given)
    settings = replace(settings, data_dir=data_dir or settings.data_dir)
    tasks, seed = whole("tasks", tasks, least=1), whole("seed", seed, least=0)
    source, shape = open_source(settings), episode_shape(settings)
    if is_same:
        run.check_splits(source.recorded_splits())
    elif not is_other:
        run.check_unseen(source.recorded_splits(), split)
    for line in source.left_out({split: shape}):
        progress.say(line)
    return {
        "source": source,
        "shape": shape,
        "split": split,
        "num_tasks": tasks,
        "seed": seed,
    }
