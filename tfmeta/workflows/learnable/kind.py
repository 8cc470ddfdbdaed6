"""What `tfmeta.learn` can learn from: one kind of data, one file."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tfmeta.training.progress import Progress
from tfmeta.workflows.learnable.words import as_option, refuse
from tfmeta.workflows.learned import Learned
from tfmeta.workflows.learned_values import LearnedValues

GAPS = ("missing", "categories")  # options for gaps and texts among the features


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        place: the folder or file; it exists.
        network: the name of the one that makes features; None for the kind's own.
        reading: the options of how the data is read, by name.
        folder: of the model that knows the classes or values.
        progress: is told how the work gets on.
        started: when, by `time.monotonic`.
        notes: what was decided without being asked.
    """

    place: Path
    network: str | None
    reading: Mapping[str, Any]
    folder: Path
    progress: Progress
    started: float
    notes: tuple[str, ...] = ()

    @property
    def skips_unreadable(self) -> bool:
        return bool(self.reading.get("skip_unreadable", False))

    def columns(self, *others: str) -> dict[str, Any]:
        """The columns that a pipeline reads: those of the classes, and others that are named."""
        return {
            "label": self.reading.get("label") or "label",
            **{name: as_option(self.reading.get(name)) for name in others},
        }


class Learnable(ABC):
    """A kind of data.

    Attributes:
        what: the data in a sentence, such as "a folder".
        not_for: the options that are for other data, by name: for which.
    """

    what: ClassVar[str]
    not_for: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def takes(self, request: Request) -> bool:
        """Whether the data is of this kind; the kinds are asked in the order of `KINDS`."""

    @abstractmethod
    def learn(self, request: Request) -> Learned | LearnedValues:
        """Learns it and exports both models; see `tfmeta.learn`."""

    def check(self, request: Request) -> None:
        """Raises UserError if an option is for other data."""
        options = {**request.reading, "network": request.network}
        for name, others in self.not_for.items():
            refuse(name, options.get(name), self.what, others)
