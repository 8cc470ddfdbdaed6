"""What a network keeps in addition to its weights, found by running it.

A network can be a pure function of its weights and of normalisation statistics if only moving
averages of such statistics change when it runs: `new = m * old + (1 - m) * batch`. If anything else
changes, or two equal runs differ, the network is refused, and the message names the layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.learners.network_probe import (
    described,
    example_inputs,
    first_that_assigns_a_stranger,
    first_that_differs,
    owner_of,
    same,
)
from tfmeta.learners.network_run import NetworkRun, run_network

_DIGITS = 6  # of a momentum that float32 runs show; people choose fewer


@dataclass(frozen=True)
class NetworkState:
    """What was found in a network.

    Attributes:
        averages: `{position among the non-trainable variables: momentum}` of the moving averages.
        resting: frozen layers that would draw random numbers; they run as in inference.
    """

    averages: dict[int, float]
    resting: tuple[Any, ...]


def examined(network: keras.Model) -> NetworkState:
    """Runs a network on two inputs and finds out what it keeps.

    Raises:
        ValueError: if the network can't be a pure function; the message names the layer.
    """
    with tf.init_scope():
        return _Examination(network).result()


class _Examination:
    def __init__(self, network: keras.Model):
        self._network = network
        self._resting: tuple[keras.layers.Layer, ...] = ()
        self._weights = [tf.convert_to_tensor(v) for v in network.trainable_variables]
        self._state = [tf.convert_to_tensor(v) for v in network.non_trainable_variables]
        self._x, self._other_x = example_inputs(network, self._run)

    def result(self) -> NetworkState:
        self._refuse_quantized()
        self._rest_frozen_draws()
        run, again = self._run(self._x), self._run(self._x)
        if not tf.is_tensor(run.outputs):
            raise ValueError(
                f"received the network {self._network.name!r}, which answers with a "
                f"{type(run.outputs).__name__}; expected a tensor. Take it out of that in the "
                "network"
            )
        if run.strangers:
            layer = first_that_assigns_a_stranger(self._network, lambda: self._run(self._x))
            raise ValueError(
                f"{described(layer or self._network)} assigns a variable that isn't the network's: "
                "it draws random numbers without a generator of its own, or keeps a state between "
                "calls (stateful=True). Build the network without it"
            )
        if not same([run.outputs, run.state], [again.outputs, again.state]):
            raise _random(first_that_differs(lambda: self._run(self._x)) or self._network)
        self._refuse_changed_weights(run)
        self._refuse_changes_in_inference()
        changed = self._changed(run, self._run(self._other_x))
        averages = self._averages(changed) if changed else {}
        return NetworkState(averages, self._resting)

    def _run(
        self, x: tf.Tensor, *, training: bool = True, state: list[Any] | None = None
    ) -> NetworkRun:
        state = self._state if state is None else state
        return run_network(
            self._network,
            x,
            weights=self._weights,
            state=state,
            training=training,
            resting=self._resting,
        )

    def _changed(self, *runs: Any) -> list[int]:
        before = range(len(self._state))
        return [i for i in before if any(not same(self._state[i], r.state[i]) for r in runs)]

    def _variable(self, position: int) -> Any:
        return self._network.non_trainable_variables[position]

    def _refuse_quantized(self) -> None:
        for layer in internals.layers_of(self._network):
            mode = getattr(layer, "quantization_mode", None)
            if mode is not None:
                raise ValueError(
                    f"{described(layer)} is quantized ({mode}): its weights are integers, which no "
                    "gradient changes. Expected a network of floats"
                )

    def _rest_frozen_draws(self) -> None:
        """Lets frozen layers that draw random numbers run as in inference."""
        drawing = []
        for position in self._changed(self._run(self._x)):
            if self._state[position].dtype.is_integer:
                layer = owner_of(self._network, self._variable(position))
                if internals.has_random_generator(layer):
                    drawing.append(layer)
        for layer in drawing:
            if layer.trainable or not internals.takes_training(layer):
                raise _random(layer)
        self._resting = tuple(dict.fromkeys(drawing))

    def _refuse_changed_weights(self, run: NetworkRun) -> None:
        for variable, before, after in zip(
            self._network.trainable_variables, self._weights, run.weights, strict=True
        ):
            if not same(before, after):
                raise ValueError(
                    f"{described(owner_of(self._network, variable))} changes its own weight "
                    f"{variable.name!r} when it runs, so adaptation and prediction would see other "
                    "weights than the learner's. Build the network without it"
                )

    def _refuse_changes_in_inference(self) -> None:
        for position in self._changed(self._run(self._x, training=False)):
            raise _stateful(self._network, self._variable(position), "also outside training")

    def _averages(self, changed: list[int]) -> dict[int, float]:
        """The momentum of each changed variable, after a check that it is a moving average."""
        for position in changed:
            if not self._state[position].dtype.is_floating:
                raise _stateful(self._network, self._variable(position), "which is no average")
        momenta = []
        for x in (self._x, self._other_x):
            zeros = self._run(x, state=self._filled(changed))
            # Old values as large as what a batch adds, so that rounding doesn't hide the momentum.
            units = {i: max(1.0, float(np.max(np.abs(zeros.state[i])))) for i in changed}
            moved = self._run(x, state=self._filled(changed, units))
            if not same(zeros.outputs, moved.outputs):
                raise self._that_matters(x, changed, zeros)
            momenta.append([_spread(moved.state[i], zeros.state[i], units[i]) for i in changed])
        found = {}
        for position, *spreads in zip(changed, *momenta, strict=True):
            low = min(low for low, _ in spreads)
            high = max(high for _, high in spreads)
            digit = 10**-_DIGITS
            if not (high - low < 5 * digit and -digit < low < 1 - digit):
                raise _stateful(
                    self._network, self._variable(position), "which is no moving average"
                )
            found[position] = round(max((low + high) / 2, 0.0), _DIGITS)
        return found

    def _filled(self, positions: Sequence[int], values: Any = None) -> Any:
        """The state with zeros, or with given values, at some positions."""
        state = list(self._state)
        for i in positions:
            state[i] = tf.fill(state[i].shape, tf.cast((values or {}).get(i, 0), state[i].dtype))
        return state

    def _that_matters(self, x: tf.Tensor, changed: list[int], zeros: NetworkRun) -> ValueError:
        """The message that refuses a variable on which the outputs in training depend."""
        for position in changed:
            state = self._filled(changed, {position: 1.0})
            if not same(self._run(x, state=state).outputs, zeros.outputs):
                break
        return _stateful(
            self._network, self._variable(position), "on which its outputs in training depend"
        )


def _spread(moved: Any, zeros: NetworkRun, unit: Any) -> tuple[float, float]:
    """The smallest and the largest share of its old value that an element of a variable keeps."""
    kept = (np.asarray(moved, np.float64) - np.asarray(zeros, np.float64)) / unit
    return float(kept.min()), float(kept.max())


def _random(layer: keras.layers.Layer) -> ValueError:
    return ValueError(
        f"{described(layer)} draws random numbers; adaptation must give the same answer for the "
        "same support set. Build the network without it, or freeze it (trainable = False): frozen "
        "layers run as in inference"
    )


def _stateful(network: keras.Model, variable: Any, how: Any) -> ValueError:
    return ValueError(
        f"{described(owner_of(network, variable))} keeps a state {variable.name!r} that changes "
        f"when the network runs, {how}; it cannot be taken from one support set. Build the network "
        "without it, or without what it keeps (renorm=False, stateful=False)"
    )
