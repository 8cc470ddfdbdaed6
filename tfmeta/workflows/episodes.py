"""`tfmeta.write_episodes`: test episodes in a file, the same for whoever evaluates on them."""

from typing import Any

from tfmeta.episodes import episode_file
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError, counted
from tfmeta.flags import check_flags
from tfmeta.named_code import trusting
from tfmeta.training.flat_settings import as_flat
from tfmeta.training.opening import open_source, with_ways
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.training.shapes import episode_shape
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import path, progress_or_log, whole


def write_episodes(
    pipeline: str,
    output: AnyPath,
    *,
    like: AnyPath | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    **protocol: Any,
) -> dict[str, Any]:
    """Writes test episodes of a pipeline to a file, as `tfmeta episodes` does.

    Args:
        pipeline: name or `package.module:builder`.
        output: the file to write; it must not exist.
        like: a run on the same pipeline, whose pipeline options are taken.
        trust: run code that a file names, if it is not tfmeta's own.
        progress: is told how the work gets on; by default a log is.
        **protocol: `tasks` (600), `split` ("test") and `seed` (0); and, as in `tfmeta.train`,
            `ways`, `shots`, `queries`, `data_dir`, `pipeline_options` and so on.

    Returns:
        The protocol of the episodes, with their digest `episodes_sha256`, as it is in the file.

    Raises:
        UserError: if a setting makes no sense, the data is missing, there are no such episodes, or
            the file can't be written.
    """
    check_flags(trust=trust)
    tasks = whole("tasks", protocol.pop("tasks", 600), least=1)
    split = protocol.pop("split", "test")
    output, progress = path("output", output), progress_or_log(progress, "episodes")
    with trusting(trust):
        own = {} if like is None else _options_of(path("like", like), pipeline)
        settings = Settings().updated({"pipeline": pipeline, **own, **as_flat(protocol)})
        source = open_source(settings)
        source.check_fixed("a file of episodes")
        shape = episode_shape(with_ways(settings, source))
        source.target_kind.check_ways(shape.num_ways)
        for line in source.left_out({split: shape}):
            progress.say(line)
        return episode_file.write_episodes(
            output,
            FixedEpisodes(source, shape, split, tasks, settings.seed),
            on_progress=lambda done: progress.advance(done / tasks, counted(done, "task")),
        )


def _options_of(run: AnyPath, pipeline: Any) -> dict[str, Any]:
    """What a run has recorded of its pipeline: its options, and what the data decided."""
    settings = RunDirectory.open(run).settings
    if settings.pipeline != pipeline:
        raise UserError(f"{run} was trained on {settings.pipeline}; expected {pipeline}")
    return {f"pipeline.{name}": value for name, value in settings.pipeline_options.items()}
