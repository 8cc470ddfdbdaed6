"""A trained run on its test episodes; whatever takes time is computed once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tfmeta.confidence import Confidence
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError
from tfmeta.evaluation.calibration import (
    FITTED_ON,
    REPORTED_ON,
    Answers,
    answers_of,
    fitted,
    possible_shape,
)
from tfmeta.evaluation.evaluator import Evaluator, Measurement
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.training.progress import Progress, Quiet
from tfmeta.training.run_directory import RunDirectory
from tfmeta.training.untrained import untrained_learner

_MOST_TASKS = 200  # of a split for calibration, as `tfmeta export` takes


@dataclass(frozen=True)
class Certainty:
    """How far the probabilities of a learner can be believed.

    Attributes:
        confidence: that was fitted on validation tasks.
        answers: to test tasks.
        protocol: the sizes of both kinds of tasks, their number and seed.
    """

    confidence: Confidence
    answers: Answers
    protocol: dict[str, Any]


@dataclass
class TestedRun:
    """A run's learner, and the episodes on which it is tested.

    Attributes:
        run: the directory.
        learner: of a checkpoint.
        step: of that checkpoint.
        tests: the episodes.
        asked: the options of a command that ask for them.
        progress: is told how `found` gets on.
    """

    run: RunDirectory
    learner: MetaLearner
    step: int
    tests: FixedEpisodes
    asked: Sequence[str] = ()
    progress: Progress = field(default_factory=lambda: Quiet("test"))

    __test__ = False  # pytest takes classes with such a name for tests

    @property
    def name(self) -> str:
        return str(self.run.path)

    @property
    def source(self) -> EpisodeSource:
        return self.tests.source

    @property
    def metric(self) -> str:
        """The name of the score: "accuracy" or "mse"."""
        return self.source.target_kind.metric

    @property
    def digest(self) -> str:
        """Of the episodes as the run sees them."""
        digest: str = self.found.facts["episodes_sha256"]
        return digest

    @cached_property
    def found(self) -> Measurement:
        """What the learner scored and answered; raises UserError with the name of the run."""
        tests, progress = self.tests, self.progress
        try:
            self.learner.embedded(self.source, tests.split, progress.examples)
            evaluator = Evaluator(self.learner, tests, keeps_answers=True)
            return evaluator.measure(progress.tasks(tests.num_tasks))
        except UserError as error:
            raise UserError(f"{self.name}: {error}", exit_status=error.exit_status) from error

    @cached_property
    def untrained(self) -> np.ndarray | None:
        """The scores `(tasks,)` of its network before training; None for values.

        Raises:
            UserError: if that network can't be made again.
        """
        learner = untrained_learner(self.run.settings, self.source, self.learner)
        return None if learner is None else Evaluator(learner, self.tests).measure().task_scores

    @cached_property
    def class_names(self) -> Sequence[Sequence[str]] | None:
        """The names of each episode's classes, by their labels; None if they have none."""
        tests = self.tests
        return self.source.names_of_classes(tests.split, tests.shape, tests.seed, tests.num_tasks)

    def class_name(self, task: int, label: int) -> str:
        """The name of a class of a task, or else its label in words."""
        return self.class_names[task][label] if self.class_names else f"class {label}"

    @cached_property
    def certainty(self) -> Certainty:
        """What calibration finds: fitted on validation tasks, measured on test tasks.

        Raises:
            UserError: if there are no such tasks, as in a file of episodes.
        """
        tests, learner = self.tests, self.learner
        shape = possible_shape(self.source, tests.shape)
        protocol = {"num_tasks": min(tests.num_tasks, _MOST_TASKS), "seed": tests.seed}
        found = fitted(answers_of(learner, self.source, FITTED_ON, shape, **protocol))
        answers = answers_of(learner, self.source, REPORTED_ON, shape, **protocol)
        return Certainty(found, answers, {**shape.protocol(), **protocol})
