"""What learning a task does to a learner, step by step, on a few fixed episodes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.episodes.episode import Episode
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.task_score import task_score
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.network_probe import owner_of
from tfmeta.learners.padding import refilled, unpadded, unpadded_arrays


@dataclass(frozen=True)
class Adaptation:
    """What learning some tasks did.

    Attributes:
        steps: the numbers of inner steps after which there are numbers; [0] for a method without.
        curves: `{"query_loss": (tasks, steps), ...}`: the loss, and the accuracy or the mean
            squared error, on the queries and on the support set.
        updates: `{layer: (tasks,)}`: how far the inner loop moved a layer's weights, as a share of
            their length; none for a method that changes no weights.
        answers: `(queries, outputs)` of each task after the last step: logits or values.
        tasks: each an Episode of arrays as the learner takes them, without padding.
    """

    steps: list[int]
    curves: dict[str, np.ndarray]
    updates: dict[str, np.ndarray]
    answers: list[np.ndarray]
    tasks: list[Episode]


class AdaptationProbe:
    """Watches a learner learn the same episodes, as often as it is asked to; traced once.

    Args:
        learner: any MetaLearner that can answer the episodes, see `Evaluator`.
        episodes: which ones; all of them are taken at once, so they should be few.
    """

    def __init__(self, learner: MetaLearner, episodes: FixedEpisodes):
        self._learner, self._fixed = learner, episodes
        self._kind = episodes.source.target_kind
        self._watch = tf.function(self._watch_tasks, autograph=False)

    def take(self) -> Adaptation:
        """The learner's adaptation as it is now."""
        fixed = self._fixed
        embedded = self._learner.embedded(fixed.source, fixed.split)
        source = None if embedded is fixed.source else embedded
        (episodes,) = fixed.batches(fixed.num_tasks, source)
        curves, updates, outputs = tf.nest.map_structure(np.asarray, self._watch(episodes))
        steps = curves.pop("steps")[0]
        tasks = list(unpadded_arrays(episodes))
        answers = [o[: len(task.query_y)] for o, task in zip(outputs, tasks, strict=True)]
        return Adaptation(steps.tolist(), curves, updates, answers, tasks)

    def _watch_tasks(self, episodes: Any) -> Any:
        return self._learner.map_tasks(self._watch_task, episodes)

    def _watch_task(self, task: Any, *, sizes: CommonSizes) -> Any:
        episode = unpadded(task)
        adaptation_path = sizes.given_to(self._learner.adaptation_path)
        path = adaptation_path(episode.support_x, episode.support_y)
        found: dict[str, list[Any]] = {"steps": list(path)}
        for place, state in enumerate(path.values()):
            for name, x, y in (
                ("query", episode.query_x, episode.query_y),
                ("support", episode.support_x, episode.support_y),
            ):
                outputs = self._learner.predict_with(state, x)
                found.setdefault(f"{name}_loss", []).append(self._learner.task_loss(y, outputs))
                score = f"{name}_{self._kind.metric}"
                if name == "query" or self._kind.are_right_answers:
                    one = task_score(y, outputs, kind=self._kind, tried=place)
                    found.setdefault(score, []).append(one)
                if name == "query":
                    answers = outputs
        curves = {name: tf.stack(values) for name, values in found.items()}
        return curves, self._updates(state), refilled(answers, task)

    def _updates(self, state: dict[str, Any]) -> dict[str, Any]:
        """How far each layer's weights are from where they started, in one task."""
        learner = self._learner.task_learner()
        function, variables = learner.function, learner.network.trainable_variables
        task_weights = state.get("weights", {})
        moved: dict[str, Any] = {}
        lengths: dict[str, Any] = {}
        named = zip(function.weight_names, function.weights(), variables, strict=True)
        for name, weight, variable in named:
            if name in task_weights:
                layer = owner_of(learner.network, variable).name
                change = tf.reduce_sum(tf.square(task_weights[name] - weight))
                moved[layer] = moved.get(layer, 0.0) + change
                lengths[layer] = lengths.get(layer, 0.0) + tf.reduce_sum(tf.square(weight))
        return {
            layer: tf.sqrt(tf.math.divide_no_nan(moved[layer], lengths[layer])) for layer in moved
        }
