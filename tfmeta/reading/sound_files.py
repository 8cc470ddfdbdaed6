"""Sound files on a user's disk, as a request would carry them. Imports no TensorFlow."""

import hashlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfmeta.errors import UserError
from tfmeta.extras import import_extra
from tfmeta.reading.wav_files import WavHeader, wav_file, wav_header, wav_samples
from tfmeta.user_files import AnyPath, read_file

SOUND_SUFFIXES = (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff")
EXPECTED = "a whole WAV, FLAC, OGG, MP3, AIFF, AU or CAF file"
_MOST_BYTES = 256 * 2**20  # of a sound file
_MOST_FRAMES = 2**28  # of a compressed file, all channels together: a gigabyte of samples
_FULL_SCALE = 0.999  # a sample from here on was clipped, if others beside it were
_CLIPPED_RUN = 3  # such samples in a row; a sine at full scale has fewer at most frequencies


@dataclass(frozen=True)
class SoundFacts:
    """What `tfmeta inspect` says about one sound.

    Attributes:
        seconds: its length.
        rate: samples per second.
        channels: number of channels.
        peak: the largest sample, full scale being 1.
        clipped: whether samples in a row stand at full scale.
        digest: of its samples; equal digests mean duplicates, in whatever file format.
    """

    seconds: float
    rate: int
    channels: int
    peak: float
    clipped: bool
    digest: bytes


def read_sound(path: AnyPath) -> bytes:
    """The content of a sound file, as a request would carry it: a WAV file.

    WAV files that the graph decodes are returned unchanged. FLAC, OGG, MP3, AIFF, AU, CAF and other
    WAV files become WAV files of 32 bit floats with the same samples; that needs `tfmeta[sound]`.

    Raises:
        UserError: if the file is missing or damaged, or is no sound, or a package is missing.
    """
    try:
        content = read_file(path, most=_MOST_BYTES)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); expected {EXPECTED}") from error
    try:
        wav_samples(content, wav_header(content))
        return content
    except ValueError as error:
        if content[:4] == b"RIFF" and "unknown format" not in str(error):
            raise _refused(path, str(error)) from error
    return wav_file(*_decoded(path, content))


def sound_facts(content: bytes) -> SoundFacts:
    """Facts about a file that `read_sound` returned."""
    header: WavHeader = wav_header(content)
    samples = wav_samples(content, header)
    full = (np.abs(samples) >= _FULL_SCALE).any(1)
    in_a_row = np.convolve(full, np.ones(_CLIPPED_RUN, int))  # of the last samples
    parts = f"{header.rate} {header.channels} ".encode() + samples.tobytes()
    return SoundFacts(
        header.seconds,
        header.rate,
        header.channels,
        float(np.abs(samples).max()),
        bool(in_a_row.max() == _CLIPPED_RUN),
        hashlib.blake2b(parts, digest_size=16).digest(),
    )


def _decoded(path: AnyPath, content: bytes) -> tuple[np.ndarray, int]:
    """The samples `(frames, channels)` and the rate of a file that is no plain WAV."""
    try:
        soundfile: Any = import_extra("soundfile", package="soundfile", extra="sound")
    except UserError as error:
        raise UserError(f"{path} is no plain WAV file, and for others {error}") from error
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.frames * file.channels > _MOST_FRAMES:
                raise _refused(path, f"has {file.frames:,} frames, more than are read")
            samples = file.read(dtype="float32", always_2d=True)
            rate = file.samplerate
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise _refused(path, "is no sound, or is damaged") from error
    converted = wav_file(samples, rate)
    try:
        wav_samples(converted, wav_header(converted))
    except ValueError as error:
        raise _refused(path, str(error)) from error
    return samples, rate


def _refused(path: AnyPath, problem: str) -> UserError:
    return UserError(f"{path} {problem}; expected {EXPECTED}")
