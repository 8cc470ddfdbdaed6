"""The networks of the few-shot papers, as plain Keras models; any built `keras.Model` will do."""

import math

import keras
import numpy as np
from keras import layers, ops

NAMES = ("conv4", "mlp", "bag_of_tokens")  # what `--set network=NAME` takes


def conv4(
    input_shape=(28, 28, 1),
    num_outputs=5,
    *,
    filters=64,
    downsampling="stride",
    features="flatten",
    num_blocks=4,
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


def mlp(
    input_shape=(1,),
    num_outputs=1,
    *,
    units=(40, 40),
    activation="relu",
    input_mean=None,
    input_scale=None,
    input_dtype="float32",
) -> keras.Model:
    """A dense network; 1-40-40-1 is the sinusoid network of Finn et al. 2017, section 5.1.

    Args:
        input_shape: of one example; more than one dimension is flattened.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        units: of the hidden layers.
        activation: of the hidden layers.
        input_mean: subtracted from each (flattened) example first, a number a feature; None: no.
        input_scale: what it is divided by then. Neither is learned, so an export takes raw values.
        input_dtype: "float64" for raw values that float32 can't tell apart, such as Unix times:
            they are centred and scaled in float64, and the rest is as ever.

    Returns:
        A model `(batch, *input_shape) -> (batch, num_outputs)`, without a head `(batch, units)`.

    Raises:
        ValueError: if there is not one mean and one positive scale a feature, or `input_dtype` is
            neither.
    """
    if input_dtype not in ("float32", "float64"):
        raise ValueError(f"received input_dtype={input_dtype!r}; expected 'float32' or 'float64'")
    wide = {"dtype": "float64"} if input_dtype == "float64" else {}
    inputs = x = keras.Input(tuple(input_shape), name="features", **wide)
    if len(input_shape) > 1:
        x = layers.Flatten(name="flatten", **wide)(x)
    # Two layers, because x / scale - mean / scale loses the digits of a mean that is far from 0.
    if input_mean is not None:
        mean = _a_feature("input_mean", input_mean, input_shape)
        coarse = mean.astype(np.float32).astype(np.float64)
        x = layers.Rescaling(1.0, (-coarse).tolist(), name="centre", **wide)(x)
        if wide:
            # Keras reads the numbers of a list as float32: a second layer has what that leaves.
            x = layers.Rescaling(1.0, (coarse - mean).tolist(), name="centre_rest", **wide)(x)
    if input_scale is not None:
        scale = _a_feature("input_scale", input_scale, input_shape)
        if not (scale > 0).all():
            raise ValueError(f"received input_scale={scale.tolist()}; expected positive numbers")
        x = layers.Rescaling((1 / scale).tolist(), name="scale", **wide)(x)
    if wide:
        x = layers.Identity(name="narrow")(x)  # casts to what the layers after it compute in
    for number, size in enumerate(units, 1):
        x = layers.Dense(size, activation=activation, name=f"hidden{number}")(x)
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="mlp")


def declared_dtype(network) -> str | None:
    """What a network's `keras.Input` says it takes; None of one that has none."""
    inputs = getattr(network, "inputs", None)
    return keras.backend.standardize_dtype(inputs[0].dtype) if inputs else None


def input_dtype(network) -> str:
    """What a network takes its examples as: "float64" if it says so, else "float32"."""
    return "float64" if declared_dtype(network) == "float64" else "float32"


def unscaled(network, standard: np.ndarray) -> np.ndarray:
    """Raw examples that the network's first layers, `centre` and `scale`, make these of.

    Args:
        network: any; without such layers the examples are returned as they are.
        standard: `(..., *input_shape)` numbers around 0.
    """
    if input_dtype(network) != "float64":
        return standard.astype(np.float32)
    first = {layer.name: layer for layer in network.layers}
    flat = standard.reshape(-1, math.prod(network.input_shape[1:])).astype(np.float64)
    if "scale" in first:
        flat = flat / np.asarray(first["scale"].scale)
    for name in ("centre_rest", "centre"):
        if name in first:
            flat = flat - np.asarray(first[name].offset)
    return flat.reshape(standard.shape)


def _a_feature(name, values, input_shape):
    """The constant as an array, once there is a finite number of it for each feature."""
    values, size = np.asarray(values, np.float64), math.prod(input_shape)
    if values.shape != (size,) or not np.isfinite(values).all():
        raise ValueError(
            f"received {name} of shape {values.shape} for examples of shape {tuple(input_shape)}; "
            f"expected {size} finite numbers"
        )
    return values


def bag_of_tokens(
    input_shape=(32,), num_outputs=5, *, vocabulary_size, embedding_size=64, units=(64,)
) -> keras.Model:
    """The mean of a text's token embeddings, then a dense network: the order of words is lost.

    The network of Iyyer et al. 2015 (deep averaging, https://aclanthology.org/P15-1162).

    Args:
        input_shape: `(length,)` token ids of one text, as floats; 0 is padding and counts for
            nothing, 1 any unknown token.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        vocabulary_size: ids there are, those two included; any other id counts as unknown.
        embedding_size: of each token's embedding.
        units: of the hidden layers.

    Returns:
        A model `(batch, length) -> (batch, num_outputs)`, without a head `(batch, units)`.

    Raises:
        ValueError: if an example is no vector, or there is no id but those two.
    """
    if len(input_shape) != 1:
        raise ValueError(
            f"received input_shape={tuple(input_shape)}; bag_of_tokens takes (length,), token ids"
        )
    if not vocabulary_size > 2:
        raise ValueError(
            f"received vocabulary_size={vocabulary_size}; expected 3 or more: padding, unknown, "
            "and a token"
        )
    inputs = keras.Input(tuple(input_shape), name="tokens")
    # A table of embeddings as what a dense layer makes of 1. The gradient of Keras's own embedding
    # is sparse, and an inner step can't subtract that; a one-hot product needs far more memory.
    one = ops.ones_like(ops.sum(inputs[:, :1], 0, keepdims=True))
    table = layers.Dense(
        vocabulary_size * embedding_size,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomUniform(-0.05, 0.05),  # as Keras's embedding
        name="embedding",
    )(one)
    table = ops.reshape(table, (vocabulary_size, embedding_size))
    is_known = ops.logical_and(inputs >= 0, inputs < vocabulary_size)
    x = ops.take(table, ops.cast(ops.where(is_known, inputs, 1.0), "int32"), axis=0)
    is_token = ops.expand_dims(ops.cast(ops.not_equal(inputs, 0), x.dtype), -1)
    # At least one, so that a text without any token is a zero and not a division by zero.
    number = ops.maximum(ops.sum(is_token, 1), 1)
    x = ops.sum(x * is_token, 1) / number
    for index, size in enumerate(units, 1):
        x = layers.Dense(size, activation="relu", name=f"hidden{index}")(x)
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="bag_of_tokens")
