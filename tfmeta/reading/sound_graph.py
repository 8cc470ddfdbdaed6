"""From WAV files to log-mel spectrograms in a TensorFlow graph, the same in training and serving.

The spectrogram is computed in float64, because quiet bands beside loud ones are differences of
large numbers.
"""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.reading.decoding.encoded_requests import (
    KEPT_WHOLE,
    Checked,
    each_prepared,
    within_request,
)
from tfmeta.reading.decoding.resampling import resampled
from tfmeta.reading.decoding.wav_header import HEADER, checked_sounds, seconds_of
from tfmeta.reading.decoding.wav_samples import wav_samples
from tfmeta.reading.sound_format import SoundFormat

_STEPS = 100  # per second, in which the loudest stretch is looked for
_LARGE = 2_000_000  # bytes; a larger sound is decoded by itself
_SILENT = 1e-30  # power below which there is no sound at all
_BESIDE = 1e-3  # by which a client's own rounding may leave the range
MOST_BYTES, MOST_SECONDS = 2**31 - 1, 2**31 - 1


def prepare(encoded: tf.Tensor, sound_format: SoundFormat, *, name: str = "sound") -> tf.Tensor:
    """WAV files `(...)` -> float32 `(..., frames, mels, 1)`.

    Raises:
        tf.errors.InvalidArgumentError: when the operation runs, if a file is no whole WAV file.
    """
    limits = {"most_bytes": MOST_BYTES, "most_seconds": MOST_SECONDS}
    return prepare_checked(*checked_sounds(encoded, name=name, **limits), sound_format, name=name)


def within_limits(files: dict[str, tf.Tensor], limits: Mapping[str, int]) -> dict[str, Checked]:
    """See `InputFormat.within_limits`."""
    largest = {"most_bytes": limits["sound_bytes"], "most_seconds": limits["sound_seconds"]}
    return within_request(
        files,
        limits,
        noun="sounds",
        unit="seconds",
        checked=lambda value, name: checked_sounds(value, name=name, **largest),
        cost=seconds_of,
    )


def are_spectrograms(x: tf.Tensor, sound_format: SoundFormat, name: str) -> Any:
    """An assertion that values are in the format's range."""
    least, most = sound_format.ends
    inside = tf.reduce_all((x >= least - _BESIDE) & (x <= most + _BESIDE))
    message = (
        f"{name}: expected log-mels on the scale of this model, from {least:.3g} to "
        f"{most:.3g}, received others; send the WAV files to {name}{sound_format.suffix}"
    )
    return tf.debugging.Assert(inside, [message])


def are_silent(x: tf.Tensor) -> tf.Tensor:
    """`(...)`: whether all numbers of a spectrogram `(..., frames, mels, 1)` are equal."""
    ends = tf.reduce_min(x, [-3, -2, -1]), tf.reduce_max(x, [-3, -2, -1])
    return ends[0] == ends[1]


def prepare_checked(
    encoded: tf.Tensor, headers: tf.Tensor, sound_format: SoundFormat, *, name: str = "sound"
) -> tf.Tensor:
    """`prepare` for the two tensors that `checked_sounds` returned."""
    # A constant inside the loop would make TensorFlow optimise the function anew for each call.
    name_tensor = tf.constant(name)
    return each_prepared(
        lambda each: _prepare_one(sound_format)(*each, name_tensor),
        (tf.reshape(encoded, [-1]), tf.reshape(headers, (-1, len(HEADER)))),
        spec=tf.TensorSpec(sound_format.shape, tf.float32),
        are_large=tf.strings.length(encoded) > _LARGE,
    )


@cache
def _prepare_one(sound_format: SoundFormat) -> Any:
    """Traced once per format; a server that inlined it at each place would take long to start."""

    def prepare_one(content: tf.Tensor, header: tf.Tensor, name: tf.Tensor) -> tf.Tensor:
        samples = wav_samples(content, header, name)
        return spectrogram(
            stretch(samples, header[HEADER.index("rate")], sound_format), sound_format
        )

    return tf.function(
        prepare_one,
        input_signature=[
            tf.TensorSpec((), tf.string),
            tf.TensorSpec((len(HEADER),), tf.int64),
            tf.TensorSpec((), tf.string),
        ],
        autograph=False,
        experimental_attributes=KEPT_WHOLE,
    )


def stretch(x: tf.Tensor, rate: tf.Tensor, sound_format: SoundFormat) -> tf.Tensor:
    """The part that is heard, at the format's rate: float64 `(samples,)`.

    Args:
        x: float32 `(any,)`.
        rate: scalar int64, samples per second of `x`.
        sound_format: of the result.
    """
    wanted, to_rate = sound_format.samples, sound_format.rate
    length = tf.cast(tf.size(x), tf.int64)
    needed = (wanted * rate + to_rate - 1) // to_rate  # samples of the file
    is_longer = length > needed
    start = tf.cond(is_longer, lambda: _loudest(x, rate, needed), lambda: (length - needed) // 2)
    return resampled(x, rate, start, to_rate=to_rate, count=wanted)


def _loudest(x: tf.Tensor, rate: tf.Tensor, needed: tf.Tensor) -> tf.Tensor:
    """Where the stretch of `needed` samples with the most energy begins, scalar int64."""
    step = tf.maximum(rate // _STEPS, 1)
    length = tf.cast(tf.size(x), tf.int64)
    number = (length + step - 1) // step
    energies = tf.reshape(tf.pad(x * x, [[0, number * step - length]]), (number, step))
    sums = tf.pad(tf.cumsum(tf.cast(tf.reduce_sum(energies, 1), tf.float64)), [[1, 0]])
    width = tf.minimum((needed + step - 1) // step, number)
    best = tf.argmax(sums[width:] - sums[: number - width + 1])
    return tf.minimum(best * step, length - needed)


def spectrogram(samples: tf.Tensor, sound_format: SoundFormat) -> tf.Tensor:
    """Samples `(samples,)` of the format's rate -> float32 `(frames, mels, 1)`."""
    waves = tf.signal.stft(
        samples,
        sound_format.window,
        sound_format.hop,
        sound_format.fft_length,
        window_fn=partial(tf.signal.hann_window, periodic=True),
    )
    power = tf.math.real(waves) ** 2 + tf.math.imag(waves) ** 2
    mels = tf.matmul(power, tf.constant(sound_format.bands()))
    loudest = tf.maximum(tf.reduce_max(mels), _SILENT)
    decibels = 10 / np.log(10) * tf.math.log(tf.maximum(mels / loudest, _SILENT))
    decibels = tf.cast(tf.maximum(decibels, -sound_format.range_db), tf.float32)
    values = (decibels - sound_format.centre) * (1 / sound_format.spread)
    return tf.ensure_shape(values[..., tf.newaxis], sound_format.shape)
