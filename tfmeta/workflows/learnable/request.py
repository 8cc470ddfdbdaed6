"""What `tfmeta.learn` is asked for, checked before anything is loaded. Imports no TensorFlow."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tfmeta.errors import UserError
from tfmeta.flags import check_flags
from tfmeta.reading.frames import TABLES
from tfmeta.reading.table_options import TableOptions
from tfmeta.reading.tables import SUFFIXES, names_in, read_table
from tfmeta.reading.text_rows import read_text_rows
from tfmeta.training.progress import Progress
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import (
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
OPTION_OF_GROUPS = "hold_out_by"
_READING = (*NAMED, *CHOOSING, *GAPS, OPTION_OF_GROUPS, "skip_unreadable")
_ARGUMENTS = (*_READING, "network", "output", "trust", "progress")
_EXPORTED = Path("exported")
_ANOTHER = "Give another folder: output=FOLDER in Python, --output FOLDER on the command line"
_JSON = ".jsonl"
_SUFFIXES = (*SUFFIXES, _JSON)


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

    @property
    def groups(self) -> str | Sequence[Any] | None:
        """What says which examples are held out together, as the user gave it."""
        given: str | Sequence[Any] | None = self.reading.get(OPTION_OF_GROUPS)
        return given

    @property
    def groups_called(self) -> str:
        """What reports call a group: as the column is called, if it is in one."""
        return self.groups if self._groups_column else "group"  # type: ignore[return-value]

    @cached_property
    def groups_in_column(self) -> list[str]:
        """The group of each row, if a column has them: read once for all heads that are tried.

        Raises:
            UserError: if there is no such column, or a value is missing.
        """
        column = self._groups_column or ""
        if self.place.suffix.lower() == _JSON:
            return read_text_rows(self.place, {OPTION_OF_GROUPS: column}).columns[OPTION_OF_GROUPS]
        table = read_table(self.place, text=(column,))
        return list(table.text(column, OPTION_OF_GROUPS).tolist())

    @property
    def _groups_column(self) -> str | None:
        return self.groups if isinstance(self.groups, str) and not self.place.is_dir() else None

    def columns(self, *others: str) -> dict[str, Any]:
        """The columns that a pipeline reads: those of the classes, and others that are named."""
        return {"label": self.reading.get("label") or "label", **self.options(*others)}

    def options(self, *names: str) -> dict[str, Any]:
        """Some of the options of how data is read; a column of groups is no feature."""
        options = {name: as_option(self.reading.get(name)) for name in names}
        column, is_table = self._groups_column, self.place.suffix.lower() in TABLES
        if column and is_table and "exclude" in names and options.get("features") is None:
            excluded = names_in(options["exclude"]) if options["exclude"] else []
            options["exclude"] = [*excluded, column]
        return options


def check_reading(reading: Mapping[str, Any]) -> None:
    """Raises UserError if an option of how data is read is unknown, or can be none."""
    check_names("learn", reading, _ARGUMENTS)
    check_flags(skip_unreadable=reading.get("skip_unreadable", False))
    check_texts("one column", **{name: reading.get(name) for name in NAMED})
    _check_groups(reading.get(OPTION_OF_GROUPS))
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
    usual = _EXPORTED / place.resolve().stem
    folder = path("output", usual if output is None else output)
    _check_there(place)
    _check_writable(folder)
    if place.is_dir():
        _check_pattern(reading.get(OPTION_OF_GROUPS))
        for each in (folder, learner_folder(folder)):
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


def _check_groups(given: Any) -> None:
    if given is None or (isinstance(given, str) and given):
        return
    if isinstance(given, str) or getattr(given, "ndim", 1) != 1 or not hasattr(given, "__len__"):
        raise UserError(
            f"received {OPTION_OF_GROUPS}={given!r:.80}; expected the name of a column, a regular "
            "expression for the names of files, or one value for each example"
        )


def _check_pattern(pattern: Any) -> None:
    """Raises UserError if what is to be found in the names of files is no regular expression."""
    if pattern is None:
        return
    if not isinstance(pattern, str):
        raise UserError(
            f"received {OPTION_OF_GROUPS} with {len(pattern)} values and a folder; expected a "
            "regular expression that finds the person, the device or the place in each file's name"
        )
    try:
        re.compile(pattern)
    except re.error as error:
        raise UserError(
            f"received --hold-out-by {pattern!r}, which is no regular expression ({error}); "
            "expected one such as 'speaker[0-9]+'"
        ) from error


def learner_folder(folder: Path) -> Path:
    """Of the model that takes support sets, beside that of the one that knows the data."""
    return Path(f"{folder}-learner")


def _check_there(place: Path) -> None:
    is_known = place.is_dir() or place.suffix.lower() in _SUFFIXES
    if not place.exists() or not is_known:
        what = f"received the file {place}" if place.exists() else f"there is no {place}"
        raise UserError(
            f"{what}; expected a folder with a folder of images, sounds or texts per class, a file "
            "of texts (CSV, JSONL or Parquet), or one of features (NPZ, CSV or Parquet). Save "
            "other tables as CSV"
        )


def _check_writable(folder: Path) -> None:
    for output in (folder, learner_folder(folder)):
        missing = next(each for each in (output, *output.absolute().parents) if each.exists())
        if not missing.is_dir():
            raise UserError(
                f"cannot write {output}: {missing} is a file; expected a folder. {_ANOTHER}"
            )
