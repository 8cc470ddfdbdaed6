"""The plan of a run, made once from its settings and source; it builds everything."""

import contextlib
import math
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, cast

import tensorflow as tf

from tfmeta.episodes.augmentation import Augmentation, build_augmentation
from tfmeta.episodes.episode_shape import MOST_EXAMPLES, EpisodeShape
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.episodes.share import WHOLE, Share
from tfmeta.errors import UserError
from tfmeta.evaluation.evaluator import Evaluator
from tfmeta.learners import find
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.training import strategies
from tfmeta.training.learner_options import check_options
from tfmeta.training.learner_plan import LearnerPlan
from tfmeta.training.loop import TrainingLoop
from tfmeta.training.missing_weights import missing_weights
from tfmeta.training.network_choice import check_taken, network_function
from tfmeta.training.opening import open_source, open_source_of_run
from tfmeta.training.recorded_examples import check_examples
from tfmeta.training.remedies import larger_split, remedy_of
from tfmeta.training.resolving import resolved, suited
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.settings import Settings
from tfmeta.training.shapes import episode_shape, training_shape
from tfmeta.training.trained_part import is_on_features
from tfmeta.training.windows import Windows

_MOST_EXAMPLES_PER_STEP = 10 * MOST_EXAMPLES
_LOG_EVERY, _LOG_EVERY_VECTORISED = 20, 500
_LINES_PER_VALIDATION, _LEAST_LINES, _VALIDATIONS = 25, 5, 12  # the last one is of a whole run
_STEPS_ON_FEATURES = 100  # per validation: few classes are soon learned by heart


