"""DropBlock: dropout for feature maps, of squares in place of single positions."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfmeta")
class DropBlock(keras.layers.Layer):
    """Sets squares of each channel to zero in training, and scales up the rest; else the identity.

    Neighbours in a feature map know the same, so what dropout takes away at one position is still
    there at the next. Each channel of each example has squares of its own.

    Ghiasi, Lin and Le 2018, algorithm 1, https://arxiv.org/abs/1810.12890. The rest is scaled up
    for each example by itself, so that its features depend on no other.

    Args:
        rate: share of the positions to drop, about; 1 - keep_prob in the paper.
        block_size: positions on each side of a square; at most those of the map.
        seed: of what is drawn where Keras alone trains; a learner's own counts otherwise.
    """

    def __init__(
        self, rate: float, block_size: int = 5, *, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"received rate={rate!r}; expected a number from 0 up to 1, without 1")
        if not isinstance(block_size, int) or block_size < 1:
            raise ValueError(
                f"received block_size={block_size!r}; expected a whole number from 1 up"
            )
        self.rate, self.block_size, self.seed = rate, block_size, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, maps: Any, training: bool | None = None) -> Any:
        """`(batch, height, width, channels)`, of the same shape afterwards."""
        if not training or not self.rate:
            return maps
        height, width = ops.shape(maps)[1:3]
        size = min(self.block_size, height, width)
        rows, columns = height - size + 1, width - size + 1  # where a square may begin
        share = self.rate / size**2 * height * width / (rows * columns)  # gamma of the paper
        shape = (ops.shape(maps)[0], rows, columns, maps.shape[-1])
        drawn = keras.random.uniform(shape, dtype=maps.dtype, seed=self.seed_generator)
        begins = ops.cast(drawn < share, maps.dtype)
        edge = (size - 1, size - 1)
        begins = ops.pad(begins, ((0, 0), edge, edge, (0, 0)))
        kept = 1 - ops.max_pool(begins, size, strides=1)
        shares = ops.mean(kept, axis=(1, 2, 3), keepdims=True)
        return maps * kept / ops.maximum(shares, keras.config.epsilon())

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The same."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What makes the layer again."""
        own = {"rate": self.rate, "block_size": self.block_size, "seed": self.seed}
        return {**super().get_config(), **own}
