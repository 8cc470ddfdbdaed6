"""WAV files without TensorFlow: their headers and samples, by the rules of the graph's decoder."""

import struct
from dataclasses import dataclass

import numpy as np

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
# Kinds of samples, code and bits; their position is the number of their decoder (`wav_samples.py`).
KINDS = ((PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64))
SLOWEST, FASTEST = 1_000, 192_000  # samples per second that a file may have
FIRST_CHUNK, MOST_CHUNKS = 12, 100  # chunks before the samples; real files have a handful
# The end of the identifier that stands for a plain code in an extensible format.
SUBFORMAT = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
FMT_BYTES, EXTENSIBLE_BYTES = 16, 40
LARGEST_FLOAT = 16.0  # full scale is 1; files that were mixed loudly go somewhat beyond


@dataclass(frozen=True)
class WavHeader:
    """What a WAV file says of itself.

    Attributes:
        kind: number of the kind of its samples, in `KINDS`.
        channels: number of channels.
        rate: samples per second.
        data_at, data_size: where the samples are, in bytes.
        frames: number of samples per channel.
    """

    kind: int
    channels: int
    rate: int
    data_at: int
    data_size: int
    frames: int

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


def wav_header(content: bytes) -> WavHeader:
    """The header of a WAV file.

    Raises:
        ValueError: if the file is no whole WAV file of one of the `KINDS`; its message says why.
    """
    fmt, data = _chunks(content)
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE" or not fmt or not data:
        raise ValueError("is no WAV file with a format and samples")
    length = _number(content, fmt + 4, 4)
    if length < FMT_BYTES or fmt + 8 + length > data:
        raise ValueError("is a WAV file with a damaged format")
    code, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", content, fmt + 8)
    if code == EXTENSIBLE and length >= EXTENSIBLE_BYTES:
        code = _number(content, fmt + 32, 2) if content[fmt + 34 : fmt + 48] == SUBFORMAT else code
    if (code, bits) not in KINDS:
        raise ValueError(f"is a WAV file of the unknown format {code} with {bits} bits")
    if not channels or block != channels * bits // 8:
        raise ValueError(f"is a WAV file with {channels} channels in {block} bytes per frame")
    if not SLOWEST <= rate <= FASTEST:
        raise ValueError(f"has {rate} samples per second, and {SLOWEST} to {FASTEST} are read")
    size, there = _number(content, data + 4, 4), len(content) - data - 8
    if size > there:
        raise ValueError(f"is cut off: its header promises {size} bytes of samples, of {there}")
    if not size:
        raise ValueError("has no samples")
    if size % block:
        raise ValueError(f"has {size} bytes of samples, which are no whole frames of {block}")
    kind = KINDS.index((code, bits))
    return WavHeader(kind, channels, rate, data + 8, size, size // block)


def _chunks(content: bytes) -> tuple[int, int]:
    """Where the format and the samples are; 0 for what is not there."""
    at, fmt, data, number = FIRST_CHUNK, 0, 0, 0
    while at + 8 <= len(content) and not data and number < MOST_CHUNKS:
        letters, length = content[at : at + 4], _number(content, at + 4, 4)
        fmt = at if letters == b"fmt " and not fmt else fmt
        data = at if letters == b"data" else data
        at, number = at + 8 + length + length % 2, number + 1
    return fmt, data


def _number(content: bytes, at: int, length: int) -> int:
    return int.from_bytes(content[at : at + length], "little")


def wav_samples(content: bytes, header: WavHeader) -> np.ndarray:
    """The samples, full scale from -1 to 1: float32 `(frames, channels)`.

    Raises:
        ValueError: if a sample is no finite number or far beyond full scale.
    """
    code, bits = KINDS[header.kind]
    body = content[header.data_at : header.data_at + header.data_size]
    if code == FLOAT:
        values = np.frombuffer(body, f"<f{bits // 8}")
        if not (np.abs(values) <= LARGEST_FLOAT).all():
            raise ValueError(
                f"has samples that are not finite or beyond {LARGEST_FLOAT:g} (full scale is 1)"
            )
    elif bits == 8:
        values = (np.frombuffer(body, np.uint8).astype(np.float32) - 128) / (1 << 7)
    elif bits == 24:
        padded = np.zeros((len(body) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(body, np.uint8).reshape(-1, 3)
        values = (padded.view("<i4")[:, 0] >> 8).astype(np.float32) / (1 << 23)
    else:
        values = np.frombuffer(body, f"<i{bits // 8}").astype(np.float32) / (1 << bits - 1)
    return values.astype(np.float32).reshape(-1, header.channels)


def wav_file(samples: np.ndarray, rate: int, *, bits: int = 32) -> bytes:
    """A WAV file of 32 bit floats, or of 16 bits.

    Args:
        samples: `(frames, channels)`, full scale from -1 to 1.
        rate: samples per second.
        bits: 32 or 16.
    """
    if bits == 16:
        code, body = PCM, np.clip(np.round(samples * (1 << 15)), -(1 << 15), (1 << 15) - 1)
    else:
        code, body = FLOAT, samples
    content = np.ascontiguousarray(body, "<f4" if code == FLOAT else "<i2").tobytes()
    channels = samples.shape[1]
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", code, channels, rate, rate * block, block, bits)
    chunks = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt
    chunks += b"data" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks
