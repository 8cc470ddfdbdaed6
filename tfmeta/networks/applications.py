"""The classifiers of `keras.applications`, without their top: features of photographs."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from keras import layers

from tfmeta.errors import UserError, described
from tfmeta.keras_internals import has_random_generator, home_folder
from tfmeta.named_code import NameInFile, refuse_code, trusts_files
from tfmeta.networks.image_input import image_input, with_head

# Pixels of each side that they were trained on, where these are not the usual ones.
_USUAL_SIZE = 224
_SIZES = {
    "EfficientNetB1": 240,
    "EfficientNetB2": 260,
    "EfficientNetB3": 300,
    "EfficientNetB4": 380,
    "EfficientNetB5": 456,
    "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2B1": 240,
    "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300,
    "EfficientNetV2L": 480,
    "EfficientNetV2M": 480,
    "EfficientNetV2S": 384,
    "InceptionResNetV2": 299,
    "InceptionV3": 299,
    "NASNetLarge": 331,
    "Xception": 299,
}


def applications(
    name: str,
    input_shape: tuple[int, ...] = (_USUAL_SIZE, _USUAL_SIZE, 3),
    num_outputs: int | None = None,
    *,
    weights: str | None = "imagenet",
    size: int | None = None,
) -> keras.Model:
    """A classifier of `keras.applications` without its top, its features averaged over positions.

    The network takes pixels in [0, 1] of any size: it resizes them (bicubic), and scales them by
    the network's own `preprocess_input`. A grey image has its one channel three times. Dropout and
    stochastic depth are left out.

    Args:
        name: such as "MobileNetV2"; https://keras.io/api/applications lists them.
        input_shape: `(height, width, channels)`, 1 or 3 channels.
        num_outputs: units of the head (classes, or regression outputs); None for no head: the
            model then ends with its features.
        weights: "imagenet", which Keras downloads once; the path of a file of them; or None: drawn
            at random.
        size: pixels of each side that the images are resized to; None: as it was trained.

    Returns:
        A model `(batch, height, width, channels) -> (batch, num_outputs)`, logits or features.

    Raises:
        ValueError: if the input is no image, or too small for the network.
        UserError: if there is no such network, or its weights can't be had.

    Example:

    >>> applications("MobileNetV2", (32, 32, 3), weights=None, size=96).output_shape
    (None, 1280)
    """
    make = _classifier(name)
    size = size or _SIZES.get(name, _USUAL_SIZE)
    inputs, x = image_input(input_shape, size, network=f"applications:{name}")
    # In float32, as image_input: the scaling is a part of it.
    x = layers.Rescaling(255.0, name="levels", dtype="float32")(x)
    x = sys.modules[make.__module__].preprocess_input(x)
    options = {"include_top": False, "pooling": "avg", "input_shape": (size, size, 3)}
    base = _with_weights(make, weights, **options)
    features = keras.models.clone_model(base, clone_function=_without_draws)(x)
    return keras.Model(inputs, with_head(features, num_outputs), name=name.lower())


def _classifier(name: str) -> Callable[..., keras.Model]:
    known = {n: each for n, each in vars(keras.applications).items() if n[0].isupper()}
    if name not in known:
        raise UserError(
            f"there is no network {name!r} in keras.applications; expected one of: "
            f"{', '.join(sorted(known))}"
        )
    return known[name]


def _without_draws(layer: keras.Operation) -> keras.Operation:
    """The layer itself, with its weights; one that does nothing for a layer that would draw."""
    # ConvNeXt's own layer draws from Keras's generator, and has none.
    is_random = type(layer).__name__ == "StochasticDepth" or (
        isinstance(layer, keras.Layer) and has_random_generator(layer)
    )
    return layers.Identity(name=layer.name) if is_random else layer


def _with_weights(
    make: Callable[..., keras.Model], weights: str | None, **options: Any
) -> keras.Model:
    """The network, with its weights or one line that says how to get them."""
    if weights in ("imagenet", None):
        where = "could not be downloaded"
    else:
        where = f"could not be read from {weights}"
        if isinstance(weights, NameInFile) and not trusts_files():
            raise refuse_code(f"the weights in the file {str(weights)!r}", weights.file)
        if not Path(weights).is_file():
            raise UserError(f"there is no file of weights {weights}; expected one, or 'imagenet'")
    try:
        return make(weights=weights, **options)
    except Exception as error:
        if weights is None:  # the network's own refusal, of a size for example
            raise
        folder = home_folder() / "models"
        raise UserError(
            f"the weights of applications:{make.__name__} {where} ({described(error)}). Download "
            f"them elsewhere and put the file into {folder}, where Keras looks for it; or, for "
            "`tfmeta train`, pass it by --set network.weights=FILE, or train without them: --set "
            "network.weights=null"
        ) from error
