"""A layer that searches: the weighted sum of candidate operations."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

NONE = "none"


@keras.saving.register_keras_serializable("tfmeta")
class MixedOperation(keras.layers.Layer):
    """Adds up what candidate operations make of one input, each times its share.

    The shares are softmax(structure / temperature). The structure weights are an ordinary weight of
    the layer, so that whatever trains or adapts the network trains and adapts them. Liu, Simonyan
    and Yang 2019 (DARTS), https://arxiv.org/abs/1806.09055, equation 2.

    The temperature is 1 at first. In a run of `tfmeta train` it falls to `final_temperature`, a
    power of it, so that the largest share grows towards 1. Annealing is from Elsken et al. 2020
    (MetaNAS), https://arxiv.org/abs/1911.11090; this course of it is ours. The temperature is a
    weight that is not trained, so that checkpoints and exports have it. `fit` alone leaves it.

    Args:
        operations: names of the candidates, in the order of the layer's inputs. "none" is a
            candidate that gives zeros, and has no input.
        final_temperature: at the end of a run; 1 for a softmax that is not annealed.

    Raises:
        ValueError: if there are fewer than two different names, or the temperature is not above 0.
    """

    def __init__(
        self, operations: Sequence[str], *, final_temperature: float = 0.1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        names = list(operations)
        if len(names) < 2 or len(set(names)) < len(names) or isinstance(operations, str):
            raise ValueError(
                f"received operations={operations!r}; expected two different names or more"
            )
        if not 0 < final_temperature <= 1:
            raise ValueError(
                f"received final_temperature={final_temperature!r}; expected a number above 0, 1 "
                "at most"
            )
        self.operations, self.final_temperature = names, final_temperature

    def build(self, input_shape: Any) -> None:
        number = len(self.operations)
        self.structure = self.add_weight(shape=(number,), initializer="zeros", name="structure")
        self.temperature = self.add_weight(
            shape=(), initializer="ones", trainable=False, name="temperature"
        )
        super().build(input_shape)

    def call(self, candidates: Any) -> Any:
        """The weighted sum.

        Args:
            candidates: a list with the output of each operation but "none": tensors `(batch, ...,
                features)`. One with fewer features than another counts as if zeros followed.

        Returns:
            A tensor of the shape of the largest.
        """
        shares = self.shares()
        features = max(each.shape[-1] for each in candidates)
        places = [i for i, name in enumerate(self.operations) if name != NONE]
        total = None
        for place, each in zip(places, candidates, strict=True):
            part = _padded(ops.cast(shares[place], each.dtype) * each, features)
            total = part if total is None else total + part
        return total

    def shares(self) -> Any:
        """The share of each operation, `(operations,)`; they add up to 1."""
        return ops.softmax(self.structure / self.temperature)

    def training_progress(self, done: float) -> None:
        """Sets the temperature for a run of which `done` is done, from 0 to 1."""
        self.temperature.assign(self.final_temperature**done)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """That of the candidate with the most features."""
        shapes: list[tuple[int, ...]] = [tuple(shape) for shape in input_shape]
        return max(shapes, key=lambda shape: shape[-1])

    def get_config(self) -> dict[str, Any]:
        """What makes the layer again."""
        own = {"operations": self.operations, "final_temperature": self.final_temperature}
        return {**super().get_config(), **own}


def _padded(x: Any, features: int) -> Any:
    missing = features - x.shape[-1]
    return ops.pad(x, [*[(0, 0)] * (len(x.shape) - 1), (0, missing)]) if missing else x
