"""`tfmeta.evaluate`: how good a run's learner is, on episodes that are the same every time."""

from typing import Any

from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError
from tfmeta.evaluation.baselines import compared
from tfmeta.evaluation.evaluator import Evaluator
from tfmeta.evaluation.result import Result
from tfmeta.flags import check_flags
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.named_code import trusting
from tfmeta.training import strategies
from tfmeta.training.board.results import write_result
from tfmeta.training.loading import load_run
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.untrained import untrained_learner
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import path, progress_or_log
from tfmeta.workflows.episode_choice import EpisodeChoice
from tfmeta.workflows.recording import recorded


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
            `skip_unreadable`, as trained by default; `checkpoint`, "best" or "last"; and
            `strategy`, how devices share the tasks: "single", "mirrored", or "auto" for mirrored
            where there are several GPUs.

    Returns:
        The result. If it can't be recorded, `not_recorded` says why: it may have taken long.

    Raises:
        UserError: if the run is none or damaged, or there are no such episodes.
    """
    check_flags(trust=trust, is_recorded=is_recorded, baselines=baselines)
    strategy = protocol.pop("strategy", "auto")
    choice = EpisodeChoice.of("evaluate", episodes, protocol)
    trained, progress = RunDirectory.open(path("run", run)), progress_or_log(progress, "evaluate")
    with trusting(trust):
        with strategies.scope_of_this_machine(strategy):
            learner, step = load_run(trained, choice.checkpoint)
        tests = choice.of_run(trained, progress)
        strategies.check_shared_out(learner, tests.shape)
        learner.embedded(tests.source, tests.split, progress.examples)
        found = Evaluator(learner, tests).measure(progress.tasks(tests.num_tasks))
        rows = _baselines(trained, learner, tests, found.task_scores, progress) if baselines else {}
    algorithm = trained.settings.algorithm
    facts = {"algorithm": algorithm, **found.facts, "step": step, **rows}
    result = Result(facts, checkpoint=choice.checkpoint)
    return recorded(trained, result, record, progress) if is_recorded else result


def _baselines(
    run: RunDirectory,
    learner: MetaLearner,
    tests: FixedEpisodes,
    task_scores: Any,
    progress: Progress,
) -> dict[str, Any]:
    """The baselines of `tests`, as a part of the facts."""
    untrained = None
    try:
        untrained = untrained_learner(run.settings, tests.source, learner)
    except UserError as error:
        progress.say(f"without the network before training beside the result: {error}")
    return {"baselines": compared(tests, task_scores, untrained=untrained)}


def record(run: AnyPath, result: Result) -> None:
    """Adds a result to a run's results.json; raises UserError if that can't be written."""
    recorded = "not recorded"
    try:
        trained = RunDirectory.open(run)
        trained.results.append(result.facts)
        recorded = "in results.json, but not in TensorBoard's file"
        write_result(trained, result)
    except UserError as error:
        raise UserError(f"the result is {recorded}: {error}", exit_status=1) from error