@dataclass(frozen=True)
class Plan:
    """The plan of a run; see `make` and `of_run`.

    Attributes:
        settings: with every default filled in, as config.json records them.
        source: of the episodes.
        task_shape: the episodes of the task, for validation and evaluation.
        training_shape: the episodes of training, which may be larger by the learner's recipe.
        meta_batch: tasks per step.
        outer_schedule: of the outer learning rate: "cosine", "linear" or "constant".
        learner: the learner, its network and its optimizer.
    """

    settings: Settings
    source: EpisodeSource
    task_shape: EpisodeShape
    training_shape: EpisodeShape
    meta_batch: int
    outer_schedule: str
    learner: LearnerPlan

    @classmethod
    def make(cls, settings: Settings, source: EpisodeSource | None = None) -> "Plan":
        """The plan of a new run.

        Args:
            settings: as the user gave them.
            source: of the episodes; None opens the one that the settings name.

        Raises:
            UserError: if there is no such source, learner, option or network.
        """
        source = source or open_source(settings)
        suits = suited(settings, source)
        if suits.pipeline_options != settings.pipeline_options:  # they decide how it is read
            source = open_source(suits)
        return cls._made(suits, source, is_new=True)

    @classmethod
    def of_run(cls, run: RunDirectory, settings: Settings | None = None) -> "Plan":
        """The plan of a run that exists; what was decided then is not decided again.

        Args:
            run: with the record of its data.
            settings: the run's own, with what has changed in them; None for no changes.

        Raises:
            UserError: as `make`, or if the data has changed, in its splits or numbers of examples.
        """
        settings = settings or run.settings
        source = open_source_of_run(run, settings)
        run.check_splits(source.recorded_splits())
        check_examples(run, source)
        return cls._made(settings, source, is_new=False)

    @classmethod
    def _made(cls, settings: Settings, source: EpisodeSource, *, is_new: bool) -> "Plan":
        parts: dict[str, Any] = {
            "learner_class": settings.load_learner_class(),
            "network_function": network_function(settings.network, source),
        }
        if is_new:
            check_taken(parts["network_function"], settings)
        source.check_method(parts["learner_class"])
        own = find(settings.algorithm).options
        options = {**own, **source.learner_options, **settings.learner_options}
        check_options(parts["learner_class"], options, settings.algorithm)
        parts["recipe"] = parts["learner_class"].recipe(
            options, regression=source.target_kind.are_values
        )
        if is_new:
            settings = resolved(settings, source, **parts)
        return cls(
            settings=settings,
            source=source,
            task_shape=episode_shape(settings),
            training_shape=training_shape(settings),
            meta_batch=cast(int, settings.meta_batch),
            outer_schedule=cast(str, settings.outer_schedule),
            learner=LearnerPlan.make(settings, source, **parts),
        )

    # The episodes

    @property
    def shapes(self) -> dict[str, EpisodeShape]:
        """The episodes that the run needs of each split."""
        validation = {"validation": self.task_shape} if self.settings.validation_tasks else {}
        return {"train": self.training_shape, **validation}

    def refusals(self) -> list[str]:
        """Why the run can't have its episodes, each reason once; empty if it can have them."""
        source, found = self.source, []
        examples = self.meta_batch * self.training_shape.size
        if examples > _MOST_EXAMPLES_PER_STEP:
            found.append(
                f"received meta_batch={self.meta_batch}, which is {examples} examples per "
                f"step; expected {_MOST_EXAMPLES_PER_STEP} at most"
            )
        told: set[str] = set()
        for split, shape in self.shapes.items():
            try:
                least = min(shape.num_ways, self.task_shape.num_ways)
                source.target_kind.check_ways(least)
                source.check(split, shape)
            except UserError as error:
                if str(error) not in told:  # else training without validation is no remedy
                    found.append(f"{error}{remedy_of(split, self.settings, source)}")
                told.add(str(error))
        if problem := source.hopeless("train"):
            where = f"the train split of {source.name}"
            found.append(f"this can't be learned from: {problem}, in {where}")
        return found

    def warnings(self) -> list[str]:
        """What a run will lack, told before it is trained."""
        lines = missing_weights(self.settings, self.source)
        try:
            self.source.check("test", self.task_shape)
        except UserError as error:
            larger = larger_split("test", self.settings, self.source)
            more = f", or {larger}" if larger else ""
            lines.append(f"warning: `tfmeta evaluate` will have no test episodes: {error}{more}")
        return lines

    def check(self) -> None:
        """Raises UserError if the run can't have its episodes or its augmentation."""
        if refusals := self.refusals():
            raise UserError(refusals[0])
        _ = self.augmentation
        if is_on_features(self.settings.train):
            self._check_on_features()

    @cached_property
    def augmentation(self) -> Augmentation | None:
        """The augmentation of the training episodes, or None."""
        if not self.settings.augment:
            return None
        return build_augmentation(self.settings.augment, self.source, seed=self.settings.seed)

    def _check_on_features(self) -> None:
        self.source.check_embeddable()
        if self.settings.augment:
            raise UserError(
                f"received augment={self.settings.augment!r} and "
                f"train={self.settings.train!r}: the features of a frozen network are computed "
                "once per example, so that augmentation would change nothing; leave augment out, "
                "or choose --train all"
            )

    def episodes_after(
        self, step: int, share: Share = WHOLE, *, learner: MetaLearner
    ) -> tf.data.Dataset:
        """The batches of episodes of the steps after `step`, as the learner takes them, endless.

        Args:
            step: a number of steps.
            share: the replicas that take them; a batch is then one replica's part.
            learner: of this plan.
        """
        source = learner.embedded(self.source, "train")
        if self.learner.has_class_numbers:
            source = source.with_class_numbers()
        return source.episodes_at(
            share.starts(step * self.meta_batch, self.meta_batch),
            "train",
            self.training_shape,
            seed=self.settings.seed,
            num_tasks=share.tasks(self.meta_batch),
            augmentation=self.augmentation,
        )

    def validator(self, learner: MetaLearner) -> Evaluator | None:
        """The evaluator of a learner on the validation episodes; None if there is no validation."""
        if not self.settings.validation_tasks:
            return None
        num_tasks = self.settings.validation_tasks
        return Evaluator(
            learner, FixedEpisodes(self.source, self.task_shape, "validation", num_tasks)
        )

    # The learner and its training

    def build_learner(self) -> MetaLearner:
        """The learner, compiled, with weights drawn from the seed.

        Raises:
            UserError: if an option of the network or the learner makes no sense, or the source's
                episodes are for another network.
        """
        with self._scope():
            return self._built()

    def learner_of(
        self, run: RunDirectory, *, before: int | None = None
    ) -> tuple[MetaLearner, int]:
        """The learner of a run's newest checkpoint, else a new one.

        Args:
            run: whose plan this is.
            before: pass over the checkpoints of this step and later.

        Returns:
            `(learner, step)`.

        Raises:
            UserError: as `build_learner`, or if the checkpoint is damaged.
        """
        with self._scope():
            loaded = run.load_checkpoint(before)
            if loaded is None:
                return self._built(), 0
            learner, step = loaded
            self.source.check_learner(learner)
            self.learner.compile_again(learner, **self._compile_options(learner))
            return learner, step

    def windows(self, learner: MetaLearner) -> Windows:
        """How the run's steps divide; it depends on how the learner runs its tasks."""
        settings = self.settings
        is_quick = learner.is_vectorised and not self.source.is_acted_in
        usual = _LOG_EVERY_VECTORISED if is_quick else _LOG_EVERY
        log_every = settings.log_every or usual
        lines = _LINES_PER_VALIDATION
        if settings.steps:  # so that a run of a few thousand steps has a curve too
            of_run = math.ceil(settings.steps / _VALIDATIONS / log_every)
            lines = min(lines, max(_LEAST_LINES, of_run))
        steps = lines * log_every
        if is_on_features(settings.train):
            steps = _STEPS_ON_FEATURES
        validate_every = settings.validate_every or steps
        return Windows(
            log_every, validate_every if settings.validation_tasks else None, settings.steps
        )

    def loop(self, learner: MetaLearner) -> TrainingLoop:
        """The loop that trains a learner of this plan."""
        return TrainingLoop(learner, partial(self.episodes_after, learner=learner))

    def _scope(self) -> contextlib.AbstractContextManager[Any]:
        settings = self.settings
        place = {"tpu": settings.tpu, "zone": settings.tpu_zone, "project": settings.tpu_project}
        return strategies.scope(settings.strategy, self.meta_batch, **place)

    def _built(self) -> MetaLearner:
        learner = self.learner.build()
        self.learner.compile(learner, **self._compile_options(learner))
        return learner

    def _compile_options(self, learner: MetaLearner) -> dict[str, Any]:
        strategies.check_learner(self.settings.strategy, learner, self.training_shape)
        return {
            "varies": self.training_shape.varies,
            "longest_window": self.windows(learner).longest,
        }
