"""The kind of a task's targets: classes, values of some size, or what a policy did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfmeta.environments.policy_columns import PolicyColumns
from tfmeta.errors import UserError

_METRICS = {"classes": "accuracy", "values": "mse", "actions": "return"}
_SMALLER_IS_BETTER = ("mse",)


@dataclass(frozen=True)
class TargetKind:
    """The kind of targets, and what follows from it.

    Attributes:
        name: "classes" (integer labels), "values" (float vectors), or "actions" (float vectors that
            say what a policy did at each step of an environment, and what came of it; see
            `tfmeta.environments.policy_columns`).
        size: the number of values per answer; None for classes, or if it is not known. For actions
            it is twice their number: a mean and a deviation for each.
    """

    name: str
    size: int | None = None

    @classmethod
    def of_size(cls, target_size: int | None, name: str | None = None) -> "TargetKind":
        """The kind with this number of values per answer; without a name values, or classes."""
        return CLASSES if target_size is None else cls(name or VALUES.name, target_size)

    @property
    def are_values(self) -> bool:
        """Whether targets are float vectors, so that a task has no classes."""
        return self.name != CLASSES.name

    @property
    def are_right_answers(self) -> bool:
        """Whether a target is the right answer, so that answers can be compared with it."""
        return self.name != ACTIONS.name

    @property
    def given_size(self) -> int | None:
        """The number of values in a target that a client gives; None for classes."""
        if self.are_right_answers or self.size is None:
            return self.size
        return PolicyColumns.of_answers(self.size).given

    @property
    def metric(self) -> str:
        """The name of the metric of such learners, in results and lines of metrics."""
        return _METRICS[self.name]

    @property
    def validation_metric(self) -> str:
        """The name of the metric of the validation episodes, in lines of metrics."""
        return f"validation_{self.metric}"

    @property
    def best_metric(self) -> str:
        """Whether the best value of the metric is its "max" or its "min"."""
        return "max" if self.sign > 0 else "min"

    @property
    def sign(self) -> int:
        """1 if larger values of the metric are better, else -1."""
        return -1 if self.metric in _SMALLER_IS_BETTER else 1

    def is_better(self, score: float, than: float) -> bool:
        """Whether a value of the metric is better than another one."""
        return self.sign * score > self.sign * than

    @property
    def default_ways(self) -> int:
        """The default number of classes per episode; 1 for values, which have no classes."""
        return 1 if self.are_values else 5

    def sizes_in_words(self, ways: str, shots: str, queries: str) -> str:
        """The size of a task in words; each number may be a range."""
        if not self.are_right_answers:
            trajectories = "trajectory" if shots == "1" else "trajectories"
            return f"{shots} {trajectories} to learn from and {queries} afterwards"
        asked = "1 query" if queries == "1" else f"{queries} queries"
        return f"{'' if self.are_values else f'{ways}-way '}{shots}-shot, {asked}"

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


CLASSES, VALUES, ACTIONS = (TargetKind(name) for name in _METRICS)
KINDS = {each.name: each for each in (CLASSES, VALUES, ACTIONS)}


def kind_with(metric: str) -> TargetKind:
    """The kind of targets with this metric, as results and runs record it."""
    return next(kind for kind in KINDS.values() if kind.metric == metric)


def kind_in(facts: Mapping[str, Any]) -> TargetKind:
    """The kind of targets whose metric a result has."""
    return next(kind for kind in KINDS.values() if kind.metric in facts)
