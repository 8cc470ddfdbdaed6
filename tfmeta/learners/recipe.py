"""What a learner trains well with when the user says nothing."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recipe:
    """A learner's defaults for a run; each stands beside its paper's in the learner's file.

    Attributes:
        options: the learner's constructor arguments, the user's among them.
        steps: outer-loop steps.
        meta_batch: tasks a step.
        outer_learning_rate: Adam's, at the start.
    """

    options: dict = field(default_factory=dict)
    steps: int = 6_000
    meta_batch: int = 32
    outer_learning_rate: float = 1e-3
