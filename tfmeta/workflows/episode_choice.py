"""Which episodes a user wants runs to be tested on: those of a file, or of a protocol."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tfmeta import strict_json
from tfmeta.episodes.episode_file import EpisodeFile
from tfmeta.episodes.episode_shape import Range
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError
from tfmeta.pipelines import options_of
from tfmeta.training.checkpoints import BEST
from tfmeta.training.flat_settings import as_flat
from tfmeta.training.opening import check_taken_by, open_source_of_run, source_key
from tfmeta.training.progress import Progress
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.training.shapes import episode_shape
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import check_names, path, whole

_PROTOCOL = {
    *("split", "tasks", "seed", "pipeline", "pipeline_options", "data_dir"),
    *("ways", "shots", "queries", "unbalanced", "within_group", "query_other_group"),
    *("skip_small_classes", "skip_unreadable", "least_ways", "least_shots", "least_queries"),
}
# The option that says no, where it has a name of its own.
_OPPOSITES = {
    "unbalanced": "balanced",
    "within_group": "across_groups",
    "query_other_group": "query_same_group",
}
_TRAINED_ON = ("train", "all")  # splits


@dataclass(frozen=True)
class EpisodeChoice:
    """The choice, the same for every run; see `of`.

    Attributes:
        file: of episodes; None for a protocol.
        protocol: what the user said of it.
        checkpoint: which of a run's is tested.
    """

    file: Path | None
    protocol: dict[str, Any] = field(default_factory=dict)
    checkpoint: str = BEST
    _opened: dict[str, EpisodeSource] = field(default_factory=dict)  # runs on the same data share

    @classmethod
    def of(cls, call: str, episodes: AnyPath | None, protocol: dict[str, Any]) -> "EpisodeChoice":
        """The choice of a caller.

        Args:
            call: the name of the function, for what is said of its arguments.
            episodes: a file of `tfmeta episodes`; None for a protocol.
            protocol: the arguments that `tfmeta.evaluate` describes.

        Raises:
            UserError: if an argument is unknown, or there are both a file and a protocol.
        """
        names = [name for name in protocol if not name.startswith("pipeline.")]
        check_names(call, names, _PROTOCOL | {"checkpoint"})
        given = {name: value for name, value in protocol.items() if value is not None}
        checkpoint = given.pop("checkpoint", BEST)
        file = None if episodes is None else path("episodes", episodes)
        if file and given:
            both = f"episodes={str(file)!r} and {next(iter(given))}"
            raise UserError(f"received {both}; the file says which episodes they are")
        return cls(file, given, checkpoint)

    def options(self) -> list[str]:
        """The same choice as options of a command."""
        words = [] if self.file is None else [f"--episodes={self.file}"]
        for name, value in self.protocol.items():
            own = name.partition(".")[2]
            if name == "pipeline_options":
                words += _assigned(value)
            elif own:
                words += _assigned({own: value})
            elif isinstance(value, bool):
                words.append(_option(name if value else _OPPOSITES.get(name, f"no_{name}")))
            else:
                shown = Range.of(tuple(value)) if isinstance(value, list | tuple) else value
                words.append(f"{_option(name)}={shown}")
        return words if self.checkpoint == BEST else [*words, f"--checkpoint={self.checkpoint}"]

    def of_run(self, run: RunDirectory, progress: Progress) -> FixedEpisodes:
        """The episodes for a run.

        Args:
            run: that was trained.
            progress: is told what the user allowed to be left out of the data.

        Raises:
            UserError: if there are none, the data has changed since the run was trained, or they
                are for other learners.
        """
        if self.file is None:
            return self._of_pipeline(run, progress)
        tests = _of_file(run, self.file)
        check_taken_by(run, tests.source)
        return tests

    def _of_pipeline(self, run: RunDirectory, progress: Progress) -> FixedEpisodes:
        """Episodes of the run's pipeline, or of another one with images as the run's."""
        given = as_flat(self.protocol)
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
        shape = episode_shape(settings)
        source = self._source(run, settings)
        source.target_kind.check_ways(shape.num_ways)
        has_options = any(name.startswith("pipeline.") for name in given)
        if is_other:
            pass  # other data, none of which the run has seen
        elif has_options or settings.data_dir != trained.data_dir:
            run.check_unseen(source.recorded_splits(), split)
        else:
            run.check_splits(source.recorded_splits())
            if split in _TRAINED_ON and source.recorded_splits():
                progress.say(
                    f"the run was trained on what the {split} split holds, so that this says "
                    "little of what is new; the test split has what it never saw"
                )
        source.check(split, shape)  # before the wait for what else there is to do
        for line in source.left_out({split: shape}):
            progress.say(line)
        return FixedEpisodes(source, shape, split, num_tasks, seed)

    def _source(self, run: RunDirectory, settings: Settings) -> EpisodeSource:
        key = source_key(run, settings)
        if key not in self._opened:
            self._opened[key] = open_source_of_run(run, settings)
        return self._opened[key]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _assigned(options: dict[str, Any]) -> list[str]:
    return [f"--set=pipeline.{name}={strict_json.dumps(each)}" for name, each in options.items()]


def _of_file(run: RunDirectory, path: Path) -> FixedEpisodes:
    """The episodes of a file."""
    source = EpisodeFile.read(path)
    if source.name == run.source_facts.name:
        run.check_unseen({source.split: source.classes}, source.split)
        source.check_options(run.settings.pipeline_options)
    return FixedEpisodes(source, source.shape, source.split, source.num_tasks, source.seed)


def _for_pipeline(run: RunDirectory, pipeline: str) -> Settings:
    """The run's settings for another pipeline, which is to read examples as the run's did."""
    options, known = run.source_facts.input_format.pipeline_options(), options_of(pipeline)
    options = {name: value for name, value in options.items() if name in known}
    return replace(run.settings, pipeline=pipeline, pipeline_options=options, data_dir=None)
