"""Folders of texts: a folder per class, a file per text. Imports no TensorFlow."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.file_rows import FileRows, decoded
from tfmeta.reading.found_classes import (
    FoundClass,
    find_classes,
    hold_mostly,
    is_lost,
    unused_entries,
)
from tfmeta.user_files import AnyPath, is_hidden, printable

SUFFIX = ".txt"
_COLUMNS = {"label": "name", "group": "group", "split": "split"}  # attributes of a FoundClass


class FileNames(FileRows):
    """The names of a folder's files, one for each text.

    Args:
        root: the folder.
        files: in it.
        passed_over: names of files and folders that are no texts of a class.
    """

    def __init__(self, root: Path, files: Sequence[Path], *, passed_over: Sequence[str] = ()):
        super().__init__(root, len(files))
        self._files = [printable(file.relative_to(root)) for file in files]
        self.passed_over = tuple(passed_over)

    def name(self, row: int) -> str:
        return self._files[row]

    def where(self, rows: Iterable[int]) -> str:
        return listed([self._files[row] for row in rows])

    def placed(self, path: str, row: int) -> tuple[str, int | None, str | None]:
        return str(Path(path, self._files[row])), None, None


def holds_texts(place: AnyPath) -> bool:
    """Whether most files in the folders of a folder are texts, by their names."""
    return hold_mostly(Path(place), (SUFFIX,))


def texts_of_classes(root: Path) -> tuple[dict[str, list[str]], FileNames]:
    """The texts of a folder with a folder per class, in any layout of `find_classes`.

    Returns:
        `{"text": ..., "label": ...}`, and `group` and `split` if the folders have these, one value
        for each file; and the files' names.

    Raises:
        UserError: if there are no class folders, or a file is no text in UTF-8 or has none.
    """
    classes = find_classes(root, noun="texts")
    files = [file for each in classes for file in each.files]
    passed_over, lost = unused_entries(root, files, [each.folder for each in classes])
    _check_whole(root, classes, [*filter(is_lost, files), *lost])
    columns = {"text": read_texts(files)}
    for option, attribute in _COLUMNS.items():
        values = [getattr(each, attribute) for each in classes for _ in each.files]
        if None not in values:
            columns[option] = values
    return columns, FileNames(root, files, passed_over=passed_over)


def _check_whole(root: Path, classes: Sequence[FoundClass], lost: Sequence[Path]) -> None:
    if lost:
        raise UserError(f"{listed(lost)} of {root} can't be read: a broken link. Mend or remove it")
    if empty := [each.name for each in classes if not each.files]:
        raise UserError(
            f"{counted(len(empty), 'class')} of {root} without a text: {listed(empty)}; expected "
            f"one {SUFFIX} file or more in each folder"
        )


def texts_in_folder(folder: AnyPath) -> list[Path]:
    """All files of texts in a folder and its folders; other files are left out."""
    files = [file for file in sorted(Path(folder).rglob("*")) if not is_hidden(file)]
    return [file for file in files if file.suffix.lower() == SUFFIX and file.is_file()]


def read_texts(files: Sequence[Path]) -> list[str]:
    """The text in each file, without white space around it.

    Raises:
        UserError: if a file is no text in UTF-8, or has none.
    """
    if odd := [str(file) for file in files if file.suffix.lower() != SUFFIX]:
        raise UserError(
            f"received {counted(len(odd), 'file')} among texts: {listed(odd)}; expected {SUFFIX} "
            "files, with one text in each"
        )
    texts, problems = [], []
    for file in files:
        try:
            texts.append(decoded(file).strip())
        except UserError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        shown = listed([str(problem).partition(";")[0] for problem in problems])
        raise UserError(f"{shown}; expected files saved as UTF-8")
    if empty := [str(file) for file, text in zip(files, texts, strict=True) if not text]:
        raise UserError(
            f"received {counted(len(empty), 'empty file')}: {listed(empty)}; expected a text in "
            "each"
        )
    return texts
