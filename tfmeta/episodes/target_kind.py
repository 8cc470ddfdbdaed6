"""The kind of a task's targets: classes, or values of some size."""

from dataclasses import dataclass

from tfmeta.errors import UserError


@dataclass(frozen=True)
class TargetKind:
    """The kind of targets, and what follows from it.

    Attributes:
        name: "classes" (integer labels) or "values" (float vectors).
        size: the number of values per target; None for classes, or if it is not known.
    """

    name: str
    size: int | None = None

    @classmethod
    def of_size(cls, target_size: int | None) -> "TargetKind":
        """The kind with this number of values per target; None is classes."""
        return CLASSES if target_size is None else cls(VALUES.name, target_size)

    @property
    def are_values(self) -> bool:
        return self.name == VALUES.name

    @property
    def metric(self) -> str:
        """The name of the metric of such learners, in results and lines of metrics."""
        return "mse" if self.are_values else "accuracy"

    @property
    def validation_metric(self) -> str:
        """The name of the metric of the validation episodes, in lines of metrics."""
        return f"validation_{self.metric}"

    @property
    def best_metric(self) -> str:
        """Whether the best value of the metric is its "max" or its "min"."""
        return "min" if self.are_values else "max"

    def is_better(self, score: float, than: float) -> bool:
        """Whether a value of the metric is better than another one."""
        return score < than if self.are_values else score > than

    @property
    def default_ways(self) -> int:
        """The default number of classes per episode; 1 for values, which have no classes."""
        return 1 if self.are_values else 5

    def check_ways(self, num_ways: int) -> None:
        """Raises UserError if tasks of so many classes have one answer alone."""
        if num_ways == 1 and not self.are_values:
            raise UserError(
                "received 1 way; expected 2 or more classes per task, because of one class every "
                "answer is right. Choose --ways 2 or more"
            )

    def __str__(self) -> str:
        """The kind in words, for a sentence."""
        return f"targets of size {self.size}" if self.size else self.name


CLASSES, VALUES = TargetKind("classes"), TargetKind("values")
KINDS = {each.name: each for each in (CLASSES, VALUES)}
