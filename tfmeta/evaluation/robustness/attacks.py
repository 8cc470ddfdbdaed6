"""Changes of the queries or of the support set that are chosen to make the answers wrong.

The attacker knows the learner, the whole task and its right answers, and may change each number of
an example by so much. FGSM takes one step along the sign of the gradient of the query loss
(Goodfellow, Shlens and Szegedy 2015, https://arxiv.org/abs/1412.6572), PGD ten smaller ones, from
the clean example (Madry et al. 2018, https://arxiv.org/abs/1706.06083; their steps are of 2.5 times
the bound, divided by their number). An attack on the support set differentiates through `adapt`.
"""

from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.evaluation.robustness.condition import Condition
from tfmeta.learners.common_sizes import CommonSizes
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.padding import unpadded

_BOUNDS = (2, 8, 16)  # 255ths of the range of an example's numbers
_STEPS, _STRIDE = 10, 2.5  # of PGD


class Attacks:
    """The attacks on a learner's tasks; their gradients are traced once.

    Args:
        learner: whose answers are attacked.
        value_range: the least and the greatest number in an example.
    """

    def __init__(self, learner: MetaLearner, value_range: tuple[float, float]):
        self._learner, (self._least, self._most) = learner, value_range
        # TensorFlow would count the tracings of one function over all learners.
        self._signs = {
            part: tf.function(partial(self._all, part=part), autograph=False)
            for part in ("query", "support")
        }

    def conditions(self) -> list[Condition]:
        """FGSM and PGD on the queries and on the support set, each with three bounds."""
        found = []
        for name, steps in (("fgsm", 1), ("pgd", _STEPS)):
            for part in ("query", "support"):
                for severity, bound in enumerate(_BOUNDS, 1):

                    def change(
                        batch: Any,
                        first: int,
                        part: str = part,
                        bound: float = bound / 255,
                        steps: int = steps,
                    ) -> Any:
                        del first
                        return self._attacked(batch, part, bound, steps=steps)

                    words = f"{bound}/255 of the range"
                    found.append(Condition(name, severity, words, part, change))
        return found

    def _attacked(self, batch: Any, part: str, bound: float, *, steps: int) -> Any:
        bound *= self._most - self._least
        stride = bound if steps == 1 else _STRIDE * bound / steps
        field = f"{part}_x"
        start = tf.convert_to_tensor(getattr(batch, field))
        least = tf.maximum(start - bound, tf.minimum(start, self._least))
        most = tf.minimum(start + bound, tf.maximum(start, self._most))
        x = start
        for _ in range(steps):
            signs = self._signs[part](batch._replace(**{field: x}))
            x = tf.clip_by_value(x + stride * signs, least, most)
        return batch._replace(**{field: np.asarray(x)})

    def _all(self, tasks: Any, part: str) -> Any:
        def of_task(task: Any, *, sizes: CommonSizes) -> Any:
            return self._signs_of(task, part, sizes)

        return self._learner.map_tasks(of_task, tasks)

    def _signs_of(self, task: Any, part: str, sizes: CommonSizes) -> tf.Tensor:
        """The signs of the gradient of a task's query loss; zero for padding."""
        field = f"{part}_x"
        x = tf.convert_to_tensor(getattr(task, field))
        learner = self._learner
        with tf.GradientTape() as tape:
            tape.watch(x)
            episode = unpadded(task._replace(**{field: x}))
            adapt = sizes.given_to(learner.adapt)
            state = adapt(episode.support_x, episode.support_y)
            outputs = learner.predict_with(state, episode.query_x)
            loss = learner.task_loss(episode.query_y, outputs)
        return tf.sign(tape.gradient(loss, x, unconnected_gradients="zero"))
