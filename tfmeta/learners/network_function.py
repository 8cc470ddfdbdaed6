"""A Keras network as a pure function of its weights, its statistics and its random draws."""

import functools
from typing import Any

import keras
import tensorflow as tf

from tfmeta.keras_internals import layers_of
from tfmeta.learners.draws import current_draws
from tfmeta.learners.frozen_layers import freeze_what_frozen_layers_hold
from tfmeta.learners.network_probe import (
    example_inputs,
    input_shape,
    layer_with_a_loop,
    output_shape,
    owner_of,
)
from tfmeta.learners.network_run import run_network
from tfmeta.learners.network_state import NetworkState, examined
from tfmeta.learners.random_gradients import check_random_gradients


class NetworkFunction:
    """Runs a network on tensors in place of its variables; never changes a variable.

    A network normalises either with the statistics of its batch, or with statistics that it is
    given. Keras reports the batch's statistics as an update of its moving averages, `new = momentum
    * old + (1 - momentum) * batch`. With `old` set to zero, a division gives the batch's
    statistics. They are differentiable, for any momentum.

    `network_state` runs the network to find the variables that are such averages. Weights are
    identified by their position among the trainable variables. Their names, which are unique, are
    for task states and exports. Layers may be frozen or unfrozen later, as Keras allows.

    Layers that draw random numbers in training do so within a body of `Draws`, unless they are
    frozen. Everywhere else they run as in inference, also in a call that normalises with the
    batch's statistics.

    Args:
        network: any built `keras.Model` with one input and one output.

    Raises:
        ValueError: if the network is not built, has several inputs or outputs, or holds layers that
            keep other state, or draw random numbers in inference or from another generator than
            Keras's; the same support set would then give different answers.
    """

    def __init__(self, network: keras.Model):
        if not network.built:
            raise ValueError(
                f"received the network {network.name!r} before it was built; call it once on an "
                "example, or give it a keras.Input"
            )
        self._network = network
        self.input_shape, self.output_shape = input_shape(network), output_shape(network)
        self._fixed_for: str | None = None
        freeze_what_frozen_layers_hold(network)
        self._examine()
        if self._state.drawing:
            check_random_gradients(network, self)

    def _examine(self) -> None:
        network = self._network
        self._examined_as = _frozen_and_thawed(network)
        self._state = examined(network)
        owners = [owner_of(network, variable) for variable in network.trainable_variables]
        self._layers = list(dict.fromkeys(map(id, owners)))
        self._layer_of = [self._layers.index(id(owner)) for owner in owners]
        self._weight_names = _unique_names(network.trainable_variables)
        others = _unique_names(network.non_trainable_variables)
        self._statistic_names = [others[i] for i in self._state.averages]

    def _current(self) -> NetworkState:
        """Examines the network again if layers were frozen or unfrozen since."""
        if self._examined_as != _frozen_and_thawed(self._network):
            if self._fixed_for is not None:
                raise ValueError(
                    f"layers of the network {self._network.name!r} were frozen or thawed after the "
                    f"learner was made, which {self._fixed_for}. Make the learner after that"
                )
            self._examine()
        return self._state

    @functools.cached_property
    def loop(self) -> keras.layers.Layer | None:
        """The layer that is a loop of the graph, such as a recurrent one; None if there is none."""

        def run(x: tf.Tensor) -> None:
            run_network(self._network, x, weights=self.weights(), **options)

        with tf.init_scope():
            state, modes = self.state_for_probes()
            options: dict[str, Any] = {"state": state, "training": True, "modes": modes}
            return layer_with_a_loop(self._network, example_inputs(self._network, run)[0], run)

    def keep_as_it_is(self, reason: str) -> None:
        """From now on, refuses layers that are frozen or unfrozen; `reason` says why not."""
        self._fixed_for = reason

    @property
    def draws(self) -> bool:
        """Whether layers draw random numbers in training."""
        return bool(self._current().drawing)

    @property
    def states_per_pass(self) -> int:
        """The states of generators that a pass in training takes from the `Draws`."""
        found = self._current()
        return len(found.generators) + 1 if found.drawing else 0

    @property
    def random_layers(self) -> list[keras.layers.Layer]:
        """The layers that draw random numbers in training, or would if they weren't frozen."""
        found = self._current()
        return [*found.resting, *found.drawing]

    @property
    def weight_names(self) -> list[str]:
        """A name for each trainable weight, in their order; no two are equal."""
        self._current()
        return self._weight_names

    @property
    def layer_of(self) -> list[int]:
        """The number of the layer that each trainable weight belongs to, from 0."""
        self._current()
        return self._layer_of

    @property
    def statistic_names(self) -> list[str]:
        """A name for each moving average of a statistic; no two are equal."""
        self._current()
        return self._statistic_names

    def weights(self) -> list[tf.Tensor]:
        """The network's trainable weights as tensors that a gradient tape follows."""
        self._current()
        return [tf.convert_to_tensor(v) for v in self._network.trainable_variables]

    def weights_with(self, values: dict[str, Any]) -> list[tf.Tensor]:
        """`weights`, some of them replaced by `values`; other names in `values` are ignored."""
        named = zip(self.weight_names, self.weights(), strict=True)
        return [values.get(name, weight) for name, weight in named]

    def moving_statistics(self) -> list[tf.Tensor]:
        """The moving averages that the network keeps, in the order of `statistic_names`."""
        return [tf.convert_to_tensor(variable) for variable, _ in self.moving_variables()]

    def moving_variables(self) -> list[Any]:
        """`(variable, momentum)` of each moving average, in the order of `statistic_names`."""
        averages = self._current().averages
        return [(self._variable(i), momentum) for i, momentum in averages.items()]

    def with_batch_statistics(
        self, weights: list[tf.Tensor], x: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Normalises `x` with its own statistics.

        Args:
            weights: tensors in the order of the network's trainable variables.
            x: `(examples, ...)`.

        Returns:
            `(outputs, statistics)`: outputs `(examples, ...)` and a list of tensors for
            `with_statistics`, both differentiable in `weights`.
        """
        averages = self._current().averages
        zeros = [tf.zeros(self._variable(i).shape, self._variable(i).dtype) for i in averages]
        outputs, updated = self._call(weights, zeros, x, training=True)
        # No division: graphs turn one by a constant into a product, whose last bit may differ.
        statistics = [updated[i] * (1 / (1 - momentum)) for i, momentum in averages.items()]
        return outputs, statistics

    def with_statistics(
        self, weights: list[tf.Tensor], statistics: list[tf.Tensor], x: tf.Tensor
    ) -> tf.Tensor:
        """Normalises each example of `x` `(examples, ...)` with the `statistics` given."""
        self._current()
        return self._call(weights, statistics, x, training=False)[0]

    def state_for_probes(self, seed: int = 0) -> tuple[Any, ...]:
        """Values of the other variables for a run in training, and its layers' modes.

        Averages are zero. What random layers draw depends on the `seed`.
        """
        found = self._current()
        state = [tf.convert_to_tensor(v) for v in self._network.non_trainable_variables]
        for i in found.averages:
            state[i] = tf.zeros_like(state[i])
        for i in found.generators:
            state[i] = tf.constant([seed, 0], state[i].dtype)
        return state, dict.fromkeys(found.resting, False)

    def _variable(self, index: int) -> Any:
        return self._network.non_trainable_variables[index]

    def _call(
        self, weights: list[tf.Tensor], statistics: list[tf.Tensor], x: tf.Tensor, *, training: bool
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        found, draws = self._state, current_draws()
        state = [tf.convert_to_tensor(v) for v in self._network.non_trainable_variables]
        for index, value in zip(found.averages, statistics, strict=True):
            state[index] = value
        modes = dict.fromkeys([*found.resting, *found.drawing], False)
        if found.drawing and draws is not None:
            seeds = draws.states(self.states_per_pass)
            for index, value in zip(found.generators, seeds, strict=False):
                state[index] = value
            state += seeds[-1:] if found.draws_globally else []
            modes |= dict.fromkeys(found.drawing, True)
        run = run_network(
            self._network, x, weights=weights, state=state, training=training, modes=modes
        )
        return run.outputs, run.state


def _frozen_and_thawed(network: keras.Model) -> Any:
    """A value that changes when a layer is frozen or unfrozen."""
    return [id(v) for v in network.trainable_variables], [
        layer.trainable for layer in layers_of(network)
    ]


def _unique_names(variables: list[Any]) -> list[str]:
    """Names that a SavedModel's signature can carry: `conv1/kernel` -> `conv1_kernel`.

    Two layers may have the same path, and two paths the same name; later ones get a number.
    """
    names, taken = [], set()
    for variable in variables:
        name = plain = "".join(c if c.isalnum() and c.isascii() else "_" for c in variable.path)
        number = 1
        while name in taken:
            number += 1
            name = f"{plain}_{number}"
        taken.add(name)
        names.append(name)
    return names
