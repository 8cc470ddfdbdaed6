"""How sounds become examples: the settings, without TensorFlow; `sound_graph.py` has the work."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tfmeta.reading.mel_bands import mel_weights
from tfmeta.reading.wav_files import FASTEST, SLOWEST

_MOST_FRAMES = 10_000


@dataclass(frozen=True)
class SoundFormat:
    """The one definition of how a pipeline's sounds are read.

    An example is a log-mel spectrogram, float32 `(frames, mels, 1)`. Of a longer sound, the stretch
    with the most energy is taken, because recordings begin and end with silence of any length. A
    shorter sound gets silence before and after it, as much on both sides.

    Args:
        rate: samples per second; sounds of other rates are resampled.
        samples: length of the stretch that is heard.
        mels: number of frequency bands.
        window, hop: length of a frame and its distance to the next frame, in samples.
        lowest, highest: the frequencies where the bands begin and end, in Hz.
        range_db: decibels below the sound's loudest band that are told apart; all below is one
            value. The loudest band of each sound is 0, so that the microphone's distance does not
            count.
        centre, spread: of the training split's values; what the network takes is
            `(value - centre) / spread`.

    Raises:
        ValueError: if an argument has another value than these.
    """

    rate: int
    samples: int
    mels: int = 40
    window: int = 400
    hop: int = 160
    lowest: float = 20.0
    highest: float = 8000.0
    range_db: float = 60.0
    centre: float = 0.0
    spread: float = 1.0

    def __post_init__(self) -> None:
        for name in ("rate", "samples", "mels", "window", "hop"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"received {name}={value!r}; expected a whole number above 0")
        for name in ("lowest", "highest", "range_db", "centre", "spread"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"received {name}={value!r}; expected a number")
            if not math.isfinite(value):
                raise ValueError(f"received {name}={value!r}; expected a finite number")
        if not SLOWEST <= self.rate <= FASTEST:
            raise ValueError(f"received rate={self.rate}; expected {SLOWEST} to {FASTEST}")
        if not 0 <= self.lowest < self.highest <= self.rate / 2:
            raise ValueError(
                f"received frequencies from {self.lowest:g} to {self.highest:g} Hz; expected "
                f"0 <= lowest < highest <= {self.rate / 2:g}, half the rate"
            )
        if not 0 < self.range_db <= 150 or self.spread <= 0:
            raise ValueError(
                f"received range_db={self.range_db:g} and spread={self.spread:g}; expected above "
                "0, and 150 dB at most"
            )
        if not self.window <= self.samples or self.frames > _MOST_FRAMES:
            raise ValueError(
                f"received {self.samples} samples, windows of {self.window} and a hop of "
                f"{self.hop}; expected from 1 to {_MOST_FRAMES} frames"
            )
        if not self.bands().any(0).all():
            raise ValueError(
                f"received mels={self.mels} with a window of {self.window} samples, which leave "
                "bands without a frequency; expected fewer mels or a longer window"
            )

    @property
    def frames(self) -> int:
        return 1 + (self.samples - self.window) // self.hop

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.frames, self.mels, 1)

    @property
    def seconds(self) -> float:
        return self.samples / self.rate

    @property
    def fft_length(self) -> int:
        """The next power of two from the window's length on."""
        return 1 << math.ceil(math.log2(self.window))

    def bands(self) -> np.ndarray:
        """The weights `(frequencies, mels)` that make mel bands of a frame's frequencies."""
        return mel_weights(
            self.mels, self.fft_length, rate=self.rate, lowest=self.lowest, highest=self.highest
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "SoundFormat":
        return cls(**fields)
