"""How good a learner is, on episodes that are the same every time."""

import math

import numpy as np
import tensorflow as tf

from tfmeta.episode import without_solution
from tfmeta.errors import UserError
from tfmeta.learners.padding import unpadded
from tfmeta.learners.targets import CLASSES, VALUES, refuse_other
from tfmeta.pipelines.episode_hash import EpisodeHash
from tfmeta.pipelines.episode_source import EpisodeShape, EpisodeSource, even_batch

_MOST_TASKS_A_CALL = 50
_Z95 = 1.96  # of the normal distribution, as the papers use for their intervals


class Evaluator:
    """Runs a learner over the first episodes of a split; traced once, used often.

    Args:
        learner: any MetaLearner.
        source: where the episodes come from.
        shape: of the episodes.
        split: of the source.
        num_tasks: how many episodes.
        seed: of the episodes; the same seed gives the same episodes, on any machine.

    Raises:
        UserError: if there are no such episodes, or the learner can't answer as many classes.
    """

    def __init__(
        self,
        learner,
        source: EpisodeSource,
        shape: EpisodeShape,
        *,
        split: str = "test",
        num_tasks: int = 600,
        seed: int = 0,
    ):
        if num_tasks < 1:
            raise UserError(f"received {num_tasks} tasks; expected 1 or more")
        taken = tuple(learner.function.input_shape[1:])
        if taken != source.input_shape:
            raise UserError(
                f"{source.name} has examples of shape {source.input_shape}; this learner takes "
                f"{taken}. Evaluate it on data like its own, or with --set pipeline.size=..."
            )
        kind = VALUES if source.is_regression else CLASSES
        refuse_other(kind, learner.known_targets, by=f"episodes of {source.name}")
        most = learner.num_outputs
        if not source.is_regression and most is not None and shape.num_ways > most:
            raise UserError(
                f"received {shape.num_ways} ways; this learner answers {most} "
                "classes. Lower --ways, or train with more"
            )
        self._learner, self._source, self._shape = learner, source, shape
        self._split, self._num_tasks, self._seed = split, num_tasks, seed
        self._batch = even_batch(num_tasks, _MOST_TASKS_A_CALL)
        self._measure = tf.function(self._measure_tasks, autograph=False)

    def run(self, on_progress=None) -> dict:
        """Evaluates.

        Args:
            on_progress: called with the number of tasks done so far.

        Returns:
            The metric (`accuracy`, a fraction, or `mse`), its `ci95` in the same unit, the
            `adaptation_curve` (the metric after each of `adaptation_steps`) and the protocol.
        """
        curves, digest = [], EpisodeHash()
        dataset = self._source.episodes(
            self._split, self._shape, seed=self._seed, num_tasks=self._batch
        )
        for episodes in map(without_solution, dataset.take(self._num_tasks // self._batch)):
            digest.update(episodes)
            curves.append(self._measure(episodes).numpy())
            if on_progress:
                on_progress(len(curves) * self._batch)
        curves = np.concatenate(curves).astype(np.float64)  # (tasks, states)
        spread = curves[:, -1].std(ddof=1) if len(curves) > 1 else 0.0
        return {
            "mse" if self._source.is_regression else "accuracy": float(curves[:, -1].mean()),
            "ci95": float(_Z95 * spread / math.sqrt(len(curves))),
            "num_tasks": self._num_tasks,
            "split": self._split,
            "mode": self._learner.mode,
            **self._shape.protocol(),
            "seed": self._seed,
            "pipeline": self._source.name,
            "adaptation_steps": self._steps,
            "adaptation_curve": curves.mean(0).tolist(),
            "episodes_sha256": digest.hexdigest(),
        }

    def _measure_tasks(self, episodes):
        return self._learner.map_tasks(self._measure_task, episodes)

    def _measure_task(self, task):
        """`(states,)`: the metric of one task for each state on the way of its adaptation."""
        episode = unpadded(task)
        path = self._learner.adaptation_path(episode.support_x, episode.support_y)
        self._steps = list(path)
        outputs = [self._learner.predict_with(s, episode.query_x) for s in path.values()]
        return tf.stack([self._score(episode.query_y, each) for each in outputs])

    def _score(self, query_y, outputs):
        if self._source.is_regression:
            return tf.reduce_mean(tf.math.squared_difference(query_y, outputs))
        right = tf.argmax(outputs, -1, output_type=query_y.dtype) == query_y
        return tf.reduce_mean(tf.cast(right, tf.float32))
