"""Support sets and queries of texts: tables and files of lines, or the texts themselves."""

import copy
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.example_reader import (
    ExampleReader,
    NamedColumns,
    Names,
    Place,
    SupportSet,
    labelled,
)
from tfmeta.reading.file_rows import FileRows, decoded
from tfmeta.reading.tables import table_of
from tfmeta.reading.text_columns import check_tokens, has_token, is_unicode, text_per_row
from tfmeta.reading.text_folders import holds_texts, read_texts, texts_in_folder
from tfmeta.reading.text_rows import ROW_SUFFIXES, read_text_rows
from tfmeta.terminal import plain
from tfmeta.user_files import AnyPath

_LOGGER = logging.getLogger("tfmeta")
_LINES, _NUMBERS = ".txt", ".npz"  # one text per line; and what is no file of texts
_STANDARD_INPUT = "-"
_SUFFIXES = (*ROW_SUFFIXES, _LINES)
_COLUMNS = "the model was trained on a file that names its {option} so"


class TextReader(ExampleReader):
    """Reads texts as UTF-8, from which a model makes tokens as in training.

    Args:
        text_column: of the texts in a table.
        label_column: of the classes.
        length: tokens of a text that count; None for all.
    """

    def __init__(self, text_column: str, label_column: str, length: int | None = None):
        self._columns = {"text": text_column, "label": label_column}
        self._length = length
        self._skips_empty = False

    def skipping_unreadable(self) -> "TextReader":
        """The same reader, which leaves out texts without a token, and says which."""
        other = copy.copy(self)
        other._skips_empty = True
        return other

    @property
    def support_in_words(self) -> str:
        return "FILE, texts with their classes (CSV, JSONL or Parquet), or a folder of them"

    @property
    def names(self) -> Names:
        return Names(self._columns["text"], (self._columns["label"],))

    def labelled(self, path: AnyPath) -> SupportSet:
        is_folder = os.path.isdir(path)
        if not (holds_texts(path) if is_folder else Path(path).suffix.lower() in ROW_SUFFIXES):
            raise UserError(
                f"{path} is no file of labelled texts; expected a CSV, JSONL or Parquet file with "
                f"the columns {' and '.join(self._columns.values())}, or a folder with a folder of "
                f"{_LINES} files per class"
            )
        if not is_folder:
            _check_there(path)
        columns, rows = read_text_rows(Path(path), self._columns, how_to_name=_COLUMNS)
        places = _places(str(path), columns["text"], rows)
        kept = self._with_tokens(places)
        names, labels = labelled(np.array([columns["label"][number] for number in kept]))
        places = [places[number] for number in kept]
        return SupportSet(names, _encoded(places), labels, places)

    def queries(self, paths: Sequence[AnyPath]) -> tuple[list[Place], list[bytes]]:
        places: list[Place] = []
        for path in paths:
            places += self._queries_of(path)
        places = [places[number] for number in self._with_tokens(places)]
        return places, _encoded(places)

    def array_of_texts(self, texts: Sequence[str]) -> tuple[list[Place], list[bytes]]:
        """As in `ExampleReader`: a message of a stranger that names a file reads none."""
        return self.named({self._columns["text"]: list(texts)})

    def named(self, columns: NamedColumns) -> tuple[list[Place], list[bytes]]:
        """As in `ExampleReader`; the texts are the column of the model's name, or the only one."""
        found, name = table_of(columns), self._columns["text"]
        if name not in found.columns and len(found.columns) > 1:
            raise UserError(
                f"received the columns {listed([*found.columns])}; expected the texts, in the "
                f"column {name}"
            )
        column = found.columns.get(name, next(iter(found.columns.values())))
        texts = text_per_row(column, name, "text", found.rows)
        places = [Place(None, row, text) for row, text in enumerate(texts.tolist(), 1)]
        places = [places[number] for number in self._with_tokens(places)]
        return places, _encoded(places)

    def _with_tokens(self, places: list[Place]) -> list[int]:
        """The numbers of the texts that have a token, which are all unless others are left out."""
        self._tell_what_is_cut(places)
        kept = [number for number, place in enumerate(places) if has_token(place.text or "")]
        if not self._skips_empty or not kept:
            check_tokens([place.text or "" for place in places], places)
        elif left_out := [place for place in places if not has_token(place.text or "")]:
            what = f"{counted(len(left_out), 'text')} without a word, a number or a symbol"
            _LOGGER.warning("left out %s: %s", what, plain(listed(left_out)))
        return kept

    def _tell_what_is_cut(self, places: list[Place]) -> None:
        """Warns of texts that surely have more tokens than count: each word has one or more."""
        if self._length is None:
            return
        cut = [place for place in places if len((place.text or "").split()) > self._length]
        if cut:
            _LOGGER.warning(
                "only the beginning counts, the first %d tokens, of %s: %s",
                self._length,
                counted(len(cut), "text"),
                plain(listed(cut)),
            )

    def _queries_of(self, given: AnyPath) -> list[Place]:
        """The texts of a file, or the text that was given in place of a file."""
        name = os.fspath(given)
        suffix = Path(name).suffix.lower()
        is_file, is_folder = os.path.isfile(name), os.path.isdir(name)
        if name == _STANDARD_INPUT or (os.path.exists(name) and not is_file and not is_folder):
            raise UserError(
                f"{name} is no file, and standard input is not read; expected a text, or a file of "
                f"texts: {', '.join(_SUFFIXES)}"
            )
        if is_file or suffix in _SUFFIXES:
            _check_there(name)
            return self._lines_of(Path(name), suffix)
        if is_folder:
            return self._files_of(name)
        if not is_unicode(name):
            raise UserError("received a text that is not in UTF-8; expected one that is")
        return [Place(None, None, name)]

    def _files_of(self, folder: str) -> list[Place]:
        """The texts in the files of a folder, one in each."""
        if not (files := texts_in_folder(folder)):
            raise UserError(
                f"{folder} is a folder without {_LINES} files, and this model takes texts; "
                f"expected a text, a file of texts ({', '.join(_SUFFIXES)}), or a folder with one "
                f"text in each {_LINES} file. If the text is the folder's name, put it into a "
                f"{_LINES} file"
            )
        texts = zip(files, read_texts(files), strict=True)
        return [Place(str(file), None, text) for file, text in texts]

    def _lines_of(self, path: Path, suffix: str) -> list[Place]:
        if suffix == _LINES:
            lines = enumerate(decoded(path).split("\n"), 1)
            texts = [(number, line.strip()) for number, line in lines if line.strip()]
            if not texts:
                raise UserError(f"{path} holds no texts; expected one per line")
            return [Place(str(path), n, text, f"line {n}") for n, text in texts]
        if suffix == _NUMBERS:
            raise UserError(
                f"{path} holds numbers, and this model takes texts; expected a text, a list of "
                f"texts, or a file of them: {', '.join(_SUFFIXES)}"
            )
        if suffix not in ROW_SUFFIXES:
            raise UserError(
                f"{path} is no file of texts; expected {', '.join(ROW_SUFFIXES)}, or {_LINES} with "
                "one text per line"
            )
        chosen = {"text": self._columns["text"]}
        columns, rows = read_text_rows(path, chosen, how_to_name=_COLUMNS)
        return _places(str(path), columns["text"], rows)


def _places(path: str, texts: list[str], rows: FileRows) -> list[Place]:
    placed = (rows.placed(path, row) for row in range(len(texts)))
    return [
        Place(file, row, text, name) for (file, row, name), text in zip(placed, texts, strict=True)
    ]


def _encoded(places: list[Place]) -> list[bytes]:
    return [str(place.text).encode() for place in places]


def _check_there(path: AnyPath) -> None:
    if not os.path.isfile(path):
        raise UserError(
            f"there is no file {path}; expected a file of texts. If it is a text itself, put it "
            f"into a {_LINES} file"
        )
