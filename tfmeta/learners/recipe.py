"""What a learner trains well with when the user says nothing."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recipe:
    """A learner's defaults for a run; each stands beside its paper's in the learner's file.

    Attributes:
        options: the learner's constructor arguments, the user's among them.
        steps: steps of the outer loop.
        meta_batch: tasks per step.
        outer_learning_rate: at the start.
        outer_optimizer: "adam" or "sgd".
        outer_schedule: "cosine" or "linear", to zero, or "constant".
        train_episode: `ways`, `shots` and `queries` of a training episode, where they are others
            than the user's; lowered to what the data has.
        network_options: arguments of the network's function, where they are others than its own.
        has_head: the network answers with as many outputs as there are classes (or values);
            otherwise it ends with its embedding.
    """

    options: dict = field(default_factory=dict)
    steps: int = 6_000
    meta_batch: int = 32
    outer_learning_rate: float = 1e-3
    outer_optimizer: str = "adam"
    outer_schedule: str = "cosine"
    train_episode: dict = field(default_factory=dict)
    network_options: dict = field(default_factory=dict)
    has_head: bool = True

    @classmethod
    def of_many_ways(
        cls, options: dict, *, ways: int, queries: int, outer_learning_rate=2e-3, **changes
    ) -> "Recipe":
        """For what embeds and compares: episodes of more ways than the test's.

        Snell et al. 2017, section 2.6. The paper has one episode per step; we take two, one for
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
