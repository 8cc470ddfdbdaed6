"""The inner loop of every method that learns a task by steps on its support loss."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.learners.adapted_layers import adapted_positions
from tfmeta.learners.half_precision import computes_in_float16, value_and_gradients
from tfmeta.learners.inner_change import InnerChange
from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.option_checks import check_at_least
from tfmeta.learners.option_types import checked_number
from tfmeta.learners.plain_inner_loop import answer_by_keras
from tfmeta.learners.recomputed_steps import recomputed_steps
from tfmeta.learners.second_derivatives import check_second_derivatives
from tfmeta.learners.weight_rules import constrained

# Up to this number of steps the loop is unrolled, so that gradients pass through it and each step
# can be examined. More steps are a loop of the graph, which keeps an export small.
_MOST_UNROLLED = 10


class GradientLearner(MetaLearner):
    """Changes the network's weights step by step into a task's; subclasses give the update rule.

    Args:
        network: see `MetaLearner`.
        inner_steps: steps of the inner loop in training.
        test_inner_steps: steps that `adapt` takes; `inner_steps` if None.
        adapt_layers: "all", "head" (the last layer that has weights), or a list of layer names, in
            which `*` stands for any part of a name.
        first_order: treat the inner gradients as constants.
        recompute: in training, compute the activations of the inner steps again for the
            meta-gradient, and keep none, so that 50 steps take little more memory than 5.

    Task state: `weights`, the fast weights of the adapted layers, by name. For a network with batch
    normalisation in the inductive mode also `statistics`, those of the support set under these
    weights.

    Raises:
        ValueError: if a number is not positive, or a layer to adapt is unknown or has no weights.
    """

    def __init__(
        self,
        network: keras.Model,
        inner_steps: int,
        test_inner_steps: int | None,
        adapt_layers: str | Sequence[str] = "all",
        first_order: bool = False,
        /,  # positional, so that a subclass has to take, check and save these itself
        *,
        recompute: bool = False,
        **kwargs: Any,
    ):
        super().__init__(network, **kwargs)
        for name, value in (("inner_steps", inner_steps), ("test_inner_steps", test_inner_steps)):
            if value is not None:
                check_at_least(1, **{name: value})
        self.inner_steps = inner_steps
        self.test_inner_steps = test_inner_steps or inner_steps
        self.adapt_layers = adapt_layers
        self.first_order = first_order
        self.recompute = recompute
        adapted_positions(network, adapt_layers)  # refuses layers that don't exist
        if not first_order:
            check_second_derivatives(network, self.function)
        self.step_statistics: Any = None  # of a method that keeps averages for each inner step

    @property
    def adapted(self) -> list[int]:
        """The positions, among the trainable weights, of those that the inner loop changes."""
        return adapted_positions(self.network, self.adapt_layers)

    # What a method is

    @abstractmethod
    def start_rule(self, weights: list[tf.Tensor]) -> Any:
        """What the rule remembers between steps, before the first step; a nested structure."""

    @abstractmethod
    def update(
        self,
        weights: list[tf.Tensor],
        gradients: list[tf.Tensor],
        *,
        loss: Any,
        rule: Any,
        step: Any,
    ) -> tuple[list[tf.Tensor], Any]:
        """The update rule.

        Args:
            weights: the adapted weights, a list of tensors.
            gradients: of the support loss, in the same order.
            loss: the support loss.
            rule: what the rule remembers.
            step: the number of this step, from 0; a number or a tensor.

        Returns:
            `(weights, rule)` after the step.
        """

    # What follows from it

    def adapt(
        self,
        support_x: tf.Tensor,
        support_y: tf.Tensor,
        *,
        inner_steps: int | None = None,
        seen: list[Any] | None = None,
    ) -> dict[str, Any]:
        """Takes `inner_steps` steps, by default `test_inner_steps`. See `MetaLearner.adapt`.

        Args:
            support_x, support_y: see `MetaLearner.adapt`.
            inner_steps: number of steps, from 0 up; given in training, where gradients pass through
                them.
            seen: in training, a list to which each step's statistics are appended.
        """
        num_steps = self.test_inner_steps
        if inner_steps is not None:
            num_steps = inner_steps = checked_number("inner_steps", inner_steps, int)
            check_at_least(0, inner_steps=inner_steps)
        if inner_steps and self.recompute:
            return self._recomputed_state(support_x, support_y, inner_steps, seen)
        if inner_steps is not None or num_steps <= _MOST_UNROLLED:
            *_, state = self.states(support_x, support_y, inner_steps=num_steps, seen=seen)
            return state
        weights = self.function.weights()
        _, fast, _ = tf.while_loop(
            lambda step, *_: step < num_steps,
            lambda step, fast, rule: (
                step + 1,
                *self._step(weights, fast, rule, (support_x, support_y), step),
            ),
            (tf.constant(0), *self._start(weights)),
        )
        return self.state_with(self._placed(weights, fast), support_x, num_steps)

    def states(
        self,
        support_x: tf.Tensor,
        support_y: tf.Tensor,
        *,
        inner_steps: int,
        seen: list[Any] | None = None,
        first: Any = None,
    ) -> Iterator[dict[str, Any]]:
        """Yields the task states after `first` to `inner_steps` steps; by default only the last."""
        first = inner_steps if first is None else first
        weights = self.function.weights()
        fast, rule = self._start(weights)
        for step in range(inner_steps):
            if step >= first:
                placed = self._placed(weights, fast)
                yield self.state_with(placed, support_x, step, in_training=seen is not None)
            fast, rule = self._step(weights, fast, rule, (support_x, support_y), step, seen)
        yield self._last_state(self._placed(weights, fast), support_x, inner_steps, seen)

    def _recomputed_state(
        self, support_x: tf.Tensor, support_y: tf.Tensor, num_steps: int, seen: list[Any] | None
    ) -> dict[str, Any]:
        """The last of `states`, by steps that are computed again for their gradients."""

        def take_step(state: Any, number: Any, seen: list[Any]) -> Any:
            batch, (fast, rule) = (support_x, support_y), state
            return self._step(self.function.weights(), fast, rule, batch, number, seen)

        weights = self.function.weights()
        start = self._start(weights)
        fast, _ = recomputed_steps(take_step, start, learner=self, num_steps=num_steps, seen=seen)
        return self._last_state(self._placed(weights, fast), support_x, num_steps, seen)

    def inner_loop(self, batches: Iterable[Any]) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """The adapted weights after a step on each `(x, y)` of `batches`, and before the first."""
        weights = self.function.weights()
        start, rule = self._start(weights)
        fast = start
        for step, batch in enumerate(batches):
            fast, rule = self._step(weights, fast, rule, batch, step)
        return fast, start

    def adaptation_path(  # type: ignore[override]  # without `sizes`: the answers' size is fixed
        self, support_x: tf.Tensor, support_y: tf.Tensor
    ) -> dict[int, Any]:
        steps = self.test_inner_steps
        if steps > _MOST_UNROLLED:
            start = self.state_with(self.function.weights(), support_x, 0)
            return {0: start, steps: self.adapt(support_x, support_y)}
        return dict(enumerate(self.states(support_x, support_y, inner_steps=steps, first=0)))

    def predict_with(self, task_state: dict[str, Any], query_x: tf.Tensor) -> tf.Tensor:
        weights = self.function.weights_with(task_state["weights"])
        if self.transductive:
            outputs, _ = self.function.with_batch_statistics(weights, query_x)
        else:
            statistics = [task_state["statistics"][name] for name in self.function.statistic_names]
            outputs = self.function.with_statistics(weights, statistics, query_x)
        return self.target_scale.restored(outputs)

    def reference_answer(
        self, support_x: tf.Tensor, support_y: tf.Tensor, query_x: tf.Tensor
    ) -> tf.Tensor | None:
        """The inner loop on the network's own variables; see `MetaLearner.reference_answer`."""
        return answer_by_keras(self, support_x, support_y, query_x)

    def inner_change(self, support_x: tf.Tensor, support_y: tf.Tensor) -> InnerChange:
        weights = self.function.weights()
        after = self.function.weights_with(self.adapt(support_x, support_y)["weights"])

        def state_with(fast: list[Any]) -> dict[str, Any]:
            return self.state_with(self._placed(weights, fast), support_x, self.test_inner_steps)

        before, after = ([each[i] for i in self.adapted] for each in (weights, after))
        return InnerChange.of(self.network, self.adapted, (before, after), state_with)

    def _start(self, weights: list[tf.Tensor]) -> tuple[list[tf.Tensor], Any]:
        if not self.adapted:
            raise UserError(
                f"nothing is to be adapted: every layer of the network {self.network.name!r} is "
                "frozen. Set trainable=True on those that a task is to change, and make the "
                "learner anew"
            )
        fast = [weights[position] for position in self.adapted]
        return fast, self.start_rule(fast)

    def _step(
        self,
        weights: list[tf.Tensor],
        fast: Any,
        rule: Any,
        batch: Any,
        step: Any,
        seen: list[Any] | None = None,
    ) -> tuple[list[tf.Tensor], Any]:
        x, y = batch
        loss, statistics, gradients = value_and_gradients(
            lambda fast: self.function.with_batch_statistics(self._placed(weights, fast), x),
            lambda outputs: self.task_loss(y, self.target_scale.restored(outputs)),
            fast,
            scaled=computes_in_float16(self.network),
        )
        if seen is not None:
            seen.append(statistics)
        gradients = [tf.convert_to_tensor(g) for g in gradients]  # some are sparse
        if self.first_order:
            loss, *gradients = (tf.stop_gradient(t) for t in (loss, *gradients))
        fast, rule = self.update(fast, gradients, loss=loss, rule=rule, step=step)
        variables = [self.network.trainable_variables[position] for position in self.adapted]
        return constrained(variables, fast), rule

    def state_with(
        self,
        weights: list[tf.Tensor],
        support_x: tf.Tensor,
        step: Any,
        *,
        in_training: bool = False,
    ) -> dict[str, Any]:
        """The task state of weights after a number of steps, in the order of all weights."""
        names = self.function.weight_names
        state = {"weights": {names[p]: weights[p] for p in self.adapted}}
        if self.function.statistic_names and not self.transductive:
            if self.step_statistics is None or in_training:
                _, statistics = self.function.with_batch_statistics(weights, support_x)
            else:
                statistics = self.step_statistics.at(step)
            state["statistics"] = dict(zip(self.function.statistic_names, statistics, strict=True))
        return state

    def _last_state(
        self, weights: list[tf.Tensor], support_x: tf.Tensor, step: Any, seen: list[Any] | None
    ) -> dict[str, Any]:
        state = self.state_with(weights, support_x, step, in_training=seen is not None)
        if seen is not None:
            seen.append(list(state.get("statistics", {}).values()))
        return state

    def _placed(self, weights: list[tf.Tensor], fast: Any) -> list[tf.Tensor]:
        weights = list(weights)
        for position, value in zip(self.adapted, fast, strict=True):
            weights[position] = value
        return weights

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "inner_steps": self.inner_steps,
            "test_inner_steps": self.test_inner_steps,
            "recompute": self.recompute,
        }
