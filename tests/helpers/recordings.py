"""Invented recordings, and WAV files of every kind, written byte by byte."""

import struct

import numpy as np

RATE = 8000


def packed(samples, bits, is_float=False):
    """Samples `(frames, channels)` from -1 to 1 as the bytes of a WAV file, little end first."""
    if is_float:
        return samples.astype(f"<f{bits // 8}").tobytes()
    full = 1 << bits - 1
    values = np.clip(np.round(samples.astype(np.float64) * full), -full, full - 1).astype(np.int64)
    if bits == 8:
        return (values + 128).astype(np.uint8).tobytes()
    return b"".join(int(v).to_bytes(bits // 8, "little", signed=True) for v in values.ravel())


def wav(samples, rate=RATE, *, bits=16, is_float=False, extensible=False, before=()):
    """A WAV file; `before` are further chunks `(letters, content)` before the samples."""
    samples = np.asarray(samples, np.float64)
    samples = samples[:, np.newaxis] if samples.ndim == 1 else samples
    channels, code = samples.shape[1], 3 if is_float else 1
    block = channels * bits // 8
    fmt = struct.pack("<HHIIH", 0xFFFE if extensible else code, channels, rate, rate * block, block)
    fmt += struct.pack("<H", bits)
    if extensible:
        tail = b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
        fmt += struct.pack("<HHIH", 22, bits, 0, code) + tail
    chunks = [(b"fmt ", fmt), *before, (b"data", packed(samples, bits, is_float))]
    body = b"WAVE" + b"".join(map(chunk, chunks))
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunk(pair):
    letters, content = pair
    return letters + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def tones(rng, seconds=0.3, rate=RATE, frequencies=(300, 900, 2500)):
    """A mixture of tones with some noise, `(frames,)`."""
    time = np.arange(round(seconds * rate)) / rate
    waves = [np.sin(2 * np.pi * f * time + rng.uniform(0, 6)) for f in frequencies]
    return 0.2 * np.sum(waves, 0) / len(waves) + 0.01 * rng.normal(size=len(time))


def make_sounds(root, groups=4, classes=3, sounds=6, seed=0):
    """Folders GROUP/CLASS of short sounds: a class is a pitch, and a group changes its loudness."""
    rng = np.random.default_rng(seed)
    for group in range(groups):
        for number in range(classes):
            folder = root / f"voice{group}" / f"word{number}"
            folder.mkdir(parents=True)
            for each in range(sounds):
                pitch = (300 + 500 * number) * rng.uniform(0.97, 1.03)
                x = tones(rng, rng.uniform(0.2, 0.4), frequencies=(pitch, 2 * pitch))
                (folder / f"{each}.wav").write_bytes(wav(x / (1 + group)))
    return root
