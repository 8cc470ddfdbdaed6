"""`tfmeta.report`: what there is to see of one run or several, in one HTML file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfmeta.flags import check_flags
from tfmeta.named_code import trusting
from tfmeta.reporting.page import write_page
from tfmeta.reporting.place import check_place
from tfmeta.reporting.sections import sections_of
from tfmeta.training.progress import Progress
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import path, progress_or_log
from tfmeta.workflows.episode_choice import EpisodeChoice
from tfmeta.workflows.tested_runs import opened_runs, tested_runs

_TESTING = 0.4  # of the time that all takes
_SIZES = "task_sizes"


def report(
    runs: AnyPath | Sequence[AnyPath],
    *,
    output: AnyPath = "report.html",
    episodes: AnyPath | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    sizes: bool = True,
    **protocol: Any,
) -> Path:
    """Tests runs on the same episodes and writes what is to be seen, as `tfmeta report` does.

    The file needs no other and no network. Nothing is recorded in the runs. It needs the packages
    of `tfmeta[report]`.

    Args:
        runs: a run directory or several, or what `tfmeta.train` returned.
        output: the file, whose name ends in .html; an older report there is replaced.
        episodes: a file of `tfmeta episodes` to test on, in place of a protocol.
        trust: run code that a run or a file names, if it is not tfmeta's own.
        progress: how the work gets on is told to it; a log by default.
        sizes: whether to test with other numbers of ways and shots too, which takes half the time.
        **protocol: as of `tfmeta.evaluate`. What is left out must be the same for all runs.

    Returns:
        `output`.

    Raises:
        UserError: if a run is none or damaged, runs can't be compared as by `tfmeta.compare`, a
            package is missing, or another file is at `output`.
    """
    check_flags(trust=trust, sizes=sizes)
    choice = EpisodeChoice.of("report", episodes, protocol)
    opened, place = opened_runs(runs), path("output", output)
    check_place(place)
    progress = progress_or_log(progress, "report")
    with trusting(trust):
        tested = tested_runs(opened, choice, progress.part(0, _TESTING))
        rest = progress.part(_TESTING, 1 - _TESTING)
        sections = sections_of(tested, rest, without=() if sizes else (_SIZES,))
    title = f"Report of {', '.join(run.name for run in tested)}"
    write_page(place, title, sections)
    return place
