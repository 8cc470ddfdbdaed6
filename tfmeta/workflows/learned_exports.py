"""What the reports of `tfmeta.learn` have in common."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LearnedExports(ABC):
    """Two exports and a report.

    Attributes:
        adapted: the version's folder of the model that knows the data.
        learner: the version's folder of the model that takes any support set in its requests.
    """

    adapted: Path
    learner: Path

    def to_dict(self) -> dict[str, Any]:
        """What `tfmeta learn --json` prints."""
        return {**asdict(self), "adapted": str(self.adapted), "learner": str(self.learner)}

    @abstractmethod
    def lines(self) -> list[str]:
        """The report for a terminal."""

    def where(self, known: str) -> list[str]:
        """The last lines of the report; `known` is what the first model knows."""
        return [
            f"{self.adapted}  knows the {known}",
            f"{self.learner}  takes any support set in its requests",
            f"Next: tfmeta predict {self.adapted.parent} INPUT...",
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines())
