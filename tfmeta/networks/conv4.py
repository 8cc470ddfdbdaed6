"""The convolutional network of the few-shot papers."""

import keras
from keras import layers


def conv4(
    input_shape: tuple[int, ...] = (28, 28, 1),
    num_outputs: int | None = 5,
    *,
    filters: int = 64,
    downsampling: str = "stride",
    features: str = "flatten",
    num_blocks: int = 4,
) -> keras.Model:
    """Four blocks of 3x3 convolution, batch normalisation and ReLU, then a dense head.

    The network of Vinyals et al. 2016 (https://arxiv.org/abs/1606.04080), with strides in place of
    pooling for Omniglot as in Finn et al. 2017 (https://arxiv.org/abs/1703.03400, section 5.2).

    Args:
        input_shape: `(height, width, channels)`.
        num_outputs: units of the head (classes, or regression outputs); None for no head: the
            model then ends with its features.
        filters: of each convolution; 64 for Omniglot, 32 for miniImageNet in the MAML paper.
        downsampling: "stride" (Omniglot) or "pool" (2x2 max-pooling, miniImageNet).
        features: what the head sees: "flatten", every position of the last block, or "mean", their
            mean, as the MAML paper's Omniglot network (`docs/decisions.md` compares them). Without
            a head also "map": the last block as it is, `(batch, height, width, filters)`.
        num_blocks: how many blocks.

    Returns:
        A model `(batch, height, width, channels) -> (batch, num_outputs)`, logits or features.

    Raises:
        ValueError: if `downsampling` or `features` is none of these, or the input is no image.

    Example:

    >>> conv4((28, 28, 1), num_outputs=5).output_shape
    (None, 5)
    >>> conv4((28, 28, 1), num_outputs=None, filters=32).output_shape
    (None, 128)
    """
    if downsampling not in ("stride", "pool"):
        raise ValueError(f"received downsampling={downsampling!r}; expected 'stride' or 'pool'")
    known = ("flatten", "mean") if num_outputs is not None else ("flatten", "mean", "map")
    if features not in known:
        raise ValueError(f"received features={features!r}; expected one of: {', '.join(known)}")
    if len(input_shape) != 3:
        raise ValueError(
            f"received input_shape={tuple(input_shape)}; conv4 takes (height, width, channels). "
            "For vectors use networks.mlp"
        )
    inputs = x = keras.Input(input_shape, name="image")
    for block in range(1, num_blocks + 1):
        strides = 2 if downsampling == "stride" else 1
        # No bias: the normalisation that follows would cancel it.
        x = layers.Conv2D(
            filters, 3, strides=strides, padding="same", use_bias=False, name=f"conv{block}"
        )(x)
        x = layers.BatchNormalization(name=f"norm{block}")(x)
        x = layers.ReLU(name=f"relu{block}")(x)
        if downsampling == "pool":
            x = layers.MaxPooling2D(name=f"pool{block}")(x)
    if features != "map":
        summary = layers.Flatten if features == "flatten" else layers.GlobalAveragePooling2D
        x = summary(name=features)(x)
    if num_outputs is None:
        return keras.Model(inputs, x, name="conv4")
    # A head that starts near zero: the first inner steps move the answer, not a random start.
    # Omniglot, inductive, 500 steps: 86.8%; from N(0, 1), as the original: 77% (transductive).
    small = keras.initializers.RandomNormal(stddev=0.05)
    outputs = layers.Dense(num_outputs, kernel_initializer=small, name="head")(x)
    return keras.Model(inputs, outputs, name="conv4")
