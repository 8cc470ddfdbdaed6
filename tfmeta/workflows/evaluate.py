"""`tfmeta.evaluate`: how good a run's learner is, on episodes that are the same every time."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tfmeta.episodes.episode_file import EpisodeFile
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError, counted
from tfmeta.evaluation.baselines import compared
from tfmeta.evaluation.evaluator import Evaluator, Measurement
from tfmeta.evaluation.result import Result
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.named_code import trusting
from tfmeta.pipelines import options_of
from tfmeta.training.checkpoints import BEST
from tfmeta.training.flat_settings import as_flat
from tfmeta.training.loading import load_run
from tfmeta.training.opening import open_source_of_run
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.training.shapes import episode_shape
from tfmeta.training.untrained import untrained_learner
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_flags, check_names, path, progress_or_log, whole

_PROTOCOL = {
    *("split", "tasks", "seed", "pipeline", "pipeline_options", "data_dir"),
    *("ways", "shots", "queries", "unbalanced", "within_group", "query_other_group"),
    *("skip_small_classes", "skip_unreadable", "least_ways", "least_shots", "least_queries"),
}


def evaluate(
    run: AnyPath,
    *,
    episodes: AnyPath | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    is_recorded: bool = True,
    baselines: bool = True,
    **protocol: Any,
) -> Result:
    """Evaluates the learner of a run, as `tfmeta evaluate` does, and records the result in it.

    Args:
        run: the run directory, or what `tfmeta.train` returned.
        episodes: a file of `tfmeta episodes` to test on, in place of a protocol.
        trust: run code that the run or a file names, if it is not tfmeta's own.
        progress: how the work gets on is told to it; a log by default.
        baselines: whether to compare with what needs no learning, on the same episodes.
        is_recorded: whether the result is added to the run's results.json.
        **protocol: `split` ("test"), `tasks` (600), `seed` (0); `pipeline`, `pipeline_options` and
            `data_dir`, the run's own by default; `ways`, `shots`, `queries`, numbers or `(least,
            most)`, `unbalanced`, `within_group`, `query_other_group`, `skip_small_classes` and
            `skip_unreadable`, as trained by default; and `checkpoint`, "best" or "last".

    Returns:
        The result. If it can't be recorded, `not_recorded` says why: it may have taken long.

    Raises:
        UserError: if the run is none or damaged, or there are no such episodes.
    """
    options = [name for name in protocol if not name.startswith("pipeline.")]
    check_names("evaluate", options, _PROTOCOL | {"checkpoint"})
    checkpoint = protocol.pop("checkpoint", BEST)
    check_flags(trust=trust, is_recorded=is_recorded, baselines=baselines)
    trained, progress = RunDirectory.open(path("run", run)), progress_or_log(progress, "evaluate")
    protocol = {name: value for name, value in protocol.items() if value is not None}
    file = None if episodes is None else path("episodes", episodes)
    if file and protocol:
        both = f"episodes={str(file)!r} and {next(iter(protocol))}"
        raise UserError(f"received {both}; the file says which episodes they are")
    with trusting(trust):
        learner, step = load_run(trained, checkpoint)
        tests = _of_file(trained, file) if file else _of_pipeline(trained, progress, protocol)
        _check_targets(trained, tests.source)
        found = _measured(learner, tests, progress)
        rows = _baselines(trained, tests, found.task_scores, progress) if baselines else {}
    algorithm = trained.settings.algorithm
    facts = {"algorithm": algorithm, **found.facts, "step": step, **rows}
    result = Result(facts, checkpoint=checkpoint)
    return _recorded(trained, result, progress) if is_recorded else result


def _measured(learner: MetaLearner, tests: FixedEpisodes, progress: Progress) -> Measurement:
    learner.embedded(tests.source, tests.split, progress.examples)
    return Evaluator(learner, tests).measure(
        lambda done: progress.advance(done / tests.num_tasks, counted(done, "task"))
    )


def _baselines(
    run: RunDirectory, tests: FixedEpisodes, task_scores: Any, progress: Progress
) -> dict[str, Any]:
    """The baselines of `tests`, as a part of the facts."""
    untrained = None
    try:
        untrained = untrained_learner(run.settings, tests.source)
    except UserError as error:
        progress.say(f"without the network before training beside the result: {error}")
    return {"baselines": compared(tests, task_scores, untrained=untrained)}


def _recorded(run: RunDirectory, result: Result, progress: Progress) -> Result:
    """The result, with the reason if it can't be recorded."""
    try:
        record(run.path, result)
    except UserError as error:
        progress.say(str(error))
        return replace(result, not_recorded=str(error))
    return result


def record(run: AnyPath, result: Result) -> None:
    """Adds a result to a run's results.json; raises UserError if that can't be written."""
    try:
        RunDirectory.open(run).results.append(result.facts)
    except UserError as error:
        raise UserError(f"the result is not recorded: {error}", exit_status=1) from error


def _check_targets(run: RunDirectory, source: EpisodeSource) -> None:
    taken, given = (facts.target_kind for facts in (run.source_facts, source.facts))
    if taken != given:
        raise UserError(f"{source.name} asks for {given}; {run.path} was trained for {taken}")


def _of_file(run: RunDirectory, path: Path) -> FixedEpisodes:
    """The episodes of a file."""
    source = EpisodeFile.read(path)
    if source.name == run.source_facts.name:
        run.check_unseen({source.split: source.classes}, source.split)
        source.check_options(run.settings.pipeline_options)
    return FixedEpisodes(source, source.shape, source.split, source.num_tasks, source.seed)


def _of_pipeline(run: RunDirectory, progress: Progress, protocol: dict[str, Any]) -> FixedEpisodes:
    """Episodes of the run's pipeline, or of another one with images as the run's."""
    given = as_flat(protocol)
    split, pipeline = given.pop("split", "test"), given.pop("pipeline", None)
    for name, value in (("split", split), ("pipeline", pipeline)):
        if value is not None and (not isinstance(value, str) or not value):
            raise UserError(f"received {name}={value!r}; expected a text")
    num_tasks = whole("tasks", given.pop("tasks", 600), least=1)
    seed = whole("seed", given.pop("seed", 0), least=0)
    data_dir = given.pop("data_dir", None)
    if data_dir is not None:
        data_dir = str(path("data_dir", data_dir))
    trained = run.settings
    is_other = pipeline not in (None, trained.pipeline)
    # A name that the user says may load code; the same name in a file may not.
    own = replace(trained, pipeline=pipeline) if pipeline else trained
    settings = (_for_pipeline(run, pipeline) if is_other else own).updated(given)
    settings = replace(settings, data_dir=data_dir or settings.data_dir)
    source, shape = open_source_of_run(run, settings), episode_shape(settings)
    source.target_kind.check_ways(shape.num_ways)
    has_options = any(name.startswith("pipeline.") for name in given)
    if is_other:
        pass  # other data, none of which the run has seen
    elif has_options or settings.data_dir != trained.data_dir:
        run.check_unseen(source.recorded_splits(), split)
    else:
        run.check_splits(source.recorded_splits())
    for line in source.left_out({split: shape}):
        progress.say(line)
    return FixedEpisodes(source, shape, split, num_tasks, seed)


def _for_pipeline(run: RunDirectory, pipeline: str) -> Settings:
    """The run's settings for another pipeline, which is to read examples as the run's did."""
    options, known = run.source_facts.input_format.pipeline_options(), options_of(pipeline)
    options = {name: value for name, value in options.items() if name in known}
    return replace(run.settings, pipeline=pipeline, pipeline_options=options, data_dir=None)
