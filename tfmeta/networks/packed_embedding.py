"""A table of token vectors whose numbers have four bits."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

# float32 holds whole numbers below 2^24 as they are: six of four bits.
_IN_ONE, _VALUES = 6, 16
_PLACES = _VALUES ** np.arange(_IN_ONE)
_BLOCK = 32  # numbers with one scale
_SPREAD = 0.005  # of scales before training, so that the numbers are about as Keras draws them


@keras.saving.register_keras_serializable("tfmeta")
class PackedEmbedding(layers.Layer):
    """Ids -> vectors, which take a fifth of the memory of float32 and are not trained.

    Each number is a whole one from -8 to 7 times a scale that it shares with 31 others.

    Args:
        ids: there are.
        size: of a vector, a multiple of 96.
    """

    def __init__(self, ids: int, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.ids, self.size = ids, size

    def build(self, input_shape: Any) -> None:
        rules = {"dtype": "float32", "trainable": False, "autocast": False}
        shape = (self.ids, self.size // _IN_ONE)
        self.codes = self.add_weight(shape=shape, initializer=_drawn, name="codes", **rules)
        self.scales = self.add_weight(
            shape=(self.ids, self.size // _BLOCK),
            initializer=keras.initializers.Constant(_SPREAD),
            name="scales",
            **rules,
        )
        super().build(input_shape)

    def call(self, ids: Any) -> Any:
        """Integers `(batch, length)` -> `(batch, length, size)`."""
        packed = ops.cast(ops.take(self.codes, ids, axis=0), "int32")
        codes = ops.mod(ops.floor_divide(packed[..., np.newaxis], _PLACES.tolist()), _VALUES)
        shape = (*ops.shape(ids), self.size // _BLOCK, _BLOCK)
        scales = ops.take(self.scales, ids, axis=0)[..., np.newaxis]
        values = (ops.cast(ops.reshape(codes, shape), "float32") - _VALUES // 2) * scales
        return ops.cast(ops.reshape(values, (*shape[:-2], self.size)), self.compute_dtype)

    def assign(self, codes: npt.NDArray[Any], scales: npt.NDArray[Any]) -> None:
        """Puts numbers into the table.

        Args:
            codes: `(ids, size)` whole numbers from 0 to 15: what is multiplied, plus 8.
            scales: `(ids, size / 32)`.
        """
        sixes = codes.reshape(self.ids, -1, _IN_ONE).astype(np.float32)
        self.set_weights([sixes @ _PLACES.astype(np.float32), scales])

    def compute_output_spec(self, ids: Any) -> Any:
        return keras.KerasTensor((*ids.shape, self.size), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ids": self.ids, "size": self.size}


def _drawn(shape: Any, dtype: Any) -> Any:
    return ops.floor(keras.random.uniform(shape, 0, float(_VALUES**_IN_ONE), dtype))
