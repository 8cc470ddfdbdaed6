"""What the inner steps of a method change in its network, layer by layer."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tfmeta.learners.adapted_layers import adapted_positions
from tfmeta.learners.network_probe import owner_of


class LayerChange(NamedTuple):
    """The change of the adapted weights of one layer.

    Attributes:
        name: of the layer.
        is_head: whether it is the last layer that has weights.
        num_weights: that the inner steps may change.
        size: of these weights before the first step, as one vector: its Euclidean length.
        moved: the length of the difference after the last step.
    """

    name: str
    is_head: bool
    num_weights: int
    size: float
    moved: float


@dataclass(frozen=True)
class InnerChange:
    """The adapted weights before and after the inner steps.

    Attributes:
        names: of the layers, in the network's order.
        is_head: of each layer, whether it is the last one that has weights.
        layer_of: of each adapted weight, the number of its layer in `names`.
        start: the adapted weights before the first step.
        end: the same after the last one.
        state_with: adapted weights -> the task state with them; statistics of the support set are
            those under these weights.
    """

    names: list[str]
    is_head: list[bool]
    layer_of: list[int]
    start: list[Any]
    end: list[Any]
    state_with: Callable[[list[Any]], dict[str, Any]]

    @classmethod
    def of(
        cls,
        network: Any,
        adapted: list[int],
        weights: tuple[list[Any], list[Any]],
        state_with: Callable[[list[Any]], dict[str, Any]],
    ) -> "InnerChange":
        """The change of a network's weights.

        Args:
            network: whose weights they are.
            adapted: the positions of the adapted weights among the trainable ones.
            weights: the adapted weights before the first step, and after the last one.
            state_with: see the class.
        """
        head = set(adapted_positions(network, "head"))
        owners = [owner_of(network, network.trainable_variables[i]) for i in adapted]
        layers = list({id(owner): owner for owner in owners}.values())
        numbers = {id(layer): number for number, layer in enumerate(layers)}
        layer_of = [numbers[id(owner)] for owner in owners]
        of_head = {number for i, number in zip(adapted, layer_of, strict=True) if i in head}
        is_head = [number in of_head for number in range(len(layers))]
        return cls([layer.name for layer in layers], is_head, layer_of, *weights, state_with)

    def layers(self) -> list[LayerChange]:
        """The change of each layer."""
        return [
            LayerChange(
                name,
                self.is_head[number],
                sum(int(np.size(weight)) for weight in self._of(number, self.start)),
                _length(self._of(number, self.start)),
                _length(
                    np.subtract(after, before)
                    for before, after in zip(
                        self._of(number, self.start), self._of(number, self.end), strict=True
                    )
                ),
            )
            for number, name in enumerate(self.names)
        ]

    def with_changed(self, layers: Collection[int]) -> dict[str, Any]:
        """The task state in which only some layers are as after the last step.

        Args:
            layers: the numbers of these layers; the others are as before the first step.
        """
        pairs = zip(self.layer_of, self.start, self.end, strict=True)
        return self.state_with([end if n in layers else start for n, start, end in pairs])

    def _of(self, layer: int, weights: list[Any]) -> list[np.ndarray]:
        pairs = zip(self.layer_of, weights, strict=True)
        return [np.asarray(weight, np.float64) for n, weight in pairs if n == layer]


def _length(weights: Any) -> float:
    return float(np.sqrt(sum(float(np.sum(np.square(weight))) for weight in weights)))
