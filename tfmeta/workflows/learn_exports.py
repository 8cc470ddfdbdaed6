"""The two exports of `tfmeta.learn`: one that knows the data, and one that takes support sets."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tfmeta import files
from tfmeta.exporting.loading.earlier_version import change_for_clients
from tfmeta.exporting.verifying.verification import refuse_failed, verify_export
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.training.progress import Progress
from tfmeta.workflows.learnable.request import learner_folder

CHOSEN, _EXPORTED = 0.45, 0.8  # shares of the time, for the bar


def export_both(
    learner: MetaLearner,
    folder: Path,
    *,
    shared: dict[str, Any],
    baked_in: dict[str, Any],
    progress: Progress,
) -> tuple[Path, Path]:
    """The two versions, verified.

    Args:
        learner: with its head.
        folder: of the model that knows the data; `-learner` is appended for the other.
        shared: arguments of `export_model` for both.
        baked_in: those of the first alone, its support set among them.
        progress: is told how the work gets on.

    Raises:
        UserError: if one can't be written or fails a check; then none of the two is left, because
            a server might load it.
    """
    # First the one with more signatures, which takes longer to verify.
    plans: tuple[tuple[Path, str, dict[str, Any]], ...]
    plans = ((learner_folder(folder), "learner", {}), (folder, "adapted", baked_in))
    versions, verified = [], []
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor())  # each is verified in its own process
        for number, (output, kind, options) in enumerate(plans):
            step = (_EXPORTED - CHOSEN) * number / len(plans)
            progress.advance(CHOSEN + step, f"exporting {output}")
            stack.enter_context(files.without_leftovers(output))
            versions.append(export_model(learner, output, kind, **shared, **options))
            stack.enter_context(_removed_if_it_fails(versions[-1]))
            verified.append(pool.submit(verify_export, versions[-1]))
        progress.advance(_EXPORTED, "verifying both")
        reports = [each.result() for each in verified]
        for version, report in zip(versions, reports, strict=True):
            refuse_failed(report, f"neither model is kept, because the export {version} fails")
            if change := change_for_clients(version):
                progress.say(f"warning: {change}")
    progress.advance(1.0, "done")
    learner_version, adapted_version = versions
    return adapted_version, learner_version


@contextmanager
def _removed_if_it_fails(version: Path) -> Iterator[None]:
    """Removes a version if the block fails: a server loads what is there."""
    try:
        yield
    except BaseException:
        shutil.rmtree(version)
        raise
