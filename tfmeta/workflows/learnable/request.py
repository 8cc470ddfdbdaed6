"""What `tfmeta.learn` is asked for, checked before anything is loaded. Imports no TensorFlow."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfmeta.errors import UserError
from tfmeta.reading.table_options import TableOptions
from tfmeta.training.progress import Progress
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import (
    check_flags,
    check_names,
    check_outside,
    check_texts,
    path,
    progress_or_log,
)
from tfmeta.workflows.learnable.label_column import check_columns, columns_of, label_column
from tfmeta.workflows.learnable.words import as_option, in_own_words

CHOOSING = ("features", "exclude")  # options that say which columns are features
GAPS = ("missing", "categories")  # options for gaps and texts among the features
NAMED = ("label", "target", "text")  # options that name one column
_READING = (*NAMED, *CHOOSING, *GAPS, "skip_unreadable")
_ARGUMENTS = (*_READING, "network", "output", "trust", "progress")
_EXPORTED = Path("exported")
_ANOTHER = "Give another folder: output=FOLDER in Python, --output FOLDER on the command line"
_SUFFIXES = (".csv", ".jsonl", ".npz", ".parquet")


@dataclass(frozen=True)
class Request:
    """What is to be learned, and where the models go.

    Attributes:
        place: the folder or file; it exists.
        folder: of the model that knows the classes or values; that which takes support sets is
            beside it.
        progress: is told how the work gets on.
        network: the name of the one that makes features; None for the kind's own.
        reading: the options of how the data is read, by name.
        notes: what was decided without being asked.
        started: when, by `time.monotonic`.
    """

    place: Path
    folder: Path
    progress: Progress
    network: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    started: float = field(default_factory=time.monotonic)

    @property
    def skips_unreadable(self) -> bool:
        return bool(self.reading.get("skip_unreadable", False))

    def columns(self, *others: str) -> dict[str, Any]:
        """The columns that a pipeline reads: those of the classes, and others that are named."""
        return {
            "label": self.reading.get("label") or "label",
            **{name: as_option(self.reading.get(name)) for name in others},
        }


def check_reading(reading: Mapping[str, Any]) -> None:
    """Raises UserError if an option of how data is read is unknown, or can be none."""
    check_names("learn", reading, _ARGUMENTS)
    check_flags(skip_unreadable=reading.get("skip_unreadable", False))
    check_texts("one column", **{name: reading.get(name) for name in NAMED})
    label, target = reading.get("label"), reading.get("target")
    if label and target:
        raise UserError(
            f"received label={label!r} and target={target!r}; expected the column of the classes "
            "or that of the values"
        )
    try:
        TableOptions(**{name: as_option(reading.get(name)) for name in GAPS})
    except UserError as error:
        raise in_own_words(error) from error


def request_for(
    place: AnyPath,
    *,
    network: str | None = None,
    output: AnyPath | None = None,
    progress: Progress | None = None,
    **reading: Any,
) -> Request:
    """What is asked for, of a folder or file, with what the user left open.

    Args:
        place: the folder or file.
        network, output, progress, **reading: see `tfmeta.learn`.

    Raises:
        UserError: if there is no such data, an option or a column makes no sense, or the models
            can't be written.
    """
    check_reading(reading)
    check_texts("one network", network=network)
    place, progress = path("data", place), progress_or_log(progress, "learn")
    folder = path("output", output or _EXPORTED / place.resolve().stem)
    _check_there(place)
    _check_writable(folder)
    for each in (folder, learner_folder(folder)) if place.is_dir() else ():
        check_outside(f"{each} for a model", each, place, _ANOTHER)
    progress.advance(0.0, "reading")
    notes: tuple[str, ...] = ()
    if not place.is_dir():
        # The reader of texts whose columns are named needs no pandas, which reads all columns.
        are_named = reading.get("text") and reading.get("label")
        columns = {} if are_named else columns_of(place)
        check_columns(place, columns, reading)
        found, why = label_column(place, columns, reading)
        if not reading.get("target"):
            reading["label"] = reading.get("label") or found
        notes = (why,) if why else ()
    return Request(place, folder, progress, network, reading, notes)


def learner_folder(folder: Path) -> Path:
    """Of the model that takes support sets, beside that of the one that knows the data."""
    return Path(f"{folder}-learner")


def _check_there(place: Path) -> None:
    is_known = place.is_dir() or place.suffix.lower() in _SUFFIXES
    if not place.exists() or not is_known:
        what = f"received the file {place}" if place.exists() else f"there is no {place}"
        raise UserError(
            f"{what}; expected a folder with a folder of images or sounds per class, a file of "
            "texts (CSV, JSONL or Parquet), or one of features (NPZ, CSV or Parquet). Save other "
            "tables as CSV with commas"
        )


def _check_writable(folder: Path) -> None:
    for output in (folder, learner_folder(folder)):
        missing = next(each for each in (output, *output.absolute().parents) if each.exists())
        if not missing.is_dir():
            raise UserError(
                f"cannot write {output}: {missing} is a file; expected a folder. {_ANOTHER}"
            )
