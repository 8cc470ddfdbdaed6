"""The columns of targets that say what a policy did. Imports no TensorFlow."""

from dataclasses import dataclass
from typing import TypeVar

_Columns = TypeVar("_Columns", bound="PolicyColumns")


@dataclass(frozen=True)
class PolicyColumns:
    """The columns that a client gives, one row for each step of a trajectory, in order of time.

    Attributes:
        num_actions: the numbers in an action; these are the first columns. Then come the log
            density of the action under the policy that acted, the reward that followed, and the
            number of the step in its trajectory, from 0.
    """

    num_actions: int

    @classmethod
    def of_answers(cls: type[_Columns], num_outputs: int) -> _Columns:
        """The columns for a policy's answers: a mean and a log deviation for each action."""
        return cls(num_outputs // 2)

    @property
    def given(self) -> int:
        """How many columns a client gives."""
        return self.num_actions + 3

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that a client gives."""
        actions = (f"action_{number}" for number in range(1, self.num_actions + 1))
        return (*actions, "log_probability", "reward", "step")
