"""How good a learner is, on episodes that are the same every time."""

import math

import numpy as np
import tensorflow as tf

from tfmeta.episodes.episode import without_solution
from tfmeta.episodes.episode_hash import EpisodeHash
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_source import EpisodeSource, even_batch
from tfmeta.errors import UserError
from tfmeta.learners.padding import unpadded
from tfmeta.learners.targets import refuse_other

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
        kind = source.target_kind
        refuse_other(kind, learner.known_target_kind, by=f"episodes of {source.name}")
        most = learner.num_outputs
        if not kind.are_values and most is not None and shape.num_ways > most:
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
            `adaptation_curve` (the metric after each of `adaptation_steps`) and the protocol; of
            values also `mse_scaled` and `ci95_scaled`, in units of the learner's `target_spread`.
        """
        by_step, digest = [], EpisodeHash()
        for raw, episodes in self._batches():
            digest.update(raw)
            measured = self._measure(episodes)
            by_step.append(np.stack([scores.numpy() for scores in measured.values()], 1))
            if on_progress:
                on_progress(len(by_step) * self._batch)
        scores = np.concatenate(by_step).astype(np.float64)  # (tasks, steps, 1 or 2 units)
        curves = scores[..., 0]
        mean, ci95 = _mean_and_ci95(curves[:, -1])
        scaled = {}
        if self._source.target_kind.are_values:
            in_spreads = _mean_and_ci95(scores[:, -1, 1])
            scaled = dict(zip(("mse_scaled", "ci95_scaled"), in_spreads, strict=True))
            scaled["target_spread"] = self._learner.target_scale.get_config()["target_spread"]
        return {
            self._source.target_kind.metric: mean,
            "ci95": ci95,
            **scaled,
            "num_tasks": self._num_tasks,
            "split": self._split,
            "mode": self._learner.mode,
            **self._shape.protocol(),
            "seed": self._seed,
            "pipeline": self._source.name,
            "adaptation_steps": list(measured),
            "adaptation_curve": curves.mean(0).tolist(),
            "episodes_sha256": digest.hexdigest(),
        }

    def _batches(self):
        """Pairs of episodes: as the source has them, and as the learner takes them."""
        protocol = {"seed": self._seed, "num_tasks": self._batch}
        embedded = self._learner.embedded(self._source)
        number = self._num_tasks // self._batch
        raw, taken = (
            source.episodes(self._split, self._shape, **protocol).take(number)
            for source in (self._source, embedded)
        )
        if embedded is self._source:
            return ((episodes, episodes) for episodes in map(without_solution, raw))
        return zip(map(without_solution, raw), map(without_solution, taken), strict=True)

    def _measure_tasks(self, episodes):
        return self._learner.map_tasks(self._measure_task, episodes)

    def _measure_task(self, task, *, sizes):
        """`{inner steps: (units,)}`: one task's metric after each number of inner steps."""
        episode = unpadded(task)
        adaptation_path = sizes.given_to(self._learner.adaptation_path)
        return {
            step: self._score(episode.query_y, self._learner.predict_with(state, episode.query_x))
            for step, state in adaptation_path(episode.support_x, episode.support_y).items()
        }

    def _score(self, query_y, outputs):
        if self._source.target_kind.are_values:
            scaled = self._learner.target_scale.squared_error(query_y, outputs)
            error = tf.reduce_mean(tf.math.squared_difference(query_y, outputs))
            return tf.stack([error, tf.reduce_mean(scaled)])
        right = tf.argmax(outputs, -1, output_type=query_y.dtype) == query_y
        return tf.reduce_mean(tf.cast(right, tf.float32))[tf.newaxis]


def _mean_and_ci95(scores):
    """Of `(tasks,)`: the mean, and half the width of its 95% interval."""
    spread = scores.std(ddof=1) if len(scores) > 1 else 0.0
    return float(scores.mean()), float(_Z95 * spread / math.sqrt(len(scores)))
