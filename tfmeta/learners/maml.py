"""Model-Agnostic Meta-Learning: an initialisation from which a few gradient steps learn a task."""

import keras
import tensorflow as tf

from tfmeta.learners.meta_learner import MetaLearner
from tfmeta.learners.recipe import Recipe


@keras.saving.register_keras_serializable("tfmeta")
class MAML(MetaLearner):
    """Model-Agnostic Meta-Learning, second order or first, on all layers or the head alone.

    The inner loop takes `inner_steps` gradient steps on the support loss from the network's
    weights (equation 1); the outer loop moves those weights down the gradient of the query loss
    *through* the inner loop (algorithm 1, line 8). First order drops the second derivatives
    (section 5.2). With `adapt_layers="head"` the inner loop changes only the last layer: ANIL.

    Finn, Abbeel and Levine 2017, https://arxiv.org/abs/1703.03400;
    Raghu et al. 2020 (ANIL), https://arxiv.org/abs/1909.09157.

    Args:
        network: any built `keras.Model` without random layers, `(batch, ...) -> (batch, outputs)`.
        inner_steps: gradient steps of the inner loop in training.
        inner_learning_rate: step size; the support loss is a *mean* over the examples (the
            original code's is N times that, so its 0.4 at 5 ways is 2.0 here).
        first_order: treat the inner gradients as constants.
        adapt_layers: "all", "head" (the last layer that has weights), or a list of layer names.
        test_inner_steps: steps that `adapt` takes outside training; `inner_steps` if None.

    Task state: `weights`, the adapted layers' fast weights by name, and (inductive, for a network
    with batch normalisation) `statistics`, the support set's under those weights.

    Raises:
        ValueError: if a number is not positive, or a layer to adapt is unknown or has no weights.

    Example:

    >>> network = tfmeta.networks.conv4(input_shape=(28, 28, 1), num_outputs=5)
    >>> learner = tfmeta.MAML(network, inner_steps=1, inner_learning_rate=0.4)
    >>> learner.compile(keras.optimizers.Adam(1e-3),
    ...                 keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> learner.fit(episodes, steps_per_epoch=100, epochs=40)
    """

    def __init__(
        self,
        network,
        inner_steps=1,
        *,
        inner_learning_rate=0.4,
        first_order=False,
        adapt_layers="all",
        test_inner_steps=None,
        **kwargs,
    ):
        super().__init__(network, **kwargs)
        for name, value in (("inner_steps", inner_steps), ("test_inner_steps", test_inner_steps)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"received {name}={value!r}; expected a whole number from 1 up")
        if not inner_learning_rate > 0:
            raise ValueError(
                f"received inner_learning_rate={inner_learning_rate!r}; expected a positive number"
            )
        self.inner_steps = inner_steps
        self.inner_learning_rate = inner_learning_rate
        self.first_order = first_order
        self.adapt_layers = adapt_layers
        self.test_inner_steps = test_inner_steps or inner_steps
        self._adapted = _positions(network, adapt_layers)

    @classmethod
    def recipe(cls, options: dict, *, regression: bool) -> Recipe:
        """Sections 5.1 and 5.2, one inner step in training; classification tests with three.

        The outer rate of classification is ours, for a cosine schedule (`docs/decisions.md` has
        what was compared, and what was not).
        """
        if regression:
            defaults = {"inner_steps": 1, "inner_learning_rate": 0.01}
            return Recipe({**defaults, **options}, steps=70_000, meta_batch=25)
        options = {"inner_steps": 1, "inner_learning_rate": 0.4, **options}
        options.setdefault("test_inner_steps", max(3, options["inner_steps"]))
        return Recipe(options, steps=6_000, meta_batch=32, outer_learning_rate=3e-3)

    def adapt(self, support_x, support_y, *, inner_steps=None):
        """Equation 1, `inner_steps` times (None: `test_inner_steps`). See `MetaLearner.adapt`."""
        weights = self.function.weights()
        for _ in range(inner_steps or self.test_inner_steps):
            weights = self._inner_step(weights, support_x, support_y)
        return self._task_state(weights, support_x)

    def adaptation_path(self, support_x, support_y):
        weights = self.function.weights()
        path = [self._task_state(weights, support_x)]
        for _ in range(self.test_inner_steps):
            weights = self._inner_step(weights, support_x, support_y)
            path.append(self._task_state(weights, support_x))
        return path

    def predict_with(self, task_state, query_x):
        weights = self.function.weights()
        for position in self._adapted:
            weights[position] = task_state["weights"][self.function.weight_names[position]]
        if self.transductive:
            return self.function.with_batch_statistics(weights, query_x)[0]
        statistics = [task_state["statistics"][name] for name in self.function.statistic_names]
        return self.function.with_statistics(weights, statistics, query_x)

    def task_gradients(self, episode):
        """Algorithm 1, line 8. See `MetaLearner.task_gradients`."""
        return self.query_gradients(episode, inner_steps=self.inner_steps)

    def _inner_step(self, weights, support_x, support_y):
        fast = [weights[position] for position in self._adapted]
        with tf.GradientTape() as tape:
            tape.watch(fast)
            outputs, _ = self.function.with_batch_statistics(weights, support_x)
            loss = self.task_loss(support_y, outputs)
        gradients = tape.gradient(loss, fast, unconnected_gradients="zero")
        if self.first_order:
            gradients = [tf.stop_gradient(g) for g in gradients]
        weights = list(weights)
        for position, gradient in zip(self._adapted, gradients, strict=True):
            weights[position] -= self.inner_learning_rate * gradient
        return weights

    def _task_state(self, weights, support_x):
        names = self.function.weight_names
        state = {"weights": {names[p]: weights[p] for p in self._adapted}}
        if self.function.statistic_names and not self.transductive:
            _, statistics = self.function.with_batch_statistics(weights, support_x)
            state["statistics"] = dict(zip(self.function.statistic_names, statistics, strict=True))
        return state

    def get_config(self):
        return {
            **super().get_config(),
            "inner_steps": self.inner_steps,
            "inner_learning_rate": self.inner_learning_rate,
            "first_order": self.first_order,
            "adapt_layers": self.adapt_layers,
            "test_inner_steps": self.test_inner_steps,
        }


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
