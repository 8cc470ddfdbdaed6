"""`tfmeta.compare`: several runs on the same episodes, and which differences hold."""

from collections.abc import Sequence
from typing import Any

from tfmeta.errors import UserError, counted
from tfmeta.flags import check_flags
from tfmeta.named_code import trusting
from tfmeta.reporting.paired_runs import comparison_of
from tfmeta.training.progress import Progress
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import progress_or_log
from tfmeta.workflows.compared_runs import Comparison
from tfmeta.workflows.episode_choice import EpisodeChoice
from tfmeta.workflows.tested_runs import opened_runs, tested_runs


def compare(
    runs: Sequence[AnyPath],
    *,
    episodes: AnyPath | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    baselines: bool = True,
    **protocol: Any,
) -> Comparison:
    """Evaluates runs on the same episodes, as `tfmeta compare` does. Nothing is recorded in them.

    Args:
        runs: two or more run directories, or what `tfmeta.train` returned.
        episodes: a file of `tfmeta episodes` to test on, in place of a protocol.
        trust: run code that a run or a file names, if it is not tfmeta's own.
        progress: how the work gets on is told to it; a log by default.
        baselines: whether to compare with what needs no learning, on the same episodes.
        **protocol: as of `tfmeta.evaluate`. What is left out must be the same for all runs.

    Raises:
        UserError: if a run is none or damaged, or runs can't be compared: their tasks, the kinds
            of their targets or their episodes differ.
    """
    check_flags(trust=trust, baselines=baselines)
    choice = EpisodeChoice.of("compare", episodes, protocol)
    opened = opened_runs(runs)
    if len(opened) < 2:
        raise UserError(f"received {counted(len(opened), 'run')}; expected 2 or more to compare")
    progress = progress_or_log(progress, "compare")
    with trusting(trust):
        tested = tested_runs(opened, choice, progress)
        return Comparison(comparison_of(tested, progress, baselines=baselines))
