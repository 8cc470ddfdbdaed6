"""The image networks of KerasHub, by preset: features of photographs."""

from pathlib import Path
from typing import Any

import keras
from keras import layers

from tfmeta import strict_json
from tfmeta.errors import UserError, described
from tfmeta.extras import import_extra
from tfmeta.keras_files import check_config
from tfmeta.named_code import NameInFile, refuse_code, trusts_files
from tfmeta.networks.image_input import image_input, with_head

_USUAL_SIZE = 224


def keras_hub(
    preset: str,
    input_shape: tuple[int, ...] = (_USUAL_SIZE, _USUAL_SIZE, 3),
    num_outputs: int | None = None,
    *,
    pool: str = "mean",
    size: int | None = None,
    load_weights: bool = True,
) -> keras.Model:
    """An image backbone of KerasHub, one vector of features per image.

    The network takes pixels in [0, 1] of any size: it resizes them to a square (bicubic), and
    scales them as the preset's image converter says. A grey image has its one channel three times.

    Args:
        preset: its name, such as "dinov2_small"; https://keras.io/keras_hub/presets lists them. Or
            a local folder that `backbone.save_to_preset()` and the same of its
            `keras_hub.layers.ImageConverter` made.
        input_shape: `(height, width, channels)`, 1 or 3 channels.
        num_outputs: units of the head (classes, or regression outputs); None for no head: the
            model then ends with its features.
        pool: what becomes of a backbone's outputs per token or position: "mean", the mean of all of
            them; or "first", the first token, which is the class token of ViT and DINOv2.
        size: pixels of each side that the images are resized to; None: as the preset says.
        load_weights: the preset's weights; false for weights that are drawn at random.

    Returns:
        A model `(batch, height, width, channels) -> (batch, num_outputs)`, logits or features.

    Raises:
        ValueError: if the input is no image, or an option makes no sense.
        UserError: if KerasHub is not installed, or the preset can't be had or is of no images.
    """
    if pool not in ("mean", "first"):
        raise ValueError(f"received pool={pool!r}; expected 'mean' or 'first'")
    hub = import_extra("keras_hub", package="keras-hub", extra="hub")
    _check_preset(preset)
    converter = _loaded(hub.layers.ImageConverter, preset)
    size = size or (converter.image_size or (_USUAL_SIZE,))[0]
    options = {"image_shape": (size, size, 3), "load_weights": load_weights}
    backbone = _loaded(hub.models.Backbone, preset, **options)
    inputs, x = image_input(input_shape, size, network=f"keras-hub:{preset}")
    # In float32, as image_input: the scaling is a part of it.
    scale = [255 * each for each in _per_channel(converter.scale, 1.0)]
    offset = _per_channel(converter.offset, 0.0)
    x = layers.Rescaling(scale, offset, name="standardised", dtype="float32")(x)
    features = _pooled(backbone(_as_taken(backbone, x, preset)), pool, preset)
    return keras.Model(inputs, with_head(features, num_outputs), name="keras_hub")


def _check_preset(preset: str) -> None:
    """Raises UserError if a file names the preset, or it asks for code that is not KerasHub's."""
    if isinstance(preset, NameInFile) and not trusts_files():
        raise refuse_code(f"the preset {str(preset)!r} of KerasHub", preset.file)
    for path in sorted(Path(preset).glob("*.json")):  # none where it is a name
        try:
            check_config(strict_json.read(path, dict), path)
        except (OSError, ValueError) as error:
            raise UserError(f"cannot read {path}: {described(error)}") from error


def _loaded(kind: Any, preset: str, **options: Any) -> Any:
    try:
        return kind.from_preset(str(preset), **options)
    except Exception as error:  # whatever KerasHub raises of a download or a folder
        raise UserError(
            f"the preset {str(preset)!r} of KerasHub cannot be loaded as a {kind.__name__} "
            f"({described(error)}); expected a preset of images: a name that can be downloaded, or "
            "a local folder with a backbone and its image converter"
        ) from error


def _per_channel(numbers: Any, usual: float) -> list[float]:
    if numbers is None:
        numbers = usual
    return list(map(float, numbers)) if isinstance(numbers, list | tuple) else [float(numbers)] * 3


def _as_taken(backbone: keras.Model, images: Any, preset: str) -> Any:
    """The images as the backbone's one input."""
    if len(backbone.inputs) != 1:
        raise UserError(
            f"the preset {str(preset)!r} of KerasHub has {len(backbone.inputs)} inputs; expected "
            "one, of images"
        )
    names = backbone.input
    return dict.fromkeys(names, images) if isinstance(names, dict) else images


def _pooled(outputs: Any, pool: str, preset: str) -> Any:
    rank = len(getattr(outputs, "shape", ()))
    if rank not in (2, 3, 4):
        raise UserError(
            f"the preset {str(preset)!r} of KerasHub does not answer with one tensor of features"
        )
    if rank == 2:
        return outputs
    if rank == 4:
        if pool == "first":
            raise ValueError("received pool='first' for a network without tokens; expected 'mean'")
        return layers.GlobalAveragePooling2D(name="features")(outputs)
    if pool == "first":
        return outputs[:, 0]
    return layers.GlobalAveragePooling1D(name="features")(outputs)
