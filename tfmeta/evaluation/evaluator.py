"""How good a learner is, on episodes that are the same every time."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.episodes.episode import without_solution
from tfmeta.episodes.episode_hash import EpisodeHash
from tfmeta.episodes.episode_source import EpisodeSource, even_batch
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError, counted
from tfmeta.evaluation.intervals import Z90
from tfmeta.evaluation.task_score import task_score
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.padding import refilled, unpadded, unpadded_arrays
from tfmeta.learners.replicas import OnReplicas
from tfmeta.learners.targets import refuse_other

_MOST_TASKS_PER_CALL = 50
_MOST_BYTES_PER_CALL = 512 * 2**20
_Z95 = 1.96  # quantile of the normal distribution, as in the papers


@dataclass(frozen=True)
class Measurement:
    """What an evaluation found.

    Attributes:
        facts: the mean score, its interval and the protocol.
        curves: `(tasks, steps)`, the metric of each task after each of the `adaptation_steps`.
        answers: `(queries, outputs)` of each task after the last step, logits or values; none
            unless the evaluator keeps them.
        targets: `(queries, ...)` of each task, the right answers; as `answers`.
    """

    facts: dict[str, Any]
    curves: np.ndarray
    answers: tuple[np.ndarray, ...] = ()
    targets: tuple[np.ndarray, ...] = ()

    @property
    def task_scores(self) -> np.ndarray:
        """`(tasks,)`, the score of each task after the last step."""
        return self.curves[:, -1]


class Evaluator:
    """Runs a learner over the first episodes of a split. It is traced once and can run often.

    Args:
        learner: any MetaLearner.
        episodes: which ones.
        keeps_answers: whether `measure` returns what the learner answers, too.

    Raises:
        UserError: if there are no such episodes, or the learner can't answer as many classes.
    """

    def __init__(
        self, learner: MetaLearner, episodes: FixedEpisodes, *, keeps_answers: bool = False
    ):
        source, shape = episodes.source, episodes.shape
        if episodes.num_tasks < 1:
            raise UserError(f"received {counted(episodes.num_tasks, 'task')}; expected 1 or more")
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
                f"received {counted(shape.num_ways, 'way')}; this learner answers {most} "
                "classes. Lower --ways, or train with more"
            )
        self._learner, self._source, self._episodes = learner, source, episodes
        self._keeps_answers = keeps_answers
        # TensorFlow counts the tracings of a method over all evaluators, and warns of many.
        self._measure = tf.function(partial(self._measure_tasks), autograph=False)

    def run(self, on_progress: Callable[[int], None] | None = None) -> dict[str, Any]:
        """The facts that `measure` finds."""
        return self.measure(on_progress).facts

    def measure(self, on_progress: Callable[[int], None] | None = None) -> Measurement:
        """Evaluates.

        Args:
            on_progress: called with the number of tasks done so far.

        Returns:
            The score of each task, and facts: the metric (`accuracy`, `mse` or `return`), its
            `ci95` in the same unit, the `adaptation_curve` (the metric after each of
            `adaptation_steps`) and the protocol. For values there are also `mse_scaled` and
            `ci95_scaled`, in units of the learner's `target_spread`, and for a learner whose
            answers have a variance `coverage90`, the share of targets within their 90% intervals.
        """
        digest, fixed = EpisodeHash(), self._episodes
        answers: list[np.ndarray] = []
        targets: list[np.ndarray] = []
        if self._is_shared_out and not self._keeps_answers:
            for raw in fixed.batches(_tasks_per_call(self._source, fixed)):
                digest.update(raw)
            found = self._scores_of_all()
            if on_progress:
                on_progress(len(found))
        else:
            by_call = []
            for episodes in self._batches(digest):
                measured, outputs = self._measure(episodes)
                by_call.append(_as_one(measured).numpy())
                if self._keeps_answers:
                    targets += [task.query_y for task in unpadded_arrays(episodes)]
                    each = zip(outputs.numpy(), targets[-len(outputs) :], strict=True)
                    answers += [rows[: len(right)] for rows, right in each]
                if on_progress:
                    on_progress(len(by_call) * len(episodes.support_x))
            found = np.concatenate(by_call)
        facts, curves = self._facts(found, digest)
        return Measurement(facts, curves, tuple(answers), tuple(targets))

    def _facts(self, found: np.ndarray, digest: EpisodeHash) -> tuple[dict[str, Any], np.ndarray]:
        """The facts of a measurement, and its curves.

        Args:
            found: `(tasks, steps, 1 + scores)`, as `_as_one` makes it.
            digest: of the episodes.
        """
        fixed, steps = self._episodes, [int(step) for step in found[0, :, 0]]
        scores = found[..., 1:].astype(np.float64)  # 1 to 3 of them
        curves = scores[..., 0]
        mean, ci95 = mean_and_ci95(curves[:, -1])
        scaled = {}
        if scores.shape[-1] > 1:
            in_spreads = mean_and_ci95(scores[:, -1, 1])
            scaled = dict(zip(("mse_scaled", "ci95_scaled"), in_spreads, strict=True))
            scaled["target_spread"] = self._learner.target_scale.get_config()["target_spread"]
        if self._learner.has_variance:
            scaled["coverage90"] = float(scores[:, -1, 2].mean())
        facts = {
            self._source.target_kind.metric: mean,
            "ci95": ci95,
            **scaled,
            "num_tasks": fixed.num_tasks,
            "split": fixed.split,
            "mode": self._learner.mode,
            **fixed.shape.protocol(),
            "seed": fixed.seed,
            "pipeline": self._source.name,
            "adaptation_steps": steps,
            "adaptation_curve": curves.mean(0).tolist(),
            "episodes_sha256": digest.hexdigest(),
        }
        return facts, curves

    def score(self) -> float:
        """The metric alone; the tasks are shared out over the replicas of the learner's strategy.

        Each worker draws the episodes of its own replicas, and all of them know the result.
        """
        if self._is_shared_out:
            found = self._scores_of_all()
        else:
            found = np.concatenate([self._all_scores(each).numpy() for each in self._as_taken()])
        return mean_and_ci95(found[:, -1, 1].astype(np.float64))[0]

    @property
    def _is_shared_out(self) -> bool:
        """Whether several replicas of the learner's strategy share the tasks."""
        return self._learner.distribute_strategy.num_replicas_in_sync > 1

    def _scores_of_all(self) -> np.ndarray:
        """What `_as_one` makes of all tasks, which the replicas share out."""
        of_parts = self._on_replicas()
        return of_parts.reshape(-1, *of_parts.shape[2:])

    @cached_property
    def _on_replicas(self) -> OnReplicas:
        """`_as_one` of the episodes, by as many tasks as each replica takes at a time."""
        strategy, fixed = self._learner.distribute_strategy, self._episodes
        source, most = self._taken
        each = -(-fixed.num_tasks // strategy.num_replicas_in_sync)
        tasks = even_batch(fixed.num_tasks, min(most, each))

        def parts(numbers: tf.data.Dataset) -> tf.data.Dataset:
            return source.episodes_at(
                numbers.map(lambda number: number * tasks),
                fixed.split,
                fixed.shape,
                seed=fixed.seed,
                num_tasks=tasks,
            )

        return OnReplicas(strategy, self._all_scores, parts=parts, number=fixed.num_tasks // tasks)

    @property
    def _taken(self) -> tuple[EpisodeSource, int]:
        """The source of the episodes as the learner takes them, and the most tasks per call."""
        embedded = self._learner.embedded(self._source, self._episodes.split)
        if embedded is self._source:
            return embedded, _tasks_per_call(self._source, self._episodes)
        return embedded, _MOST_TASKS_PER_CALL

    def _as_taken(self) -> Iterator[Any]:
        source, most = self._taken
        return self._episodes.batches(most, None if source is self._source else source)

    def _all_scores(self, episodes: Any) -> tf.Tensor:
        measured, _ = self._measure(without_solution(episodes))
        return _as_one(measured)

    def _batches(self, digest: EpisodeHash) -> Iterator[Any]:
        """The episodes as the learner takes them; the digest is of those of the source.

        Features come in batches of their own, because the images that they are of may be large.
        """
        fixed = self._episodes
        is_embedded = self._taken[0] is not self._source
        for raw in fixed.batches(_tasks_per_call(self._source, fixed)):
            digest.update(raw)
            if not is_embedded:
                yield raw
        if is_embedded:
            yield from self._as_taken()

    def _measure_tasks(self, episodes: Any) -> Any:
        return self._learner.map_tasks(self._measure_task, episodes)

    def _measure_task(self, task: Any, *, sizes: CommonSizes) -> Any:
        """One task's metric after each number of inner steps: `{inner steps: (units,)}`.

        With it the answers after the last one, if they are kept.
        """
        episode = unpadded(task)
        adaptation_path = sizes.given_to(self._learner.adaptation_path)
        scores, outputs = {}, None
        path = adaptation_path(episode.support_x, episode.support_y)
        for place, (step, state) in enumerate(path.items()):
            outputs = self._learner.predict_with(state, episode.query_x)
            scores[step] = self._score(episode, state, outputs, place)
        return scores, refilled(outputs, task) if self._keeps_answers else ()

    def _score(self, episode: Any, state: dict[str, Any], outputs: Any, place: int) -> Any:
        query_y, kind = episode.query_y, self._source.target_kind
        score = task_score(query_y, outputs, kind=kind, tried=place)
        if kind.are_values and kind.are_right_answers:
            scaled = self._learner.target_scale.squared_error(query_y, outputs)
            scores = [score, tf.reduce_mean(scaled)]
            if self._learner.has_variance:
                variance = self._learner.variance_with(state, episode.query_x)
                held = tf.math.squared_difference(query_y, outputs) <= Z90**2 * variance
                scores.append(tf.reduce_mean(tf.cast(held, score.dtype)))
            return tf.stack(scores)
        return score[tf.newaxis]


def _as_one(measured: dict[int, tf.Tensor]) -> tf.Tensor:
    """`{inner steps: (tasks, scores)}` -> `(tasks, inner steps, 1 + scores)`, the step first."""
    numbered = [
        tf.concat([tf.fill([tf.shape(scores)[0], 1], tf.cast(step, scores.dtype)), scores], 1)
        for step, scores in measured.items()
    ]
    return tf.stack(numbered, 1)


def _tasks_per_call(source: EpisodeSource, fixed: FixedEpisodes) -> int:
    """Fewer where a task's examples are large."""
    bytes_per_task = 4 * fixed.shape.size * math.prod(source.input_shape)
    return max(1, min(_MOST_TASKS_PER_CALL, _MOST_BYTES_PER_CALL // bytes_per_task))


def mean_and_ci95(scores: np.ndarray) -> tuple[float, float | None]:
    """The mean of scores `(tasks,)`, and half the width of its 95% interval; None for one task."""
    mean = float(scores.mean())
    if len(scores) == 1:
        return mean, None
    return mean, float(_Z95 * scores.std(ddof=1) / math.sqrt(len(scores)))
