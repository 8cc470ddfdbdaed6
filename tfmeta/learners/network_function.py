"""A Keras network as a pure function of its weights and its normalisation statistics."""

import keras
import tensorflow as tf

from tfmeta.learners.exact_moments import exact_second_derivatives


class NetworkFunction:
    """Runs a network on tensors in place of its variables; never changes a variable.

    A network normalises either with the statistics of the batch that it is given, or with
    statistics that are handed to it. Keras reports the former as an update of its moving averages,
    `new = momentum * old + (1 - momentum) * batch`; with `old` set to zero the batch's own
    statistics come out by a division, differentiable, and whatever the layer's momentum.

    Args:
        network: any built `keras.Model` without random layers.

    Raises:
        ValueError: if the network is not built, or if it holds layers that draw random numbers or
            keep other state, so that the same support set would give different answers.
    """

    def __init__(self, network: keras.Model):
        if not network.built:
            raise ValueError(
                f"received the network {network.name!r} before it was built; call it once on an "
                "example, or give it a keras.Input"
            )
        self._network = network
        self._refuse_hidden_state()
        position = {id(v): i for i, v in enumerate(network.non_trainable_variables)}
        self._momentum = {
            position[id(variable)]: layer.momentum
            for layer in network._flatten_layers()
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
            for variable in (layer.moving_mean, layer.moving_variance)
        }
        self.weight_names = [_name(v) for v in network.trainable_variables]
        self.layer_names = [v.path.rpartition("/")[0] for v in network.trainable_variables]
        self.statistic_names = [_name(network.non_trainable_variables[i]) for i in self._momentum]

    def _refuse_hidden_state(self):
        for layer in self._network._flatten_layers():
            random = getattr(layer, "seed_generator", None) is not None
            if random and not getattr(layer, "rate", 1.0) == 0.0:
                raise ValueError(
                    f"the network's layer {layer.name!r} ({type(layer).__name__}) draws random "
                    "numbers; adaptation must give the same answer for the same support set. "
                    "Build the network without it"
                )
            if getattr(layer, "renorm", False):
                raise ValueError(
                    f"the network's layer {layer.name!r} uses batch renormalisation, whose state "
                    "cannot be taken from one support set. Build it with renorm=False"
                )

    def weights(self) -> list[tf.Tensor]:
        """The network's trainable weights as tensors that a gradient tape follows."""
        return [tf.convert_to_tensor(v) for v in self._network.trainable_variables]

    def weights_with(self, values: dict) -> list[tf.Tensor]:
        """`weights`, with those that `values` names replaced; other names in it pass unnoticed."""
        named = zip(self.weight_names, self.weights(), strict=True)
        return [values.get(name, weight) for name, weight in named]

    def moving_statistics(self) -> list[tf.Tensor]:
        """The moving averages that the network keeps, in the order of `statistic_names`."""
        return [tf.convert_to_tensor(variable) for variable, _ in self.moving_variables()]

    def moving_variables(self) -> list:
        """`(variable, momentum)` of each moving average, in the order of `statistic_names`."""
        return [(self._variable(i), momentum) for i, momentum in self._momentum.items()]

    def with_batch_statistics(self, weights, x):
        """Normalises `x` with its own statistics.

        Args:
            weights: tensors in the order of the network's trainable variables.
            x: `(examples, ...)`.

        Returns:
            `(outputs, statistics)`: outputs `(examples, ...)` and a list of tensors for
            `with_statistics`, both differentiable in `weights`.
        """
        zeros = [tf.zeros(self._variable(i).shape, self._variable(i).dtype) for i in self._momentum]
        outputs, updated = self._call(weights, zeros, x, training=True)
        # A product: graphs turn a division by a constant into one, with another last bit.
        statistics = [updated[i] * (1 / (1 - momentum)) for i, momentum in self._momentum.items()]
        return outputs, statistics

    def with_statistics(self, weights, statistics, x):
        """Normalises each example of `x` `(examples, ...)` with the `statistics` given."""
        return self._call(weights, statistics, x, training=False)[0]

    def _variable(self, index):
        return self._network.non_trainable_variables[index]

    def _call(self, weights, statistics, x, *, training):
        state = [tf.convert_to_tensor(v) for v in self._network.non_trainable_variables]
        for index, value in zip(self._momentum, statistics, strict=True):
            state[index] = value
        with exact_second_derivatives():
            return self._network.stateless_call(weights, state, x, training=training)


def _name(variable) -> str:
    """A name that a SavedModel's signature can carry: `conv1/kernel` -> `conv1_kernel`."""
    return "".join(c if c.isalnum() else "_" for c in variable.path)
