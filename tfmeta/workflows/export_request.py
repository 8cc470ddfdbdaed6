"""What may be asked of an export, checked before anything is loaded. Imports no TensorFlow."""

from dataclasses import dataclass, field
from typing import Any

from tfmeta.errors import UserError
from tfmeta.exporting.limits import RequestLimits
from tfmeta.workflows.arguments import check_flags, path, whole

KINDS = ("learner", "adapted", "generator")
FORMATS = ("saved-model", "litert")


@dataclass(frozen=True)
class ExportRequest:
    """What of a run is exported, and for what.

    Attributes:
        kind: "learner", which adapts in each request; "adapted" to `support` once; "generator",
            which makes a task's weights.
        format: "saved-model" for TensorFlow Serving; "litert", one file for a device.
        support: for an adapted export: a folder with a subfolder of images per class, or an NPZ.
        ways, shots: of a LiteRT learner; None: as trained.
        padded_support: whether support sets may be padded.
        calibration_tasks: validation tasks to fit the confidence on, and test tasks to measure it.
        limits: of a request, by the names of `RequestLimits`; the others are its defaults.

    Raises:
        UserError: if they can't go together.
    """

    kind: str = "learner"
    format: str = "saved-model"
    support: str | None = None
    ways: int | None = None
    shots: int | None = None
    padded_support: bool = False
    calibration_tasks: int = 200
    limits: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, expected in (("kind", KINDS), ("format", FORMATS)):
            if getattr(self, name) not in expected:
                raise UserError(
                    f"received {name}={getattr(self, name)!r}; expected one of: "
                    f"{', '.join(expected)}"
                )
        check_flags(padded_support=self.padded_support)
        if self.support is not None:
            path("support", self.support)
        RequestLimits.from_dict(self.limits)
        for name, least in (("ways", 1), ("shots", 1), ("calibration_tasks", 0)):
            if getattr(self, name) is not None or name == "calibration_tasks":
                object.__setattr__(self, name, whole(name, getattr(self, name), least=least))
        if self.kind == "adapted" and not self.support:
            raise UserError("an adapted export needs its support set: --support DIR")
        if self.kind == "adapted" and self.padded_support:
            raise UserError("an adapted export takes no support sets; leave --padded-support out")
        if self.is_litert and (self.kind == "generator" or self.padded_support):
            raise UserError("LiteRT takes --kind learner or adapted, without --padded-support")
        if (self.ways or self.shots) and (self.format, self.kind) != ("litert", "learner"):
            raise UserError(
                "only a learner for LiteRT has tasks of one size; leave --ways and --shots out, or "
                "add --format litert"
            )
        if self.limits and self.is_litert:
            named = ", ".join(f"--most-{name.replace('_', '-')}" for name in self.limits)
            raise UserError(
                f"a LiteRT file refuses nothing, so it has no limits; leave {named} out"
            )
        if self.kind != "adapted" and self.support:
            raise UserError(
                f"a support set is for an adapted export; leave --support out of kind {self.kind}"
            )

    @property
    def is_litert(self) -> bool:
        return self.format == "litert"
