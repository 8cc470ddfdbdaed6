"""The options of an export, checked before anything is loaded. Imports no TensorFlow."""

from dataclasses import dataclass, field
from typing import Any

from tfmeta.errors import UserError
from tfmeta.exporting.kinds import KINDS, check_litert
from tfmeta.exporting.limits import RequestLimits
from tfmeta.flags import check_flags
from tfmeta.reading.in_memory import is_in_memory
from tfmeta.training.checkpoints import BEST, LAST
from tfmeta.workflows.arguments import path, whole

FORMATS = ("saved-model", "litert")


@dataclass(frozen=True)
class ExportRequest:
    """What is exported, and in what form.

    Attributes:
        kind: one of `tfmeta.exporting.kinds.KINDS`: "learner" adapts in each request, "adapted"
            adapts once, to `support`, and "generator" makes a task's weights.
        format: "saved-model" for TensorFlow Serving, or "litert" for one file on a device.
        support: the support set of an adapted model: a folder with a subfolder of images per class,
            an NPZ file of x and y, or a table with the columns that the run was trained on; or data
            in memory, as for `tfmeta.predict`.
        checkpoint: of the run: "best" by validation, or "last".
        ways, shots: the size of a support set for a LiteRT learner; None: as in training.
        padded_support: whether support sets may be padded.
        calibration_tasks: how many validation tasks the confidence is fitted on, and how many test
            tasks it is measured on.
        limits: of a request, by the names in `RequestLimits`; the others have their defaults.

    Raises:
        UserError: if these do not go together.
    """

    kind: str = "learner"
    format: str = "saved-model"
    support: Any = None
    checkpoint: str = BEST
    ways: int | None = None
    shots: int | None = None
    padded_support: bool = False
    calibration_tasks: int = 200
    limits: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, expected in (
            ("kind", (*KINDS,)),
            ("format", FORMATS),
            ("checkpoint", (BEST, LAST)),
        ):
            if getattr(self, name) not in expected:
                raise UserError(
                    f"received {name}={getattr(self, name)!r}; expected one of: "
                    f"{', '.join(expected)}"
                )
        check_flags(padded_support=self.padded_support)
        if self.support is not None and not is_in_memory(self.support, with_answers=True):
            path("support", self.support)
        RequestLimits.from_dict(self.limits)
        for name, least in (("ways", 1), ("shots", 1), ("calibration_tasks", 0)):
            if getattr(self, name) is not None or name == "calibration_tasks":
                object.__setattr__(self, name, whole(name, getattr(self, name), least=least))
        self._check_support()
        if self.is_litert:
            self._check_litert()
        elif self.ways or self.shots:
            raise UserError(
                "ways and shots are for a LiteRT file, whose tasks have one size; leave ways and "
                "shots out, or choose format litert"
            )

    def _check_support(self) -> None:
        """The support set is part of the request exactly where it is baked into the model."""
        takes_support = KINDS[self.kind].takes_support
        if takes_support and self.support is not None:
            raise UserError(
                f"a model of kind {self.kind} gets its support sets in requests; leave support out "
                "or choose kind adapted"
            )
        if not takes_support and self.support is None:
            raise UserError(
                f"a model of kind {self.kind} needs its support set now: support=PATH in Python, "
                "--support PATH on the command line"
            )
        if not takes_support and self.padded_support:
            raise UserError(
                f"a model of kind {self.kind} takes no support sets in requests; leave "
                "padded_support (--padded-support) out"
            )

    def _check_litert(self) -> None:
        kind = KINDS[self.kind]
        check_litert(kind)
        if self.padded_support:
            raise UserError(
                "a LiteRT file takes support sets of one size; leave padded_support "
                "(--padded-support) out, or choose format saved-model"
            )
        if (self.ways or self.shots) and not kind.takes_support:
            raise UserError(
                f"ways and shots are those of the support set in a model of kind {self.kind}; "
                "leave ways and shots out"
            )
        if self.limits:
            raise UserError(
                f"a LiteRT file refuses nothing, so it has no limits; leave the limits "
                f"{', '.join(self.limits)} out"
            )

    @property
    def is_litert(self) -> bool:
        return self.format == "litert"
