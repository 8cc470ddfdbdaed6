"""The settings with which a learner trains well by default."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """A learner's defaults for a run; the learner's file compares them with the paper's.

    Attributes:
        options: the learner's constructor arguments, with those that the user chose.
        steps: steps of the outer loop.
        meta_batch: tasks per step.
        outer_learning_rate: the rate at the start.
        outer_optimizer: "adam", "sgd", or "momentum", which is "sgd" with a momentum of 0.9.
        outer_schedule: "cosine" or "linear", both down to zero, or "constant".
        train_episode: `ways`, `shots` and `queries` of a training episode, if they differ from the
            task's; they are lowered to what the data has.
        network_options: arguments of the network's function, if they differ from its defaults.
        has_head: True if the network has as many outputs as there are classes (or values), False if
            it ends with its embedding.
        learner_has_head: True if the learner has the head for values in place of the network; its
            constructor then takes `num_outputs`.
        learns_all_classes: True if training is on all training classes at once. Training episodes
            are then minibatches: their labels are the numbers of the classes in the training split,
            and their size does not follow that of the task. The constructor takes
            `num_training_classes`, and `num_steps`, which is None if there is no such number.
    """

    options: dict[str, Any] = field(default_factory=dict)
    steps: int = 6_000
    meta_batch: int = 32
    outer_learning_rate: float = 1e-3
    outer_optimizer: str = "adam"
    outer_schedule: str = "cosine"
    train_episode: dict[str, Any] = field(default_factory=dict)
    network_options: dict[str, Any] = field(default_factory=dict)
    has_head: bool = True
    learner_has_head: bool = False
    learns_all_classes: bool = False

    @classmethod
    def of_many_ways(
        cls,
        options: dict[str, Any],
        *,
        ways: int,
        queries: int,
        outer_learning_rate: float = 2e-3,
        **changes: Any,
    ) -> "Recipe":
        """The recipe of metric learners: training episodes have more ways than the task.

        Snell et al. 2017, section 2.6. The paper has one episode per step; here it is two, one for
        each of two cores.
        """
        return cls(
            options,
            meta_batch=2,
            outer_learning_rate=outer_learning_rate,
            train_episode={"ways": ways, "queries": queries},
            has_head=False,
            **changes,
        )
