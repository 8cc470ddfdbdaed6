"""What sentence encoders that are made as BERT have in common: from embedded words to features."""

from typing import Any

from keras import layers

from tfmeta.networks.add_positions import AddPositions
from tfmeta.networks.encoder_block import encoder_block
from tfmeta.networks.input_dtypes import full_dtype
from tfmeta.networks.token_input import masked_mean

SIZE = 384  # of the encoders that there are, and so are these
_HEADS, _HIDDEN, _EPSILON = 12, 1536, 1e-12


def sentence_features(x: Any, is_token: Any, *, positions: int, blocks: int) -> Any:
    """Features of texts: BERT's blocks, and the mean over the tokens, of unit length.

    Devlin et al. 2019, https://arxiv.org/abs/1810.04805; Reimers and Gurevych 2019,
    https://arxiv.org/abs/1908.10084.

    Args:
        x: embedded tokens `(batch, length, SIZE)`.
        is_token: `(batch, length)`, whether there is a token and no padding.
        positions: that the encoder knows; a text has no more tokens.
        blocks: of the encoder, called `block0` and so on.

    Returns:
        `(batch, SIZE)`.
    """
    x = AddPositions(positions, name="positions")(x)
    x = layers.LayerNormalization(epsilon=_EPSILON, name="embedded")(x)
    for number in range(blocks):
        name = f"block{number}"
        x = encoder_block(x, is_token, name, heads=_HEADS, hidden=_HIDDEN, epsilon=_EPSILON)
    return layers.UnitNormalization(name="features", **full_dtype())(masked_mean(x, is_token))


def check_length(input_shape: tuple[int, ...], most: int, *, network: str) -> None:
    """Raises ValueError if examples `(length,)` have more ids than a network takes."""
    if input_shape[0] > most:
        raise ValueError(
            f"received input_shape={tuple(input_shape)}; {network} takes at most {most} ids. "
            "Lower pipeline.length"
        )
