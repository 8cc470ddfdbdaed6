"""Sounds after they have been prepared: log-mel spectrograms."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.fft

from tfmeta.reading.prepared import ForBaselines, Prepared
from tfmeta.reading.prepared_columns import in_words, spread_of
from tfmeta.reading.sound_files import SoundFacts
from tfmeta.reading.sound_format import SoundFormat

# Cepstral coefficients that a baseline compares (Davis and Mermelstein 1980). The first, which is
# the loudness, is left out: it tells microphones apart.
_COEFFICIENTS = slice(1, 13)
_QUIET = 0.01  # of full scale: 40 dB below it
_MANY = 0.05  # of the sounds


class PreparedSounds(Prepared):
    """Log-mel spectrograms `(frames, mels, 1)`; one whose values are all equal is silent.

    Args:
        examples: float32 `(examples, frames, mels, 1)`.
        sound_format: of the examples.
        facts: about each sound as it was given; empty if they are not known.
    """

    noun = "sounds"
    blank_words = "are silent"

    def __init__(self, examples: Any, sound_format: SoundFormat, facts: Sequence[SoundFacts] = ()):
        super().__init__(examples)
        self._format, self._given = sound_format, facts
        heard = f"{sound_format.seconds:.3g} s that are heard"
        self.cut_words = f"are longer than the {heard}, so that only their loudest part counts"

    def is_blank(self, chunk: np.ndarray) -> np.ndarray:
        flat = chunk.reshape(len(chunk), -1)
        return (flat == flat[:, :1]).all(1)

    def is_cut(self) -> np.ndarray:
        seconds = [each.seconds for each in self._given] or np.zeros(len(self._examples))
        longer: np.ndarray = np.asarray(seconds) > self._format.seconds
        return longer

    def facts(self) -> dict[str, Any]:
        silent = sum(int(self.is_blank(chunk).sum()) for chunk in self.chunks())
        facts: dict[str, Any] = {
            "sounds": len(self._examples),
            "silent": silent,
            "heard_seconds": self._format.seconds,
            "heard_rate": self._format.rate,
        }
        if self._given:
            seconds = np.array([each.seconds for each in self._given])
            rates = Counter(each.rate for each in self._given)
            channels = Counter(each.channels for each in self._given)
            facts |= {
                "seconds": spread_of(seconds),
                "cut": int(self.is_cut().sum()),
                "rates": {str(rate): number for rate, number in rates.most_common()},
                "channels": {str(each): number for each, number in channels.most_common()},
                "resampled": len(self._given) - rates[self._format.rate],
                "slower": sum(n for rate, n in rates.items() if rate < 2 * self._format.highest),
                "clipped": sum(each.clipped for each in self._given),
                "quiet": sum(each.peak < _QUIET for each in self._given),
            }
        return {"prepared_sounds": facts}

    def lines(self, facts: dict[str, Any]) -> list[tuple[str, str]]:
        facts = facts["prepared_sounds"]
        of_all = f"of {facts['sounds']:,}"
        lines = [("silent sounds", f"{facts['silent']:,} {of_all}")]
        if "seconds" not in facts:
            return lines
        verb = "is" if facts["cut"] == 1 else "are"
        heard = f"{facts['cut']:,} {of_all} {verb} longer than the {facts['heard_seconds']:.3g} s"
        return [
            ("seconds", in_words(facts["seconds"])),
            ("heard in part", f"{heard} that are heard"),
            ("samples per second", _counted(facts["rates"])),
            ("channels", _counted(facts["channels"])),
            *lines,
            ("quiet sounds", f"{facts['quiet']:,} {of_all} have no sample above {_QUIET:.0%}"),
            ("clipped sounds", f"{facts['clipped']:,} {of_all}"),
        ]

    def warnings(self, facts: dict[str, Any]) -> list[str]:
        facts = facts["prepared_sounds"]
        of_all, lines = f"of {facts['sounds']:,}", []
        if facts["silent"]:
            lines.append(f"sounds in which nothing is heard: {facts['silent']:,} {of_all}")
        if facts.get("slower"):
            lines.append(
                f"sounds of fewer samples per second than the network hears: {facts['slower']:,} "
                f"{of_all}; their high frequencies are missing. Leave pipeline.rate out, or lower "
                "it"
            )
        if facts.get("cut", 0) > facts["sounds"] / 2:
            lines.append(
                f"sounds longer than {facts['heard_seconds']:.3g} s: {facts['cut']:,} {of_all}; "
                "only their loudest part is heard. Raise pipeline.seconds"
            )
        if facts.get("clipped", 0) > _MANY * facts["sounds"]:
            lines.append(
                f"clipped sounds: {facts['clipped']:,} {of_all}; they were recorded too loudly"
            )
        return lines

    def for_baselines(self, rows: np.ndarray) -> tuple[np.ndarray, Prepared]:
        """The means over time of the mel-frequency cepstral coefficients."""
        means = [cepstra(chunk).mean(1, dtype=np.float64) for chunk in self.chunks(rows)]
        examples = np.concatenate(means).astype(np.float32)
        return examples, CepstralMeans(examples)

    def vectors(self, x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1).astype(np.float64)


def cepstra(spectrograms: np.ndarray) -> np.ndarray:
    """Cepstral coefficients `(sounds, frames, 12)` of log-mels `(sounds, frames, mels, 1)`."""
    return scipy.fft.dct(spectrograms[..., 0], axis=-1, norm="ortho")[..., _COEFFICIENTS]


class CepstralMeans(ForBaselines):
    """Sounds as a baseline compares them: `(12,)` each."""

    noun = "sounds"
    compared_as = "MFCC means"

    def vectors(self, x: np.ndarray) -> np.ndarray:
        return x.astype(np.float64)


def _counted(numbers: dict[str, int]) -> str:
    return ", ".join(f"{value} ({number:,})" for value, number in numbers.items())
