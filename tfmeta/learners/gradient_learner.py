"""The inner loop, once, for every method that learns a task by steps on its support loss."""

from abc import abstractmethod

import tensorflow as tf

from tfmeta.learners.meta_learner import MetaLearner

# Up to so many steps the loop is unrolled, so that gradients pass through it and each of its
# steps can be looked at; a longer one is a loop of the graph, which an export can hold.
_MOST_UNROLLED = 10


class GradientLearner(MetaLearner):
    """From the network's weights, step after step, to the task's: a method is its update rule.

    Args:
        network: see `MetaLearner`.
        inner_steps: steps of the inner loop in training.
        test_inner_steps: steps that `adapt` takes; `inner_steps` if None.
        adapt_layers: "all", "head" (the last layer that has weights), or a list of layer names.
        first_order: treat the inner gradients as constants.

    Task state: `weights`, the adapted layers' fast weights by name, and (inductive, for a network
    with batch normalisation) `statistics`, the support set's under those weights.

    Raises:
        ValueError: if a number is not positive, or a layer to adapt is unknown or has no weights.
    """

    def __init__(
        self,
        network,
        inner_steps,
        test_inner_steps,
        adapt_layers="all",
        first_order=False,
        /,  # else a method's own keyword arguments could carry what it neither checks nor saves
        **kwargs,
    ):
        super().__init__(network, **kwargs)
        for name, value in (("inner_steps", inner_steps), ("test_inner_steps", test_inner_steps)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"received {name}={value!r}; expected a whole number from 1 up")
        self.inner_steps = inner_steps
        self.test_inner_steps = test_inner_steps or inner_steps
        self.adapt_layers = adapt_layers
        self.first_order = first_order
        self.adapted = _positions(network, adapt_layers)
        self.step_statistics = None  # of a method that keeps moving averages for each inner step

    # What a method is

    @abstractmethod
    def start_rule(self, weights):
        """What the rule remembers from step to step, before the first; a nested structure."""

    @abstractmethod
    def update(self, weights, gradients, *, loss, rule, step):
        """The update rule.

        Args:
            weights: the adapted weights, a list of tensors.
            gradients: the support loss's, in their order.
            loss: the support loss.
            rule: what the rule remembers.
            step: the number of this step, from 0; a number or a tensor.

        Returns:
            `(weights, rule)` after the step.
        """

    # What follows from it

    def adapt(self, support_x, support_y, *, inner_steps=None, seen=None):
        """`inner_steps` steps (None: `test_inner_steps`). See `MetaLearner.adapt`.

        Args:
            support_x, support_y: see `MetaLearner.adapt`.
            inner_steps: how many; in training, where gradients pass through them.
            seen: in training, a list that takes each step's statistics.
        """
        num_steps = inner_steps or self.test_inner_steps
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
        return self._task_state(self._placed(weights, fast), support_x, num_steps)

    def states(self, support_x, support_y, *, inner_steps, seen=None, first=None):
        """The task states after `first` (None: the last) to `inner_steps` steps, as a generator."""
        first = inner_steps if first is None else first
        weights = self.function.weights()
        fast, rule = self._start(weights)
        for step in range(inner_steps + 1):
            is_last = step == inner_steps
            if step >= first:
                state = self._task_state(
                    self._placed(weights, fast), support_x, step, in_training=seen is not None
                )
                if is_last and seen is not None:
                    seen.append(list(state.get("statistics", {}).values()))
                yield state
            if not is_last:
                fast, rule = self._step(weights, fast, rule, (support_x, support_y), step, seen)

    def inner_loop(self, batches):
        """The adapted weights after a step on each `(x, y)` of `batches`, and those before."""
        weights = self.function.weights()
        start, rule = self._start(weights)
        fast = start
        for step, batch in enumerate(batches):
            fast, rule = self._step(weights, fast, rule, batch, step)
        return fast, start

    def adaptation_path(self, support_x, support_y):
        steps = self.test_inner_steps
        if steps > _MOST_UNROLLED:
            start = self._task_state(self.function.weights(), support_x, 0)
            return {0: start, steps: self.adapt(support_x, support_y)}
        return dict(enumerate(self.states(support_x, support_y, inner_steps=steps, first=0)))

    def predict_with(self, task_state, query_x):
        weights = self.function.weights_with(task_state["weights"])
        if self.transductive:
            outputs, _ = self.function.with_batch_statistics(weights, query_x)
        else:
            statistics = [task_state["statistics"][name] for name in self.function.statistic_names]
            outputs = self.function.with_statistics(weights, statistics, query_x)
        return self.target_scale.restored(outputs)

    def _start(self, weights):
        fast = [weights[position] for position in self.adapted]
        return fast, self.start_rule(fast)

    def _step(self, weights, fast, rule, batch, step, seen=None):
        x, y = batch
        with tf.GradientTape() as tape:
            tape.watch(fast)
            outputs, statistics = self.function.with_batch_statistics(
                self._placed(weights, fast), x
            )
            loss = self.task_loss(y, self.target_scale.restored(outputs))
        if seen is not None:
            seen.append(statistics)
        gradients = tape.gradient(loss, fast, unconnected_gradients="zero")
        gradients = [tf.convert_to_tensor(g) for g in gradients]  # an embedding's are sparse
        if self.first_order:
            loss, *gradients = (tf.stop_gradient(t) for t in (loss, *gradients))
        return self.update(fast, gradients, loss=loss, rule=rule, step=step)

    def _task_state(self, weights, support_x, step, *, in_training=False):
        names = self.function.weight_names
        state = {"weights": {names[p]: weights[p] for p in self.adapted}}
        if self.function.statistic_names and not self.transductive:
            if self.step_statistics is None or in_training:
                _, statistics = self.function.with_batch_statistics(weights, support_x)
            else:
                statistics = self.step_statistics.at(step)
            state["statistics"] = dict(zip(self.function.statistic_names, statistics, strict=True))
        return state

    def _placed(self, weights, fast):
        weights = list(weights)
        for position, value in zip(self.adapted, fast, strict=True):
            weights[position] = value
        return weights

    def get_config(self):
        return {
            **super().get_config(),
            "inner_steps": self.inner_steps,
            "test_inner_steps": self.test_inner_steps,
        }


def checked_rate(inner_learning_rate):
    """Raises ValueError if the rate of an inner loop is not positive."""
    if not inner_learning_rate > 0:
        raise ValueError(
            f"received inner_learning_rate={inner_learning_rate!r}; expected a positive number"
        )
    return inner_learning_rate


def descended(weights, gradients, rates):
    """One step down: each weight with its own rate, a number or a tensor."""
    steps = zip(weights, gradients, rates, strict=True)
    return [weight - rate * gradient for weight, gradient, rate in steps]


def _positions(network, adapt_layers) -> list[int]:
    """Where the adapted layers' weights are among the network's trainable variables."""
    layers = list(network._flatten_layers(include_self=False))
    with_weights = [layer for layer in layers if layer._trainable_variables]
    if adapt_layers == "all":
        return list(range(len(network.trainable_variables)))
    if adapt_layers == "head":
        adapt_layers = [with_weights[-1].name]
    known = {layer.name: layer for layer in with_weights if layer.trainable}
    unknown = [name for name in adapt_layers if name not in known]
    if unknown or not adapt_layers:
        raise ValueError(
            f"received adapt_layers={adapt_layers!r}; expected 'all', 'head' or a list of layers "
            f"with trainable weights: {', '.join(known)}"
        )
    chosen = {id(v) for name in adapt_layers for v in known[name].trainable_variables}
    return [i for i, v in enumerate(network.trainable_variables) if id(v) in chosen]
