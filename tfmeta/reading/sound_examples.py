"""Sound files on a user's disk -> spectrograms for the network.

Every file is read and examined. Files that are no sounds or are damaged are named; none is left out
without a word.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.reading.mel_bands import bands_below
from tfmeta.reading.origins import Origins, unreadable_files
from tfmeta.reading.sound_files import EXPECTED, SoundFacts, read_sound, sound_facts
from tfmeta.reading.sound_format import SoundFormat
from tfmeta.reading.sound_graph import prepare
from tfmeta.user_files import printable

_CHUNK = 64  # files in memory at a time
_LONG_ENOUGH_FOR = 0.95  # of the training sounds: so many are heard whole
_MOST_SECONDS = 5.0  # of the length that the data decides; longer must be asked for
_MILLISECOND = 1e-3
# By default. They are options without a default elsewhere, so that a pretrained network can say
# what suits it.
_MELS, _LOWEST, _RANGE_DB = 40, 20.0, 60.0


@dataclass(frozen=True)
class SoundOptions:
    """What a user says about the sounds; None means that the training sounds decide.

    Args:
        rate: samples per second; by default the lowest of the files.
        seconds: of a sound that are heard; by default as long as 95 of 100 sounds, 5 at most.
        mels: number of frequency bands, 40 by default.
        spacing: from the middle of a band to that of the next one, on the mel scale. It decides, in
            place of `mels` and `highest`, on as many bands as there are below half the rate.
        window, hop: of the frames, in milliseconds.
        lowest, highest: the frequencies where the bands begin and end, in Hz; by default from 20 up
            to half the rate.
        range_db: see `SoundFormat`; 60 by default.
        centre, spread: see `SoundFormat`; by default mean and deviation of the spectrograms.
    """

    rate: int | None = None
    seconds: float | None = None
    mels: int | None = None
    window: float = 25.0
    hop: float = 10.0
    lowest: float | None = None
    highest: float | None = None
    range_db: float | None = None
    centre: float | None = None
    spread: float | None = None
    spacing: float | None = None

    def resolve(self, rates: Sequence[int], seconds: Sequence[float]) -> SoundFormat:
        """The format, but for the centre and the spread, which are 0 and 1 if they are open.

        Args:
            rates: of all sounds.
            seconds: the lengths of the training sounds.
        """
        try:
            rate = min(rates) if self.rate is None else self.rate
            window = max(round(rate * self.window * _MILLISECOND), 1)
            if self.seconds is None:
                length = min(float(np.quantile(seconds, _LONG_ENOUGH_FOR)), _MOST_SECONDS)
                samples = max(round(rate * length), window)
            else:
                samples = round(rate * self.seconds)
            lowest = _or(self.lowest, _LOWEST)
            mels, highest = self._bands(lowest, rate / 2)
            return SoundFormat(
                rate,
                samples,
                mels=mels,
                window=window,
                hop=max(round(rate * self.hop * _MILLISECOND), 1),
                lowest=lowest,
                highest=highest,
                range_db=_or(self.range_db, _RANGE_DB),
                centre=_or(self.centre, 0.0),
                spread=_or(self.spread, 1.0),
            )
        except (TypeError, ValueError) as error:
            raise UserError(f"sounds can't be read with these options: {error}") from error

    def _bands(self, lowest: float, most: float) -> tuple[int, float]:
        """The number of bands, and where the last one ends."""
        if self.spacing is None:
            return _or(self.mels, _MELS), _or(self.highest, most)
        for name in ("mels", "highest"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"received spacing, which decides {name}, and {name}; leave one out"
                )
        return bands_below(most, lowest=lowest, spacing=self.spacing)


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def pinned_options(sound_format: SoundFormat, options: SoundOptions) -> dict[str, Any]:
    """The `SoundOptions` that a user left open, as the sounds decided them."""
    found = {
        "rate": sound_format.rate,
        "seconds": sound_format.seconds,
        "centre": sound_format.centre,
        "spread": sound_format.spread,
    }
    return {name: value for name, value in found.items() if getattr(options, name) is None}


@dataclass(frozen=True)
class LoadedSounds:
    """What `load_sounds` returns.

    Attributes:
        examples: float32 `(sounds, frames, mels, 1)`.
        kept: `(sounds,)`, the number of each sound's file in the list of files.
        sound_format: of the examples.
        origins: where the sounds came from.
        facts: about each sound.
    """

    examples: np.ndarray
    kept: np.ndarray
    sound_format: SoundFormat
    origins: Origins
    facts: tuple[SoundFacts, ...]


def load_sounds(
    root: Path,
    files: list[Path],
    options: SoundOptions,
    *,
    in_training: np.ndarray,
    skip_unreadable: bool = False,
) -> LoadedSounds:
    """Reads, examines and prepares sound files.

    Args:
        root: the folder that the names of files are relative to.
        files: the files to read, in this order.
        options: see `SoundOptions`.
        in_training: the numbers of the files from which the options are decided that are open.
        skip_unreadable: whether to leave out and report files that are no whole sounds; they are
            refused otherwise.

    Raises:
        UserError: if there is no sound, or one can't be read and unreadable files are not left out.
    """
    names = [printable(file.relative_to(root)) for file in files]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        examined = list(pool.map(_examine, files))
    problems = [(n, p) for n, p in zip(names, examined, strict=True) if isinstance(p, str)]
    if problems and not skip_unreadable:
        raise UserError(unreadable_files(problems))
    kept = np.array([n for n, facts in enumerate(examined) if isinstance(facts, SoundFacts)], int)
    facts = [each for each in examined if isinstance(each, SoundFacts)]
    if not facts:
        raise UserError(
            f"no sound in {root} can be read; expected sound files in class folders, of which each "
            f"is {EXPECTED}"
        )
    trained = np.flatnonzero(np.isin(kept, in_training))
    trained = trained if len(trained) else np.arange(len(kept))
    found = options.resolve([f.rate for f in facts], [facts[n].seconds for n in trained])
    examples = prepared_files([files[number] for number in kept], found)
    found = _with_scale(found, options, examples[trained])
    origins = Origins(
        names=tuple(names[number] for number in kept),
        digests=tuple(each.digest for each in facts),
        unreadable=tuple(problems),
    )
    return LoadedSounds(scaled(examples, found), kept, found, origins, tuple(facts))


def _examine(path: Path) -> SoundFacts | str:
    """Facts about a file, or what is wrong with it."""
    try:
        return sound_facts(read_sound(path))
    except UserError as error:
        return str(error).removeprefix(f"{path} ").split(";")[0]


def prepared_files(files: Sequence[Path], sound_format: SoundFormat) -> np.ndarray:
    """The examples of sound files, in decibels: float32 `(files, frames, mels, 1)`."""
    unscaled = replace(sound_format, centre=0.0, spread=1.0)
    chunks = [np.zeros((0, *unscaled.shape), np.float32)]
    for start in range(0, len(files), _CHUNK):
        contents = [read_sound(file) for file in files[start : start + _CHUNK]]
        chunks.append(_preparer(unscaled)(tf.constant(contents, tf.string)).numpy())
    return np.concatenate(chunks)


@cache
def _preparer(sound_format: SoundFormat) -> Callable[..., Any]:
    """Traced once per format. TensorFlow takes formats for one function that is traced again."""
    traced = tf.function(lambda contents: prepare(contents, sound_format), autograph=False)
    return traced.get_concrete_function(tf.TensorSpec([None], tf.string))


def _with_scale(
    sound_format: SoundFormat, options: SoundOptions, decibels: np.ndarray
) -> SoundFormat:
    """The format with the centre and the spread that are open, from training sounds."""
    centre, spread = decibels.mean(dtype=np.float64), decibels.std(dtype=np.float64)
    return replace(
        sound_format,
        centre=float(centre) if options.centre is None else options.centre,
        spread=(float(spread) or 1.0) if options.spread is None else options.spread,
    )


def scaled(decibels: np.ndarray, sound_format: SoundFormat) -> np.ndarray:
    """Decibels as the network takes them, by the operations of the graph."""
    scale = np.float32(1 / sound_format.spread)
    return (decibels - np.float32(sound_format.centre)) * scale
