"""A map of the features that a pretrained network makes."""

from typing import Any

import keras
from keras import layers, ops

from tfmeta.networks.input_dtypes import full_dtype
from tfmeta.networks.within_class_whitening import WithinClassWhitening

_SMALLEST = 1e-12  # a squared length that is divided by


@keras.saving.register_keras_serializable("tfmeta")
class UnitRoots(layers.Layer):
    """Square roots of the features' sizes with their signs, brought to unit length.

    Pooled features have few large values and many small ones. The root evens them out, and the unit
    length takes away how strong the contrast of an image is (Hellinger's kernel; Arandjelovic and
    Zisserman 2012, https://doi.org/10.1109/CVPR.2012.6248018, section 3).
    """

    def call(self, x: Any) -> Any:
        """`(batch, features)` -> the same shape."""
        roots = ops.sign(x) * ops.sqrt(ops.abs(x))
        return roots * ops.rsqrt(ops.sum(ops.abs(x), -1, keepdims=True) + _SMALLEST)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def feature_map(
    input_shape: tuple[int, ...] = (1280,),
    num_outputs: int | None = None,
    *,
    trained: bool = True,
    shrinkage: float = 1e-3,
) -> keras.Model:
    """Features as a pretrained network makes them -> features that are better to compare.

    It begins with the square roots of the features, of unit length. If it is trained, they are
    whitened within the training classes, which a run computes before its first step (see
    `WithinClassWhitening`). Training adds a linear map, which begins at zero and is drawn back to
    it, because few classes are soon learned by heart (Chen et al. 2021,
    https://arxiv.org/abs/2003.04390, section 4.4).

    Args:
        input_shape: of one example's features.
        num_outputs: units of the head (classes, or regression outputs); None for no head.
        trained: whether there is a map to train; else only the head is, if there is one.
        shrinkage: weight of the map's squared size in the loss.

    Returns:
        A model `(batch, *input_shape) -> (batch, num_outputs)`, without a head `(batch, features)`.

    Example:

    >>> feature_map((4,), trained=False).count_params()
    0
    """
    options: dict[str, Any] = full_dtype()
    inputs = keras.Input(tuple(input_shape), name="features")
    x = inputs if len(input_shape) == 1 else layers.Flatten(name="flatten")(inputs)
    x = UnitRoots(name="unit_roots", **options)(x)
    if trained:
        x = WithinClassWhitening(name="whitening", **options)(x)
        change = layers.Dense(
            x.shape[-1],
            kernel_initializer="zeros",
            kernel_regularizer=keras.regularizers.L2(shrinkage),
            name="change",
        )(x)
        x = layers.Add(name="changed")([x, change])
    outputs = x if num_outputs is None else layers.Dense(num_outputs, name="head")(x)
    return keras.Model(inputs, outputs, name="feature_map")
