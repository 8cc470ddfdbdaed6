"""What a linear head learns sounds from: their statistics, and the embedding of speech."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from tfmeta.networks.feature_map import UnitRoots
from tfmeta.networks.input_dtypes import full_dtype
from tfmeta.networks.sound_statistics import SoundStatistics
from tfmeta.networks.speech_embedding import HEARD, speech_embedding
from tfmeta.networks.table_features import TableNetworks

BESIDE_SPEECH = 0.5  # length of the statistics, where that of the embedding is 1


def heard_features(input_shape: tuple[int, ...], *, has_speech: bool) -> tuple[keras.Model, int]:
    """A network of sounds that nothing trains, and how many of its features are statistics.

    Args:
        input_shape: `(frames, mels, 1)`.
        has_speech: whether the speech embedding is beside the statistics.

    Returns:
        A model `(batch, frames, mels, 1) -> (batch, statistics + embedding)`.
    """
    inputs = keras.Input(tuple(input_shape), name="log_mels")
    statistics = SoundStatistics(HEARD, name="statistics", **full_dtype())(inputs)
    features = statistics
    if has_speech:
        embedding = speech_embedding(input_shape)(inputs)
        beside = layers.Concatenate(name="beside_each_other", **full_dtype())
        features = beside([statistics, embedding])
    return keras.Model(inputs, features, name="sounds"), statistics.shape[-1]


def features_of_sounds(rows: npt.NDArray[Any], number: int) -> keras.Model:
    """A network on whose features a head compares sounds.

    The statistics are as in a table, columns with the likeness of rows beside them; see
    `TableNetworks`. They tell voices and microphones apart too, which the embedding of speech
    has learned to leave aside, so that beside it they have half its length.

    Args:
        rows: what `heard_features` makes of the sounds that are learned, `(sounds, features)`.
        number: of these features, how many are statistics.

    Returns:
        A model `(batch, features) -> (batch, ...)`.
    """
    inputs = keras.Input(rows.shape[1:], name="features")
    statistics, speech = inputs[:, :number], inputs[:, number:]
    mean, deviation = rows[:, :number].mean(0), rows[:, :number].std(0)
    scale = 1 / np.where(deviation > 0, deviation, 1.0)
    scaling = layers.Rescaling(
        scale.tolist(), (-mean * scale).tolist(), name="scaled", **full_dtype()
    )
    columns = keras.Model(inputs, scaling(statistics), name="columns")
    likeness = TableNetworks(columns, rows).alike()
    if rows.shape[1] == number:
        return likeness
    unit = layers.UnitNormalization(name="of_unit_length", **full_dtype())(likeness.output)
    shorter = layers.Rescaling(BESIDE_SPEECH, name="shorter", **full_dtype())(unit)
    roots = UnitRoots(name="unit_roots", **full_dtype())(speech)
    outputs = layers.Concatenate(name="both", **full_dtype())([shorter, roots])
    return keras.Model(inputs, outputs, name="sounds")
