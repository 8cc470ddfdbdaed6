"""A learner's policies, for sources of environments in which it acts."""

from typing import Any

import tensorflow as tf

from tfmeta.learners.execution import map_tasks


class LearnerPolicies:
    """What a learner by gradients does in environments; see `environments.policies.Policies`.

    Args:
        learner: a GradientLearner.
    """

    def __init__(self, learner: Any):
        self._learner = learner
        self.num_replicas: int = learner.distribute_strategy.num_replicas_in_sync

    def before(self, observations: tf.Tensor) -> tf.Tensor:
        rows = tf.reshape(observations, (-1, *observations.shape[2:]))
        outputs = self._learner.network(rows, training=False)
        return tf.reshape(outputs, (*tf.unstack(tf.shape(observations))[:2], outputs.shape[-1]))

    def adapted(
        self, support_x: tf.Tensor, support_y: tf.Tensor, *, in_training: bool
    ) -> dict[int, Any]:
        learner = self._learner

        def states(task: tuple[tf.Tensor, tf.Tensor]) -> dict[int, Any]:
            if in_training:
                steps = learner.inner_steps
                return {steps: learner.adapt(*task, inner_steps=steps)}
            return learner.adaptation_path(*task)

        return self._map(states, (support_x, support_y))

    def after(self, states: Any, observations: tf.Tensor) -> tf.Tensor:
        return self._map(lambda task: self._learner.predict_with(*task), (states, observations))

    def _map(self, function: Any, elements: Any) -> Any:
        return map_tasks(function, elements, vectorised=self._learner.is_vectorised)
