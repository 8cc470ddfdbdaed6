"""What a task's targets are: classes, or values of a size."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TargetKind:
    """The one answer to what targets are, and what follows from it.

    Attributes:
        name: "classes" (integer labels) or "values" (float vectors).
        size: the number of values per target, where they are values and their number is known.
    """

    name: str
    size: int | None = None

    @classmethod
    def of_size(cls, target_size: int | None) -> "TargetKind":
        """As files and sources have it: the number of values per target; None for classes."""
        return CLASSES if target_size is None else cls(VALUES.name, target_size)

    @property
    def are_values(self) -> bool:
        return self.name == VALUES.name

    @property
    def metric(self) -> str:
        """What a learner is measured by, as results and metrics name it."""
        return "mse" if self.are_values else "accuracy"

    @property
    def validation_metric(self) -> str:
        """The metric of the validation episodes, in lines of metrics."""
        return f"validation_{self.metric}"

    @property
    def best_metric(self) -> str:
        """Which values of the metric are good ones: "max" or "min"."""
        return "min" if self.are_values else "max"

    @property
    def default_ways(self) -> int:
        """Classes per episode where nobody says how many; values have none, which counts as 1."""
        return 1 if self.are_values else 5

    def __str__(self) -> str:
        """In a sentence."""
        return f"targets of size {self.size}" if self.size else self.name


CLASSES, VALUES = TargetKind("classes"), TargetKind("values")
KINDS = {each.name: each for each in (CLASSES, VALUES)}
