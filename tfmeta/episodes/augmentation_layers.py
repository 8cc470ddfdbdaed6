"""Makes Keras layers that augment examples from the setting `augment`."""

import inspect
import re
from typing import Any

import keras
import tensorflow as tf

from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError
from tfmeta.keras_files import check_config
from tfmeta.named_code import NameInFile, import_named

_TRIAL_EXAMPLES = 4


def build_layer(name: str, options: dict[str, Any], source: EpisodeSource) -> keras.layers.Layer:
    """A layer that is built for the source's examples.

    Args:
        name: of a class of `keras.layers`, or `package.module:Class`.
        options: of its constructor. A `value_range` is [0, 1] for images by default.
        source: of the examples.

    Raises:
        UserError: if the layer is unknown, refuses its options or the examples, changes their
            shape, or has weights.
    """
    if isinstance(name, NameInFile) and ":" not in name:  # Lambda and similar layers run code too
        layer = {"module": "keras.layers", "class_name": str(name), "config": options}
        check_config(layer, name.file)
    layer_class = _find(name)
    parameters = list(inspect.signature(layer_class.__init__).parameters.values())[1:]
    taken = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if not isinstance(options, dict) or "seed" in options:
        raise UserError(
            f"received augment options {options!r} of {name}; expected {{option: value}}, without "
            "a seed: the run's own decides (--seed)"
        )
    if "value_range" in taken and "value_range" not in options:
        if source.input_format.value_range is None:
            raise UserError(
                f"the examples of {source.name} are no images from 0 to 1; tell {name} their range "
                f'in augment: {{"{name}": {{"value_range": [LOW, HIGH]}}}}'
            )
        options = {**options, "value_range": source.input_format.value_range}
    try:
        layer = layer_class(**options)
    except Exception as error:  # a layer's constructor may raise anything
        raise UserError(
            f"cannot build the layer {name} of augment with {options}: {reason(error)}. "
            f"It takes: {', '.join(taken)}"
        ) from error
    _check_shape(name, layer, source.input_shape)
    return layer


def call_layer(layer: keras.layers.Layer, x: tf.Tensor) -> Any:
    """The output of a layer for examples `(examples, ...)` in training."""
    has_training = "training" in inspect.signature(layer.call).parameters
    return layer(x, **({"training": True} if has_training else {}))


def reason(error: BaseException) -> str:
    """The message of an error on one line, without what Keras and TensorFlow put around it."""
    text = str(error)
    framed = re.search(r"\x1b\[1m(.*?)\x1b\[0m", text, re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}|\[Op:.*", "", framed[1] if framed else text)
    return " ".join(text.split()).rstrip(".")


def _find(name: str) -> Any:
    try:
        found = import_named(name, "augment layer") if ":" in name else getattr(keras.layers, name)
    except UserError:
        raise
    except Exception as error:  # a user's module may raise anything when it is imported
        found = error
    if not inspect.isclass(found) or not issubclass(found, keras.layers.Layer):
        raise UserError(
            f"received augment layer {name!r} ({found!r}); expected a class of keras.layers, such "
            "as RandomTranslation or GaussianNoise, or a Keras layer as package.module:Class"
        )
    return found


def _check_shape(name: str, layer: keras.layers.Layer, shape: tuple[int, ...]) -> None:
    try:
        output = call_layer(layer, tf.zeros((_TRIAL_EXAMPLES, *shape)))
        after = tuple(output.shape[1:])
    except Exception as error:  # a layer may raise anything
        raise UserError(
            f"the layer {name} of augment refuses examples of shape {shape}: {reason(error)}. "
            "Change its options, or leave it out"
        ) from error
    if after != tuple(shape):
        raise UserError(
            f"the layer {name} of augment makes examples of shape {after} from those of shape "
            f"{shape}; expected the same shape, which validation and test episodes keep. Change "
            "its options, or leave it out"
        )
    if layer.weights:
        raise UserError(
            f"the layer {name} of augment has weights, {layer.weights[0].path} first; expected a "
            "layer without, as nothing trains them. Make it part of the network, or leave it out"
        )
