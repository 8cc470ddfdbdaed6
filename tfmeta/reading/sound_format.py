"""How sounds are read: the one description that training, prediction and serving share."""

import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfmeta import typed_fields as typed
from tfmeta.reading.example_parts import Box, ExampleParts, windows
from tfmeta.reading.example_reader import ExampleReader
from tfmeta.reading.format_registry import FORMATS
from tfmeta.reading.mel_bands import mel_edges, mel_weights
from tfmeta.reading.sound_reader import SoundReader
from tfmeta.reading.string_format import StringFormat
from tfmeta.reading.wav_files import FASTEST, SLOWEST, wav_file, wav_header

if TYPE_CHECKING:
    from tfmeta.reading.corruptions.corruption import Corruption
    from tfmeta.reading.prepared import Prepared

_MOST_FRAMES = 10_000


@dataclass(frozen=True)
class SoundFormat(StringFormat):
    """The one definition of how a pipeline's sounds are read. See `InputFormat`.

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

    kind = "sound"
    noun = "sounds"
    suffix = FORMATS["sound"].suffix
    has_pictures = True
    without_content = "a sound that is silent"
    required: ClassVar = {"rate": typed.COUNT, "samples": typed.COUNT}
    limits: ClassVar = FORMATS["sound"].limits
    spoilt: ClassVar = {
        "empty": lambda file: b"",
        "cut short": lambda file: file[: len(file) // 2],
        "of no sound": lambda file: b"no sound at all, " + file,
        # Where the numbers stand in the files that `draw` makes.
        "that promises gigabytes": lambda file: file[:40] + b"\xff" * 4 + file[44:],
        "of no samples per second": lambda file: file[:24] + bytes(4) + file[28:],
        "of an unknown codec": lambda file: file[:20] + struct.pack("<H", 85) + file[22:],
    }
    padding = wav_file(np.zeros((1, 1), np.float32), 8000)

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

        # A frozen object is filled in like this.
        object.__setattr__(self, "value_range", self.ends)

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

    def reader(self, input_shape: tuple[int, ...], target_size: int | None) -> ExampleReader:
        del input_shape
        self.refuse_values(target_size)
        return SoundReader()

    def prepared(self, examples: Any) -> "Prepared":
        from tfmeta.reading.prepared_sounds import PreparedSounds

        return PreparedSounds(examples, self)

    def pipeline_options(self) -> dict[str, Any]:
        milliseconds = 1000 / self.rate
        return {
            "rate": self.rate,
            "seconds": self.seconds,
            "mels": self.mels,
            "window": self.window * milliseconds,
            "hop": self.hop * milliseconds,
            "lowest": self.lowest,
            "highest": self.highest,
            "range_db": self.range_db,
            "centre": self.centre,
            "spread": self.spread,
        }

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest number in a prepared example."""
        return (-self.range_db - self.centre) / self.spread, -self.centre / self.spread

    def pictures(self, x: Any) -> Any:
        """Spectrograms with time to the right and high frequencies above."""
        least, most = self.ends
        return np.clip((self.as_seen(x) - least) / (most - least), 0, 1)

    @property
    def picture_axes(self) -> tuple[str, str]:
        pitches = mel_edges(self.mels, lowest=self.lowest, highest=self.highest)
        first, last = pitches[1], pitches[-2]  # the middles of the outermost bands
        end = ((self.frames - 1) * self.hop + self.window) / self.rate
        return f"time, 0 to {end:.3g} s", f"frequency, {first:.0f} to {last:.0f} Hz (mel)"

    def as_seen(self, x: Any) -> Any:
        return np.swapaxes(np.asarray(x), -3, -2)[..., ::-1, :, :]

    def parts(self, encoded: Any, example: Any, background: Any) -> ExampleParts:
        """Stretches of time and frequency."""
        del encoded
        pitches = mel_edges(self.mels, lowest=self.lowest, highest=self.highest)

        def name(box: Box) -> str:
            first, last, low, high = box
            start, end = first * self.hop, last * self.hop + self.window
            times = f"{start / self.rate:.2f}-{end / self.rate:.2f} s"
            return f"{times}, {pitches[low]:.0f}-{pitches[high + 2]:.0f} Hz"

        return windows(np.asarray(example), np.asarray(background), name)

    def seen(self) -> list[tuple[str, str]]:
        heard = f"{self.seconds:.3g} s at {self.rate:,} samples per second"
        return [("for the network", f"{self.frames} frames of {self.mels} mel bands, {heard}")]

    def corruptions(self) -> "tuple[Corruption, ...]":
        from tfmeta.reading.corruptions.of_sounds import sound_corruptions

        levels = {"range_db": self.range_db, "centre": self.centre, "spread": self.spread}
        return sound_corruptions(self.bands(), **levels)

    # In a graph

    def prepare(self, examples: Any, *, name: str = "sound") -> Any:
        return _graph().prepare(examples, self, name=name)

    def within_limits(self, inputs: dict[str, Any], limits: Mapping[str, int]) -> dict[str, Any]:
        return _graph().within_limits(inputs, limits)

    def prepare_checked(self, checked: Any, *, name: str) -> Any:
        return _graph().prepare_checked(*checked, self, name=name)

    def checks(self, x: Any, name: str) -> list[Any]:
        return [_graph().are_spectrograms(x, self, name)]

    def is_empty(self, x: Any) -> Any:
        return _graph().are_silent(x)

    # For exports

    def draw(self, rng: Any, shape: tuple[int, ...]) -> Any:
        """Tones among noise, shorter and longer than what is heard."""
        encoded = np.empty(shape, object)
        for place in np.ndindex(*shape):
            times = np.arange(max(int(self.samples * rng.uniform(0.5, 1.5)), 1)) / self.rate
            pitch = rng.uniform(self.lowest, self.highest)
            x = 0.3 * np.sin(2 * np.pi * pitch * times) + 0.1 * rng.uniform(-1, 1, len(times))
            encoded[place] = wav_file(x[:, np.newaxis], self.rate, bits=16)
        return encoded

    def draw_prepared(self, rng: Any, shape: tuple[int, ...]) -> Any:
        return rng.uniform(*self.ends, shape).astype(np.float32)

    def admitted_strings(self, encoded: list[bytes]) -> dict[str, int]:
        seconds = [math.ceil(wav_header(each).seconds) for each in encoded]
        return {
            "sound_bytes": max(map(len, encoded), default=0),
            "sound_seconds": max(seconds, default=0),
            "request_sounds": len(encoded),
            "request_seconds": sum(seconds),
        }

    def shown(self) -> dict[str, Any]:
        return {self.suffix: {"b64": "..."}}

    def description(self) -> str:
        return (
            f"Sounds are log-mel spectrograms of {self.frames} frames and {self.mels} bands, "
            f"{self.seconds:.3g} seconds at {self.rate:,} samples per second. An input that ends "
            f"in `{self.suffix}` takes WAV files instead, one string per file: 8, 16, 24 or 32 "
            "bits or floats, any number of channels, 1,000 to 192,000 samples per second. Of a "
            "longer sound the loudest part is heard."
        )

    @property
    def client_arguments(self) -> str:
        return "SUPPORT_DIR SOUND..."


def _graph() -> Any:
    """The module of TensorFlow's operations."""
    from tfmeta.reading import sound_graph

    return sound_graph
