"""What the reports of `tfmeta.learn` have in common."""

import shlex
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tfmeta.inspection.lines import UNLIMITED, labelled


@dataclass(frozen=True)
class LearnedExports(ABC):
    """Two exports and a report.

    Attributes:
        adapted: the version's folder of the model that knows the data.
        learner: the version's folder of the model that takes any support set in its requests.
    """

    adapted: Path
    learner: Path

    def __fspath__(self) -> str:
        """The model that knows the data, which `tfmeta.predict` takes so."""
        return str(self.adapted)

    def to_dict(self) -> dict[str, Any]:
        """What `tfmeta learn --json` prints."""
        return {**asdict(self), "adapted": str(self.adapted), "learner": str(self.learner)}

    @abstractmethod
    def rows(self) -> list[tuple[str, str]]:
        """The report in pairs of a word and a sentence."""

    def lines(self, width: int = UNLIMITED) -> list[str]:
        """The report for a terminal, in lines of that width."""
        model = shlex.quote(str(self.adapted.parent))
        following = f"Next: tfmeta predict {model} INPUT..."  # whole, to be copied
        return [*labelled(self.rows(), width), following]

    def where(self, known: str) -> list[tuple[str, str]]:
        """The last rows of the report; `known` is what the first model knows."""
        return [
            ("exported", f"{self.adapted}  knows the {known}"),
            ("", f"{self.learner}  takes any support set in its requests"),
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines())
