"""What a network keeps in addition to its weights, found by running it.

A network can be a pure function of its weights, of normalisation statistics and of the states of
its random generators if nothing else changes when it runs than these states and moving averages of
such statistics: `new = m * old + (1 - m) * batch`. If anything else changes, or two equal runs
differ, the network is refused, and the message names the layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfmeta import keras_internals as internals
from tfmeta.episodes.augmentation_layers import reason
from tfmeta.episodes.random_stream import drawn_by_python
from tfmeta.learners.network_probe import (
    dependencies,
    described,
    example_inputs,
    first_that_assigns_a_stranger,
    first_that_differs,
    first_that_draws_by_python,
    owner_of,
    recorded_draws,
    same,
)
from tfmeta.learners.network_run import NetworkRun, run_network

_OUTSIDE_TRAINING = (
    "outside training too; expected a layer that draws only with training=True, as adaptation must "
    "give the same answer for the same support set"
)
_DIGITS = 6  # of a momentum that float32 runs show; people choose fewer


@dataclass(frozen=True)
class NetworkState:
    """What was found in a network.

    Attributes:
        averages: `{position among the non-trainable variables: momentum}` of the moving averages.
        resting: frozen layers that would draw random numbers; they run as in inference.
        drawing: layers that draw random numbers in training, and nothing in inference.
        generators: positions among the non-trainable variables of the states of their generators.
        draws_globally: whether one of them draws from Keras's own generator.
    """

    averages: dict[int, float]
    resting: tuple[Any, ...]
    drawing: tuple[Any, ...]
    generators: tuple[int, ...]
    draws_globally: bool


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
        self._drawing: tuple[keras.layers.Layer, ...] = ()
        self._generators: tuple[int, ...] = ()
        self._global_state: list[tf.Tensor] = []  # one if a layer draws from Keras's generator
        self._weights = [tf.convert_to_tensor(v) for v in network.trainable_variables]
        self._state = [tf.convert_to_tensor(v) for v in network.non_trainable_variables]
        self._x, self._other_x = example_inputs(network, self._run)

    def result(self) -> NetworkState:
        self._refuse_quantized()
        self._find_draws()
        python_draws = drawn_by_python()
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
                "it keeps a state between calls (stateful=True), or draws random numbers from a "
                "generator that is no attribute of it. Build the network without it"
            )
        repeats = same([run.outputs, run.state], [again.outputs, again.state])
        if not repeats or drawn_by_python() != python_draws:
            searches = (first_that_differs, first_that_draws_by_python)
            found = (search(lambda: self._run(self._x)) for search in searches)
            raise _random(
                next(filter(None, found), self._network),
                "from a generator that isn't Keras's, so that a resumed run would differ; expected "
                "keras.random, with a keras.random.SeedGenerator that is an attribute of the layer",
            )
        self._refuse_changed_weights(run)
        self._refuse_changes_in_inference()
        changed = self._changed(run, self._run(self._other_x))
        if self._global_state or self._moves_generators(run):
            self._refuse_draws_at_rest(training=True)
            self._refuse_draws_at_rest(training=False)
        if self._drawing:
            self._check_switching(changed)
        return NetworkState(
            averages=self._averages(changed) if changed else {},
            resting=self._resting,
            drawing=self._drawing,
            generators=self._generators,
            draws_globally=bool(self._global_state),
        )

    def _run(
        self,
        x: tf.Tensor,
        *,
        training: bool = True,
        state: list[Any] | None = None,
        draws: bool | None = None,
    ) -> NetworkRun:
        """A run in which layers that aren't frozen draw as they are called, or always, or never."""
        modes = dict.fromkeys(self._resting, False)
        if draws is not None:
            modes |= dict.fromkeys(self._drawing, draws)
        return run_network(
            self._network,
            x,
            weights=self._weights,
            state=[*self._state, *self._global_state] if state is None else state,
            training=training,
            modes=modes,
        )

    def _changed(self, *runs: Any) -> list[int]:
        """The positions of what changed, without the states of random generators."""
        others = [i for i in range(len(self._state)) if i not in self._generators]
        return [i for i in others if any(not same(self._state[i], r.state[i]) for r in runs)]

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

    def _find_draws(self) -> None:
        """Finds the layers that draw random numbers in training; frozen ones rest."""
        with recorded_draws() as draws:
            self._run(self._x)
        layers = dict.fromkeys(layer for layer, _ in draws)
        for layer in layers:
            if not internals.takes_training(layer):
                raise _random(layer, _OUTSIDE_TRAINING)
        self._resting = tuple(layer for layer in layers if not layer.trainable)
        self._drawing = tuple(layer for layer in layers if layer.trainable)
        if any(each is internals.global_generator() for layer, each in draws if layer.trainable):
            self._global_state = [tf.constant([0, 0], tf.int64)]
        states = {id(state) for state in internals.generator_states(self._network)}
        variables = enumerate(self._network.non_trainable_variables)
        self._generators = tuple(i for i, variable in variables if id(variable) in states)

    def _refuse_draws_at_rest(self, *, training: bool) -> None:
        """Refuses a network whose outputs depend on a draw while the layers that draw rest.

        A layer may draw without using the number, as a recurrent one does in inference, so what
        counts is the graph.
        """

        def run(seeds: list[tf.Tensor]) -> Any:
            state = [*self._state, *seeds[len(self._generators) :]]
            for position, seed in zip(self._generators, seeds, strict=False):
                state[position] = seed
            return self._run(self._x, training=training, state=state, draws=False).outputs

        seeds = [*(self._state[i] for i in self._generators), *self._global_state]
        for number in dependencies(run, seeds):
            layer = self._drawing[0]
            if number < len(self._generators):
                layer = owner_of(self._network, self._variable(self._generators[number]))
            raise _random(layer, _OUTSIDE_TRAINING)

    def _moves_generators(self, run: NetworkRun) -> bool:
        return any(not same(self._state[i], run.state[i]) for i in self._generators)

    def _check_switching(self, averages: list[int]) -> None:
        """Checks that the layers that draw can be switched without other layers."""
        at_rest = self._run(self._x, draws=False)
        awake = self._run(self._x, training=False, draws=True)
        if self._changed(at_rest) != averages or self._changed(awake):
            holding = [each for each in self._drawing if internals.layers_of(each)[1:]]
            raise _random(
                (holding or self._drawing)[0],
                "itself and holds layers that normalise, so that neither can be done without the "
                "other; expected the draws in a layer of their own",
            )

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
        try:
            run = self._run(self._x, training=False)
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            raise ValueError(
                f"received the network {self._network.name!r}, which runs in training and fails in "
                f"inference: {reason(error)}"
            ) from error
        for position in self._changed(run):
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
        state = [*self._state, *self._global_state]
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


def _random(layer: keras.layers.Layer, how: str) -> ValueError:
    return ValueError(
        f"{described(layer)} draws random numbers {how}. Change it, or build the network without it"
    )


def _stateful(network: keras.Model, variable: Any, how: Any) -> ValueError:
    return ValueError(
        f"{described(owner_of(network, variable))} keeps a state {variable.name!r} that changes "
        f"when the network runs, {how}; it cannot be taken from one support set. Build the network "
        "without it, or without what it keeps (renorm=False, stateful=False)"
    )
