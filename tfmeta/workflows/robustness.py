"""`tfmeta.robustness`: the same episodes, as they are and with something wrong with them."""

from collections.abc import Sequence
from typing import Any

from tfmeta.confidence import Confidence
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError, listed
from tfmeta.evaluation.calibration import FITTED_ON, answers_of, fitted, possible_shape
from tfmeta.evaluation.robustness.attacks import Attacks
from tfmeta.evaluation.robustness.condition import Condition
from tfmeta.evaluation.robustness.corrupted import corruption_conditions
from tfmeta.evaluation.robustness.imbalanced import imbalanced_conditions
from tfmeta.evaluation.robustness.mislabelled import mislabelled_conditions
from tfmeta.evaluation.robustness.shifted import shifted_row
from tfmeta.evaluation.robustness.tested import TestedConditions, with_differences
from tfmeta.flags import check_flags
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.named_code import trusting
from tfmeta.training.loading import load_run
from tfmeta.training.progress import Progress, Quiet
from tfmeta.training.run_directory import RunDirectory
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import path, progress_or_log
from tfmeta.workflows.conditions_table import Robustness
from tfmeta.workflows.episode_choice import EpisodeChoice
from tfmeta.workflows.recording import recorded

_TASKS = 100


def robustness(
    run: AnyPath,
    *,
    only: Sequence[str] = (),
    episodes: AnyPath | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    is_recorded: bool = True,
    **protocol: Any,
) -> Robustness:
    """Tests a run's learner on changed episodes, as `tfmeta robustness` does.

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
        is_recorded: whether the result is added to the run's robustness.json, for `tfmeta.report`.
        **protocol: as of `tfmeta.evaluate`; 100 tasks by default. And `shifts`: other pipelines
            to test on too, a list of "PIPELINE" or "PIPELINE=DATA_DIR".

    Returns:
        What was found. If it can't be recorded, `not_recorded` says why: it may have taken long.

    Raises:
        UserError: if the run is damaged, or there are no such episodes or conditions.
    """
    check_flags(trust=trust, is_recorded=is_recorded)
    shifts, only = _names("shifts", protocol.pop("shifts", ())), _names("only", only)
    protocol = protocol if episodes else {"tasks": _TASKS, **protocol}
    choice = EpisodeChoice.of("robustness", episodes, protocol)
    trained, progress = RunDirectory.open(path("run", run)), progress_or_log(progress, "robustness")
    with trusting(trust):
        learner, step = load_run(trained, choice.checkpoint)
        tests = choice.of_run(trained, progress)
        others = [_shifted(choice, each, trained, progress) for each in shifts]
        conditions = _chosen(_all_conditions(learner, tests), only)
        learner.embedded(tests.source, tests.split, progress.examples)
        confidence, fit = _confidence(learner, trained, tests, is_file=choice.file is not None)
        rows = _rows(learner, tests, others, conditions, (confidence, progress))
    facts = {**_protocol(trained, tests), "checkpoint": choice.checkpoint, "step": step}
    facts |= {"options": _asked(choice, {"only": only, "shift": shifts}), "mode": learner.mode}
    found = Robustness({**facts, "confidence": fit, "conditions": rows})
    return recorded(trained, found, record, progress) if is_recorded else found


def record(run: AnyPath, found: Robustness) -> None:
    """Adds what was found to a run's robustness.json; raises UserError if that can't be written."""
    try:
        RunDirectory.open(run).robustness.append(found.facts)
    except UserError as error:
        raise UserError(f"the result is not recorded: {error}", exit_status=1) from error


def _asked(choice: EpisodeChoice, named: dict[str, Sequence[str]]) -> list[str]:
    """The options of the command that does the same."""
    return [*choice.options(), *(f"--{o}={each}" for o, names in named.items() for each in names)]


def _rows(
    learner: MetaLearner,
    tests: FixedEpisodes,
    others: Sequence[FixedEpisodes],
    conditions: Sequence[Condition],
    told: tuple[Confidence, Progress],
) -> list[dict[str, Any]]:
    confidence, progress = told
    total = 1 + len(conditions) + len(others)

    def on_progress(done: int, _: int) -> None:
        progress.advance(done / total, f"{done} of {total} conditions")

    found = TestedConditions(learner, tests, confidence).tested(conditions, on_progress)
    shifted = []
    for number, other in enumerate(others, 2 + len(conditions)):
        shifted.append(shifted_row(learner, other, confidence, found[0].scores))
        on_progress(number, total)
    return with_differences(found, shifted)


def _protocol(run: RunDirectory, tests: FixedEpisodes) -> dict[str, Any]:
    return {
        "run": str(run.path),
        "algorithm": run.settings.algorithm,
        "pipeline": tests.source.name,
        "split": tests.split,
        "num_tasks": tests.num_tasks,
        **tests.shape.protocol(),
        "seed": tests.seed,
        "metric": tests.source.target_kind.metric,
    }


def _confidence(
    learner: MetaLearner, run: RunDirectory, tests: FixedEpisodes, *, is_file: bool
) -> tuple[Confidence, dict[str, Any] | None]:
    """What calibration on the run's own validation tasks finds, with its protocol."""
    source = tests.source
    if source.target_kind.are_values:
        return Confidence(), None
    protocol = {"num_tasks": tests.num_tasks, "seed": tests.seed}
    try:
        if is_file or source.name != run.source_facts.name:
            own = EpisodeChoice.of("robustness", None, {})
            source = own.of_run(run, Quiet("robustness")).source
        shape = possible_shape(source, tests.shape)
        found = fitted(answers_of(learner, source, FITTED_ON, shape, **protocol))
    except UserError as error:
        return Confidence(), {"fitted_on": None, "why": str(error)}
    fit = {"fitted_on": FITTED_ON, "temperature": found.temperature, **shape.protocol(), **protocol}
    return found, fit


def _shifted(
    choice: EpisodeChoice, named: str, run: RunDirectory, progress: Progress
) -> FixedEpisodes:
    """As many episodes of the same sizes from another pipeline."""
    if choice.file is not None:
        raise UserError(f"received episodes and shifts={named!r}; expected one of them")
    name, _, place = named.partition("=")
    if not name:
        raise UserError(f"received --shift {named!r}; expected PIPELINE or PIPELINE=DIR")
    protocol = {k: v for k, v in choice.protocol.items() if k != "pipeline_options"}
    protocol |= {"pipeline": name, "data_dir": place or None}
    return EpisodeChoice.of("robustness", None, protocol).of_run(run, progress)


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
            f"whose targets are {tests.source.target_kind.name}; expected images, texts or sounds, "
            "or classes"
        )
    return found


def _names(argument: str, names: Sequence[str]) -> Sequence[str]:
    if isinstance(names, str):
        raise UserError(f"received {argument}={names!r}; expected a list of names")
    return names


def _chosen(conditions: list[Condition], only: Sequence[str]) -> list[Condition]:
    known = list(dict.fromkeys(each.name for each in conditions))
    if unknown := [name for name in only if name not in known]:
        names = listed(known, most=None)
        raise UserError(f"unknown condition {unknown[0]!r}; this run has: {names}")
    return [each for each in conditions if not only or each.name in only]
