"""Environments of Gymnasium as tasks, in which the learner acts itself.

    tfmeta train gym:point-navigation --algorithm maml

Finn et al. 2017, https://arxiv.org/abs/1703.03400, section 5.3: the support set of a task is what
the policy did in it, the queries are what the adapted policy then does. A shot is a trajectory.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from tfmeta.environments.attempts import Acting, Attempts
from tfmeta.environments.environments import UNITS, Environments
from tfmeta.environments.pictures import can_be_drawn
from tfmeta.environments.policies import Policies
from tfmeta.environments.policy_loss import PolicyLoss
from tfmeta.environments.spaces import action_scaling
from tfmeta.environments.task_drawing import TaskDrawing, task_drawing
from tfmeta.episodes.episode import Episode
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.random_stream import RandomStream
from tfmeta.episodes.source_failure import as_raised
from tfmeta.errors import UserError
from tfmeta.pipelines import refuse_data
from tfmeta.reading.row_format import RowFormat

SPLITS = ("train", "validation", "test", "all")
_MOST_TRAJECTORIES = 1_000  # of a task
_NAME = "gym:"


class GymSource(EpisodeSource):
    """An endless family of environments; each split is a different stream of them.

    Without a learner, a policy acts at random: standard normal actions. See `acted_in_by`.

    Args:
        name: of the pipeline.
        acting: how trajectories are made.
        policies: of the learner that acts; None acts at random.
    """

    target_kind_name = "actions"
    network = "policy"

    def __init__(self, name: str, acting: Acting, policies: Policies | None = None):
        environments = acting.environments
        self.name, self._acting, self._policies = name, acting, policies
        size = environments.observation_size
        size += environments.task_size if acting.knows_task else 0
        self.input_shape = (size,)
        self.target_size = 2 * environments.action_size
        self.rows_per_example = environments.horizon
        self.network_options = action_scaling(environments.action_low, environments.action_high)
        names = tuple(f"observation_{number}" for number in range(1, size + 1))
        self.input_format = RowFormat(names, acting.columns.names)

    @property
    def loss(self) -> PolicyLoss:
        return self._acting.loss

    @property
    def is_acted_in(self) -> bool:
        return True

    def acted_in_by(self, policies: Policies) -> "GymSource":
        self._check_alone(policies.num_replicas)
        return GymSource(self.name, self._acting, policies)

    def check_learner(self, learner: Any) -> None:
        self._check_alone(learner.distribute_strategy.num_replicas_in_sync)

    def _check_alone(self, num_replicas: int) -> None:
        if num_replicas > 1:
            raise UserError(
                f"received {num_replicas} devices for {self.name}; expected one, because each "
                "episode is collected by the policy as it then is: --strategy single"
            )

    def check(self, split: str, shape: EpisodeShape) -> None:
        if split not in SPLITS:
            raise UserError(f"unknown split {split!r}; expected one of: {', '.join(SPLITS)}")
        if shape.num_ways != 1 or shape.uses_groups:
            raise UserError(f"{self.name} has no classes: leave --ways and --within-group out")
        if shape.varies:
            raise UserError(
                f"{self.name} has as many trajectories in each task; expected one number of shots "
                "and one of queries, and no ranges"
            )

    def check_method(self, learner_class: type[Any]) -> None:
        if not hasattr(learner_class, "inner_loop"):
            raise UserError(
                f"{learner_class.__name__} takes no gradient steps, by which a policy learns from "
                f"what it did in {self.name}; expected --algorithm maml, fomaml, anil, meta-sgd, "
                "reptile or meta-lstm"
            )

    def limits(self, split: str, shape: EpisodeShape) -> tuple[int, int]:
        return 1, _MOST_TRAJECTORIES

    def draw(self, split: str, shape: EpisodeShape, seed: int) -> Callable[..., Episode]:
        attempts = self._attempts(split, shape, seed)
        return lambda first, count: Episode(*self._acting.episodes(attempts(first, count)))

    def drawings(
        self, split: str, shape: EpisodeShape, *, seed: int
    ) -> Callable[[int], TaskDrawing] | None:
        environment = self.name.removeprefix(_NAME)
        if not can_be_drawn(environment):
            return None
        attempts = tf.function(self._attempts(split, shape, seed), autograph=False)

        def drawn(number: int) -> TaskDrawing:
            with as_raised():
                found = attempts(tf.constant(number, tf.int64), 1)
            return task_drawing(environment, found)

        return drawn

    def _attempts(self, split: str, shape: EpisodeShape, seed: int) -> Callable[..., Attempts]:
        """A function in the graph: `(first, count)` -> what is done in the tasks of these numbers.

        In training only what the policy does from which a step takes its queries.
        """
        acting, environments = self._acting, self._acting.environments
        sides = (shape.num_shots, shape.num_queries)
        steps = (environments.horizon, environments.action_size)
        tasks_stream = RandomStream(seed, split, UNITS)
        seeds_stream = RandomStream(seed, f"{split} beginnings", sum(sides))
        noises = [
            RandomStream(seed, f"{split} actions of {name}", number * steps[0] * steps[1])
            for name, number in zip(("support", "query"), sides, strict=True)
        ]

        def collected(first: Any, count: Any) -> Attempts:
            units = tasks_stream.units(first, count)[:, :UNITS]
            tasks = tf.numpy_function(environments.tasks, (units,), tf.float32)
            tasks = tf.ensure_shape(tasks, [None, environments.task_size])
            seeds = tf.bitwise.right_shift(seeds_stream.integers(first, count), 1) & (2**31 - 1)
            seeds = tf.split(seeds[:, : sum(sides)], sides, 1)
            noise = [
                _normal(stream, first, count, (number, *steps))
                for stream, number in zip(noises, sides, strict=True)
            ]
            chance = list(zip(seeds, noise, strict=True))
            return acting.attempts(tasks, chance, self._policies, in_training=split == "train")

        return collected

    def episodes_at(
        self, *args: Any, augmentation: Callable[..., Any] | None = None, **options: Any
    ) -> tf.data.Dataset:
        if augmentation is not None:
            raise UserError(f"{self.name} has no examples to augment; leave augment out")
        return super().episodes_at(*args, **options)

    def batched(
        self, starts: tf.data.Dataset, batch: Callable[..., Any], *, split: str, num_tasks: int
    ) -> tf.data.Dataset:
        """See `EpisodeSource`. None is made ahead, because the learner changes at each step."""
        starts, epochs = self._starts(starts, split, num_tasks)
        made = starts.map(tf.autograph.experimental.do_not_convert(batch))
        if epochs > 1:
            made = made.flat_map(partial(_repeated, epochs=epochs))
        options = tf.data.Options()
        options.autotune.enabled = False
        options.experimental_optimization.inject_prefetch = False  # TensorFlow's default is True
        return made.with_options(options)

    def _starts(
        self, starts: tf.data.Dataset, split: str, num_tasks: int
    ) -> tuple[tf.data.Dataset, int]:
        """Where the batches that are collected begin, and how many steps each one is for."""
        epochs = self._acting.epochs if split == "train" else 1
        if epochs == 1:
            return starts, 1
        first = int(next(iter(starts)))
        if first % (epochs * num_tasks):
            raise UserError(
                f"received epochs={epochs} and training from step {first // num_tasks} on; "
                "expected a number of steps that the epochs divide, so that each batch is taken "
                "as often: choose log_every, validate_every and steps as multiples of epochs"
            )
        return starts.filter(lambda i: i % (epochs * num_tasks) == 0), epochs


@tf.autograph.experimental.do_not_convert
def _repeated(*episodes: Any, epochs: int) -> tf.data.Dataset:
    whole = episodes[0] if len(episodes) == 1 else Episode(*episodes)
    return tf.data.Dataset.from_tensors(whole).repeat(epochs)


def _normal(stream: RandomStream, first: Any, count: Any, shape: tuple[int, ...]) -> tf.Tensor:
    """Standard normal numbers, float32 `(count, *shape)`."""
    number = tf.math.reduce_prod(shape)
    units = tf.cast(stream.units(first, count)[:, :number], tf.float64) + 2.0**-25
    return tf.reshape(tf.cast(tf.math.ndtri(units), tf.float32), [count, *shape])


def build(
    *,
    name: str,
    data_dir: Any = None,
    horizon: int | None = None,
    discount: float = 0.99,
    gae_lambda: float = 1.0,
    clip: float = 0.2,
    knows_task: bool = False,
    epochs: int = 1,
) -> GymSource:
    """The pipeline.

    Args:
        name: of one of our environments, or an ID of Gymnasium, see `Environments`.
        data_dir: not needed.
        horizon: steps of a trajectory; None for the environment's own number.
        discount, gae_lambda: of the advantages.
        clip: of the loss; see `PolicyLoss`.
        knows_task: whether the policy sees the task beside the observation, for a comparison.
        epochs: steps of training on each batch of episodes, before the next one is collected. With
            more than one the loss's clip keeps the policy near the one that acted (PPO; ProMP,
            algorithm 1, takes five).

    Raises:
        UserError: if there is no such environment, or an option makes no sense.
    """
    refuse_data(f"{_NAME}{name}", data_dir)
    if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 1:
        raise UserError(f"received epochs={epochs!r}; expected a whole number from 1")
    environments = Environments(name, horizon)
    loss = PolicyLoss(environments.action_size, clip=clip, discount=discount, gae_lambda=gae_lambda)
    return GymSource(_NAME + name, Acting(environments, loss, knows_task, epochs))
