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

Rows = npt.NDArray[Any]
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
    statistics = SoundStatistics(HEARD, of_whole=True, name="statistics", **full_dtype())(inputs)
    features = statistics
    if has_speech:
        embedding = speech_embedding(input_shape)(inputs)
        beside = layers.Concatenate(name="beside_each_other", **full_dtype())
        features = beside([statistics, embedding])
    return keras.Model(inputs, features, name="sounds"), statistics.shape[-1]


def speech_and_statistics(rows: Rows, number: int) -> keras.Model:
    """A network on whose features a head compares sounds by the embedding of speech above all.

    Beside it stand the statistics, as in a table, columns with the likeness of rows; see
    `TableNetworks`. They tell voices and microphones apart too, which the embedding of speech has
    learned to leave aside, so that beside it they have half its length.

    Args:
        rows: what `heard_features` makes of the sounds that are learned, `(sounds, features)`.
        number: of these features, how many are statistics.

    Returns:
        A model `(batch, features) -> (batch, ...)`.
    """
    inputs = keras.Input(rows.shape[1:], name="features")
    statistics, speech = inputs[:, :number], inputs[:, number:]
    columns = _scaled(inputs, statistics, rows[:, :number])
    likeness = TableNetworks(columns, rows).alike().output
    unit = layers.UnitNormalization(name="of_unit_length", **full_dtype())(likeness)
    shorter = layers.Rescaling(BESIDE_SPEECH, name="shorter", **full_dtype())(unit)
    roots = UnitRoots(name="unit_roots", **full_dtype())(speech)
    outputs = layers.Concatenate(name="both", **full_dtype())([shorter, roots])
    return keras.Model(inputs, outputs, name="sounds")


def statistics_telling_apart(rows: Rows, labels: Any, seen: Any = slice(None)) -> keras.Model:
    """A network on whose features a head compares sounds by their statistics alone.

    It is for what the embedding of speech leaves aside: who speaks, in which mood, or which
    instrument plays.

    Args:
        rows: the statistics of the sounds that are learned, `(sounds, statistics)`.
        labels, seen: see `TableNetworks.telling_apart`.

    Returns:
        A model `(batch, statistics) -> (batch, ...)`.
    """
    inputs = keras.Input(rows.shape[1:], name="features")
    return TableNetworks(_scaled(inputs, inputs, rows), rows).telling_apart(labels, seen)


def _scaled(inputs: Any, statistics: Any, rows: Rows) -> keras.Model:
    """The statistics, of a mean of zero and a deviation of one for the sounds that are learned."""
    deviation = rows.std(0)
    scale = 1 / np.where(deviation > 0, deviation, 1.0)
    offset = (-rows.mean(0) * scale).tolist()
    scaling = layers.Rescaling(scale.tolist(), offset, name="scaled", **full_dtype())
    return keras.Model(inputs, scaling(statistics), name="columns")
