"""The plan of a run's learner: its class, network and optimizer, with all their arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import keras

from tfmeta import networks
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.target_kind import TargetKind
from tfmeta.errors import UserError
from tfmeta.keras_files import check_config
from tfmeta.learners.half_precision import made_under, policy_of
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.recipe import Recipe
from tfmeta.learners.targets import default_loss, default_metric
from tfmeta.network_size import check_size
from tfmeta.training.fitted_network import fitted
from tfmeta.training.network_choice import is_foreign
from tfmeta.training.settings import Settings
from tfmeta.training.shapes import training_shape
from tfmeta.training.trained_part import built_learner, is_on_features

_OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "sgd": keras.optimizers.SGD,
    "momentum": partial(keras.optimizers.SGD, momentum=0.9),
}


@dataclass(frozen=True)
class LearnerPlan:
    """Builds the learner of a run, and compiles it.

    Attributes:
        settings: of the run, with every default filled in.
        source: of its episodes.
        learner_class, learner_options: the learner's class, and all its arguments except the
            network.
        network_function, network_options: what makes the network, and all of its arguments.
        head_size: outputs of the head that the learner needs; None if it needs none.
        target_kind: what the targets are; the learner is compiled with their loss and metric.
        has_class_numbers: whether the labels of training episodes are the numbers of the classes in
            the training split.
        make_optimizer, outer_learning_rate: of the outer loop, the rate at its start.
    """

    settings: Settings
    source: EpisodeSource
    learner_class: type[MetaLearner]
    learner_options: dict[str, Any]
    network_function: Callable[..., keras.Model]
    network_options: dict[str, Any]
    head_size: int | None
    target_kind: TargetKind
    has_class_numbers: bool
    make_optimizer: Callable[..., keras.optimizers.Optimizer]
    outer_learning_rate: float

    @classmethod
    def make(
        cls,
        settings: Settings,
        source: EpisodeSource,
        *,
        learner_class: type[MetaLearner],
        recipe: Recipe,
        network_function: Callable[..., keras.Model],
    ) -> "LearnerPlan":
        """The plan for resolved settings; for the arguments see `resolving.resolved`."""
        target_kind = source.target_kind
        num_outputs = target_kind.size or max(
            cast(int, settings.ways), cast(int, settings.train_ways)
        )
        head_size = num_outputs if recipe.has_head else None
        on_features = is_on_features(settings.train)
        return cls(
            settings=settings,
            source=source,
            learner_class=learner_class,
            learner_options={
                "targets": target_kind.name,
                "transductive": settings.transductive,
                **({"num_outputs": num_outputs} if recipe.learner_has_head else {}),
                **(_all_classes(settings, source) if recipe.learns_all_classes else {}),
                **settings.learner_options,
            },
            network_function=network_function,
            network_options={
                "input_shape": source.input_shape,
                "num_outputs": None if on_features else head_size,
                **settings.network_options,
            },
            head_size=head_size,
            target_kind=target_kind,
            has_class_numbers=recipe.learns_all_classes,
            make_optimizer=_OPTIMIZERS[cast(str, settings.outer_optimizer)],
            outer_learning_rate=cast(float, settings.outer_learning_rate),
        )

    def build(self) -> MetaLearner:
        """The learner, not compiled, with weights drawn from the seed.

        Raises:
            UserError: if an option of the network or the learner makes no sense, or the source's
                episodes are for another network.
        """
        options = [self.settings.network_options, self.settings.learner_options]
        check_config(options, "a network's or learner's option")  # some become objects
        make_network = partial(self.network_function, **self.network_options)
        try:
            if not is_foreign(self.settings.network):
                check_size(make_network)
            keras.utils.set_random_seed(self.settings.seed)
            with made_under(self._policy):
                learner = built_learner(
                    partial(self.learner_class, **self.learner_options),
                    fitted(self._under_policy(make_network()), self.source),
                    train=self.settings.train,
                    num_outputs=self.head_size,
                )
        except UserError:
            raise
        except (TypeError, ValueError, OverflowError) as error:
            raise UserError(f"cannot build the learner: {error}") from error
        self.source.check_learner(learner)
        if self.source.prepared is not None:
            self.source.prepared.check_input_dtype(networks.input_dtype(learner.network))
        return learner

    @property
    def _policy(self) -> str:
        """Keras's policy for the network; "float32" is Keras's `floatx`, which may be float64."""
        precision = self.settings.precision
        return keras.config.floatx() if precision == "float32" else precision

    def _under_policy(self, network: keras.Model) -> keras.Model:
        """The network; refused if it has a policy of its own that isn't the one asked for."""
        precision, own = self.settings.precision, policy_of(network, {}).name
        if precision in ("float32", own):
            return network
        raise UserError(
            f"received precision={precision!r} for the network {network.name!r}, which comes with "
            f"the policy {own!r}; expected precision='float32' (--precision "
            "float32), which leaves a network's own policy as it is"
        )

    def compile(self, learner: MetaLearner, *, varies: bool, longest_window: int) -> None:
        """Gives a learner its optimizer, loss and metric.

        Args:
            learner: from `build`, or from a checkpoint.
            varies: whether the training episodes differ in size.
            longest_window: steps that one execution may have.
        """
        learner.compile(
            self.make_optimizer(
                self.outer_learning_rate, global_clipnorm=self.settings.outer_clip_norm
            ),
            self.source.loss or default_loss(self.target_kind),
            metrics=[default_metric(self.target_kind)],
            jit_compile=False if varies else "auto",
            # A step of a dense network takes less time than Python's call, so one call has many
            # steps. Where the learner acts, what it does depends on the step before.
            steps_per_execution=longest_window
            if learner.is_vectorised and not self.source.is_acted_in
            else 1,
        )
        learner.optimizer.build(learner.trainable_variables)

    def compile_again(self, learner: MetaLearner, **options: Any) -> None:
        """Compiles a checkpoint's learner; its optimizer's state does not change by a bit."""
        state = [variable.numpy() for variable in learner.optimizer.variables]
        self.compile(learner, **options)
        for variable, value in zip(learner.optimizer.variables, state, strict=True):
            variable.assign(value)


def _all_classes(settings: Settings, source: EpisodeSource) -> dict[str, int | None]:
    """The arguments of a learner that is trained on all training classes at once."""
    return {
        "num_training_classes": source.num_classes("train", training_shape(settings)),
        "num_steps": settings.steps,
    }
