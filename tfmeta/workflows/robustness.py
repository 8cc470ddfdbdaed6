"""`tfmeta.robustness`: the same episodes, as they are and with something wrong with them."""

from collections.abc import Sequence
from typing import Any

from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError, listed
from tfmeta.evaluation.robustness.attacks import Attacks
from tfmeta.evaluation.robustness.condition import Condition
from tfmeta.evaluation.robustness.corrupted import corruption_conditions
from tfmeta.evaluation.robustness.imbalanced import imbalanced_conditions
from tfmeta.evaluation.robustness.mislabelled import mislabelled_conditions
from tfmeta.evaluation.robustness.tested import TestedConditions
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.named_code import trusting
from tfmeta.training.loading import load_run
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_flags, path, progress_or_log
from tfmeta.workflows.conditions_table import Robustness
from tfmeta.workflows.episode_choice import EpisodeChoice

_TASKS = 100


def robustness(
    run: AnyPath,
    *,
    only: Sequence[str] = (),
    episodes: AnyPath | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    **protocol: Any,
) -> Robustness:
    """Tests a run's learner on changed episodes, as `tfmeta robustness` does. Nothing is recorded.

    Queries are corrupted as the kind of input says: images by noise, blur, brightness, JPEG and
    rotation, sounds by noise and gain, texts by typos, each at five severities. Of the support set
    10 to 40% are mislabelled, and of two shots or more classes have unevenly many. FGSM and PGD
    change queries or support set to make answers wrong, where examples have a range of numbers.

    Args:
        run: the run directory, or what `tfmeta.train` returned.
        only: names of conditions; all of them if it is empty.
        episodes: a file of `tfmeta episodes` to test on, in place of a protocol.
        trust: run code that the run or a file names, if it is not tfmeta's own.
        progress: how the work gets on is told to it; a log by default.
        **protocol: as of `tfmeta.evaluate`; 100 tasks by default.

    Raises:
        UserError: if the run is none or damaged, there are no such episodes, a name is unknown, or
            there is no condition for such a run.
    """
    check_flags(trust=trust)
    if episodes is None:
        protocol = {"tasks": _TASKS, **protocol}
    choice = EpisodeChoice.of("robustness", episodes, protocol)
    trained, progress = RunDirectory.open(path("run", run)), progress_or_log(progress, "robustness")
    with trusting(trust):
        learner, step = load_run(trained, choice.checkpoint)
        tests = choice.of_run(trained, progress)
        conditions = _chosen(_all_conditions(learner, tests), only)
        rows = TestedConditions(learner, tests).rows(
            conditions,
            lambda done, total: progress.advance(done / total, f"{done} of {total} conditions"),
        )
    of_run = {
        "run": str(trained.path),
        "algorithm": trained.settings.algorithm,
        "checkpoint": choice.checkpoint,
        "step": step,
        "mode": learner.mode,
    }
    return Robustness({**of_run, **_protocol(tests), "conditions": rows})


def _protocol(tests: FixedEpisodes) -> dict[str, Any]:
    return {
        "pipeline": tests.source.name,
        "split": tests.split,
        "num_tasks": tests.num_tasks,
        **tests.shape.protocol(),
        "seed": tests.seed,
        "metric": tests.source.target_kind.metric,
    }


def _all_conditions(learner: MetaLearner, tests: FixedEpisodes) -> list[Condition]:
    found = corruption_conditions(tests)
    if not tests.source.target_kind.are_values:
        found += [*mislabelled_conditions(tests), *imbalanced_conditions(tests)]
    form = tests.source.input_format
    if form.value_range is not None and not form.are_ids:
        found += Attacks(learner, form.value_range).conditions()
    if not found:
        raise UserError(
            f"nothing is known that may be wrong with the {form.noun} of {tests.source.name}, "
            "whose targets are values; expected images, texts or sounds, or classes"
        )
    return found


def _chosen(conditions: list[Condition], only: Sequence[str]) -> list[Condition]:
    if isinstance(only, str):
        raise UserError(f"received only={only!r}; expected a list of names")
    known = list(dict.fromkeys(each.name for each in conditions))
    if unknown := [name for name in only if name not in known]:
        names = listed(known, most=None)
        raise UserError(f"unknown condition {unknown[0]!r}; this run has: {names}")
    return [each for each in conditions if not only or each.name in only]
