"""`tfmeta.explain`: which support examples, which part of the input, which weights."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfmeta.errors import UserError
from tfmeta.explaining.explanation import Explanations, check_explainable
from tfmeta.exporting.contract import MANIFEST, MODEL
from tfmeta.flags import check_flags
from tfmeta.named_code import trusting
from tfmeta.reading.example_reader import InMemory, NamedColumns
from tfmeta.reading.in_memory import read_support
from tfmeta.training.checkpoints import BEST
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_names, path, progress_or_log
from tfmeta.workflows.explained_export import explained_export
from tfmeta.workflows.predict import check_support
from tfmeta.workflows.queries import data_or_paths, name_of_support, read_queries

if TYPE_CHECKING:
    from tfmeta.explaining.explainer import Explainer


def explain(
    model: AnyPath,
    images: AnyPath | Iterable[AnyPath] | NamedColumns | InMemory,
    *,
    support: AnyPath | InMemory | None = None,
    of: str | int | None = None,
    progress: Progress | None = None,
    **loading: Any,
) -> Explanations:
    """Says why a run's learner, or an export, answers queries as it does, as `tfmeta explain` does.

    What is explained is the log-odds of a class, the logarithm of p / (1 - p) among the classes of
    the support set, or a value in its own unit. Of an export what adaptation changes is not known;
    if its support set is baked in, the input alone is explained.

    Args:
        model: the run directory, what `tfmeta.train` returned, or an export.
        images: the queries, as for `tfmeta.predict`. Each is answered alone.
        support: the support set, as for `tfmeta.predict`; None for an `adapted` export.
        of: what is explained: the name of a class, by default the likeliest one; of a learner of
            values the number of one, from 1.
        progress: how the work gets on is told to it; a log by default.
        **loading: of a run: `checkpoint`, "best" by validation or "last"; and `trust`, whether to
            run code that it names or holds and that is not tfmeta's own.

    Raises:
        UserError: if there is no such model, query, class or value, or the support set can't be
            read or does not fit the learner.
    """
    check_names("explain", loading, ("checkpoint", "trust"))
    check_flags(trust=loading.get("trust", False))
    asked = data_or_paths(images)
    place, progress = path("model", model), progress_or_log(progress, "explain")
    if _is_export(place):
        if "checkpoint" in loading:
            raise UserError("received a checkpoint; an export is of one, so leave it out")
        return explained_export(place, asked, support, of=of)
    trained = _opened(place)
    reader = trained.source_facts.reader()
    check_support(place, support, is_adapted=False, reader=reader)
    queries = read_queries(reader, asked)
    with trusting(loading.get("trust", False)):
        explainer, facts = _prepared(trained, support, loading.get("checkpoint", BEST), progress)
        return Explanations(
            {**facts, **explainer.facts},
            explainer.explain(queries.places, queries.x, of),
            explainer.support_pictures,
        )


def _prepared(
    run: RunDirectory, support: Any, checkpoint: str, progress: Progress
) -> "tuple[Explainer, dict[str, Any]]":
    """What explains the run's answers on a support set, and what the two are."""
    from tfmeta.runtime import start_tensorflow

    start_tensorflow()
    from tfmeta.explaining.explainer import Explainer
    from tfmeta.training.loading import load_run

    source = run.source_facts
    check_explainable(source.target_kind, run.path)
    learner, step = load_run(run, checkpoint)
    support_set = read_support(source.reader(), support, num_classes=learner.num_outputs)
    facts = {
        "run": str(run.path),
        "algorithm": run.settings.algorithm,
        "network": run.network,
        "mode": learner.mode,
        "checkpoint": checkpoint,
        "step": step,
        "support": {"path": name_of_support(support), "examples": len(support_set.y)},
    }

    def advance(done: int, total: int) -> None:
        progress.advance(done / total, f"{done:,} of {total:,} adaptations")

    return Explainer(learner, source.input_format, support_set, on_progress=advance), facts


def _is_export(model: Path) -> bool:
    has_versions = model.is_dir() and any(model.glob(f"*/{MANIFEST}"))
    return has_versions or any((model / name).is_file() for name in (MANIFEST, MODEL))


def _opened(run: Path) -> RunDirectory:
    """The run; the file of a learner is refused by its name."""
    if run.is_file():
        is_of_run = (run.parent.parent / "config.json").is_file()
        hint = f"{run.parent.parent}, with --checkpoint" if is_of_run else "runs/NAME"
        raise UserError(
            f"{run} is a file, which does not say how its learner's examples are read; expected a "
            f"run directory: {hint}"
        )
    if not run.is_dir():
        raise UserError(
            f"{run} is no run directory, and no export; expected runs/NAME of `tfmeta train`, or "
            "exported/NAME of `tfmeta learn` or `tfmeta export`"
        )
    return RunDirectory.open(run)
