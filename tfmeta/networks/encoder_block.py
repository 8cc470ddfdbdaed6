"""One block of a Transformer's encoder."""

from typing import Any

from keras import layers, ops


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
