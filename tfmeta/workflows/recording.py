"""Results that are worth keeping even if the run can't take them."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from tfmeta.errors import UserError
from tfmeta.evaluation.result import Result
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.workflows.conditions_table import Robustness

Found = TypeVar("Found", Result, Robustness)


def recorded(
    run: RunDirectory, found: Found, record: Callable[..., None], progress: Progress
) -> Found:
    """What was found, with the reason if it can't be recorded.

    Args:
        run: of the learner.
        found: a result.
        record: (run, found) -> adds the result to the run, or raises UserError.
        progress: is told the reason.
    """
    try:
        record(run.path, found)
    except UserError as error:
        progress.say(str(error))
        return replace(found, not_recorded=str(error))
    return found
