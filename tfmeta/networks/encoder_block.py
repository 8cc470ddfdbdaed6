"""One block of a Transformer's encoder."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy.typing as npt
from keras import layers, ops

Arrays = Sequence[npt.NDArray[Any]]


def encoder_block(
    x: Any, is_token: Any, name: str, *, heads: int, hidden: int, epsilon: float = 1e-6
) -> Any:
    """Attention among a text's tokens, then a dense network for each; as BERT's blocks are.

    Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, with GELU in place of ReLU (Devlin et al.
    2019, https://arxiv.org/abs/1810.04805). No token attends to padding.

    Args:
        x: `(batch, length, size)`.
        is_token: `(batch, length)`, whether there is a token and no padding.
        name: the layers' names begin with it.
        heads: of the attention; they divide the size.
        hidden: units of the dense network's hidden layer.
        epsilon: of the normalisations.

    Returns:
        `(batch, length, size)`.
    """
    size = x.shape[-1]
    attention = layers.MultiHeadAttention(heads, size // heads, name=f"{name}_attention")
    seen = attention(x, x, attention_mask=ops.expand_dims(is_token, 1))
    x = layers.LayerNormalization(epsilon=epsilon, name=f"{name}_attended")(x + seen)
    inner = layers.Dense(hidden, name=f"{name}_hidden")(x)
    inner = layers.Dense(size, name=f"{name}_out")(ops.gelu(inner, approximate=False))
    return layers.LayerNormalization(epsilon=epsilon, name=f"{name}_norm")(x + inner)


def assign_block(network: keras.Model, name: str, arrays: Mapping[str, Arrays]) -> None:
    """Puts arrays into the layers of a block.

    Args:
        network: that has the block.
        name: as in `encoder_block`.
        arrays: kernels `(inputs, units)` and biases by the names `query`, `key`, `value`,
            `attention` (of what is seen), `hidden` and `out`; factors and terms of the
            normalisations by `attended` and `norm`.
    """
    layer = network.get_layer(f"{name}_attention")
    heads = (layer.num_heads, layer.key_dim)
    parts = []
    for part in ("query", "key", "value"):
        kernel, bias = arrays[part]
        parts += [kernel.reshape(-1, *heads), bias.reshape(heads)]
    kernel, bias = arrays["attention"]
    layer.set_weights([*parts, kernel.reshape(*heads, -1), bias])
    for part in ("attended", "hidden", "out", "norm"):
        network.get_layer(f"{name}_{part}").set_weights(arrays[part])
