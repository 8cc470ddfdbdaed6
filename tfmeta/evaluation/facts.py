"""What was found, as JSON and as text. Imports no TensorFlow."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Facts(ABC):
    """Facts that a command prints. `str` of them is its text, in lines that are not broken.

    Attributes:
        facts: what the command prints with `--json`; `found["ci95"]` is `found.facts["ci95"]`.
    """

    facts: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    @abstractmethod
    def lines(self) -> list[str]:
        """The text."""
