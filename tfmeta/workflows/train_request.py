"""What training may be asked for, checked before anything is loaded. Imports no TensorFlow."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tfmeta.errors import UserError
from tfmeta.flags import check_flags
from tfmeta.pipelines import pipeline_of
from tfmeta.training.cluster import cluster_for
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.workflows.arguments import check_outside


@dataclass(frozen=True)
class TrainRequest:
    """A run to make, or to go on with.

    Attributes:
        given: flat settings, as the user gave them.
        run_dir: of the run; None for the default of a new one.
        resume: go on with the run.

    Raises:
        UserError: if a setting makes no sense, or a run to go on with is not named.
    """

    given: dict[str, Any]
    run_dir: Path | None = None
    resume: bool = False

    def __post_init__(self) -> None:
        check_flags(resume=self.resume)
        if self.resume:
            if self.run_dir is None:
                raise UserError(
                    "received resume=True (--resume) without run_dir (--run-dir); expected the run "
                    "to go on with, such as runs/NAME"
                )
            return
        if not self.settings.pipeline:
            raise UserError("received no pipeline; expected one of `tfmeta pipelines`")

    def check_free(self) -> None:
        """Raises UserError if a new run's directory exists, or devices are named in vain."""
        for name in ("tpu", "tpu_zone", "tpu_project"):
            if self.given.get(name) is not None and self.strategy != "tpu":
                raise UserError(
                    f"received {name}={self.given[name]!r} and strategy={self.strategy!r}; "
                    "expected it with --strategy tpu alone"
                )
        cluster = cluster_for(self.strategy)
        if cluster is not None and self.run_dir is None:
            raise UserError(
                "received no run_dir (--run-dir) for several workers; expected a folder that every "
                "worker sees, on a shared file system"
            )
        # Workers meet first, so that each learns why none goes on.
        if not self.resume and cluster is None:
            RunDirectory.check_free(self.place)
        if not self.resume:
            self._check_outside()

    def _check_outside(self) -> None:
        pipeline, data_dir = pipeline_of(self.settings.pipeline), self.settings.data_dir
        if pipeline is not None and pipeline.holds_classes and data_dir is not None:
            way = "Choose another run_dir (--run-dir)"
            check_outside(f"the run {self.place}", self.place, data_dir, way)

    @property
    def is_for_workers(self) -> bool:
        """Whether several processes train the run; raises UserError if TF_CONFIG is wrong."""
        return cluster_for(self.strategy) is not None

    @cached_property
    def strategy(self) -> str:
        """How devices are used."""
        if self.resume and self.run_dir is not None and "strategy" not in self.given:
            settings = RunDirectory.open(self.run_dir).settings
            return settings.resumed_with(self.given).strategy
        return self.settings.strategy

    @property
    def started_with(self) -> dict[str, Any]:
        """What has to be the same for all workers of a run, `{name: value}`."""
        given = {name: each for name, each in self.given.items() if name != "data_dir"}
        return {"resume": self.resume, **given}

    @cached_property
    def settings(self) -> Settings:
        """Of a new run, as the user gave them."""
        return Settings.of_new_run(self.given)

    @cached_property
    def place(self) -> Path:
        """The run's directory."""
        return self.run_dir or self.settings.default_run_dir()
