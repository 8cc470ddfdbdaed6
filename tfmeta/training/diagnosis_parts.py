"""What the diagnosis of a run is made of, each part once per run."""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.environments.task_drawing import TaskDrawing
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.adaptation import Adaptation, AdaptationProbe
from tfmeta.learners.embeddings import embedding_function
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.padding import unpadded
from tfmeta.training.board.shown_episodes import ShownEpisodes
from tfmeta.training.plan import Plan

_MOST_TASKS, _MOST_TRAINING_TASKS, _MOST_DRAWN = 8, 2, 2
_MOST_BYTES = 64 * 2**20  # of the examples of all tasks


class DiagnosisParts:
    """What a Diagnosis looks at: the first validation episodes, and some of training.

    Args:
        plan: of the run, with validation.
        learner: that is trained.
    """

    def __init__(self, plan: Plan, learner: MetaLearner):
        self._plan, self._learner = plan, learner
        source, shape = plan.source, plan.task_shape
        bytes_per_task = 4 * shape.size * math.prod(source.input_shape)
        most = min(_MOST_TASKS, plan.settings.validation_tasks)
        num_tasks = max(1, min(most, _MOST_BYTES // bytes_per_task))
        self._fixed = FixedEpisodes(source, shape, "validation", num_tasks)
        self.probe = AdaptationProbe(learner, self._fixed)
        self.shown = ShownEpisodes(self._fixed)

    @cached_property
    def embed(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """The embedding of examples, see `embedding_function`."""
        return embedding_function(self._learner)

    def gradient_norms(self) -> dict[str, float]:
        """The length of the meta-gradient of some training tasks, of all layers and of each."""
        variables = self._learner.trainable_variables
        if not variables:
            return {}
        each = [self._learner.task_gradients(task)[0] for task in self._training_tasks]
        squares: dict[str, float] = {}
        for variable, *gradients in zip(variables, *each, strict=True):
            mean = np.mean([np.asarray(gradient, np.float64) for gradient in gradients], 0)
            layer = variable.path.rpartition("/")[0] or variable.path
            squares[layer] = squares.get(layer, 0.0) + float(np.sum(mean**2))
        norms = {layer: math.sqrt(square) for layer, square in squares.items()}
        return {"all_layers": math.sqrt(sum(squares.values())), **norms}

    @cached_property
    def _training_tasks(self) -> list[Any]:
        """The first training episodes, the same every time, so that the lengths can be compared."""
        batch = next(iter(self._plan.episodes_after(0, learner=self._learner)))
        number = min(_MOST_TRAINING_TASKS, self._plan.meta_batch)
        return [unpadded(tf.nest.map_structure(lambda t, n=n: t[n], batch)) for n in range(number)]

    @cached_property
    def _draw(self) -> Callable[[int], TaskDrawing] | None:
        fixed = self._fixed
        source = self._learner.embedded(fixed.source, fixed.split)
        return source.drawings(fixed.split, fixed.shape, seed=fixed.seed)

    def drawings(self) -> list[TaskDrawing]:
        """The first tasks as a whole; none if their source draws none."""
        number = min(_MOST_DRAWN, self._fixed.num_tasks)
        return [] if self._draw is None else [self._draw(task) for task in range(number)]

    def projected(self, adaptation: Adaptation) -> tuple[dict[str, list[str]], np.ndarray | None]:
        """What is known of each query of the episodes, and its picture if it has one."""
        tasks, names = self.shown.tasks, self.shown.names
        facts: dict[str, list[str]] = {"class" if names else "target": [], "answer": []}
        facts["episode"] = [str(n) for n, task in enumerate(tasks) for _ in task.query_y]
        for number, (task, answers) in enumerate(zip(tasks, adaptation.answers, strict=True)):
            if names is None:
                facts["target"] += [_numbers(values) for values in task.query_y]
                facts["answer"] += [_numbers(values) for values in answers]
            else:
                facts["class"] += [names[number][label] for label in task.query_y]
                facts["answer"] += [names[number][label] for label in answers.argmax(-1)]
        pictures = None
        if self.shown.has_pictures:
            pictures = np.concatenate([task.query_x for task in tasks])
        else:
            facts["query"] = [
                w for number in range(len(tasks)) for w in self.shown.words(number)[1]
            ]
        return facts, pictures


def _numbers(values: np.ndarray) -> str:
    return ", ".join(f"{value:.5g}" for value in values.reshape(-1).tolist())
