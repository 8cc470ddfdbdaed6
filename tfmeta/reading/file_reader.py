"""Support sets and queries of examples that are a file each. Imports no TensorFlow."""

import copy
import logging
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.example_reader import ExampleReader, Place, SupportSet, labelled
from tfmeta.reading.found_classes import find_classes, folders_in, unused_entries
from tfmeta.reading.support_set import files_of_kind, read_support_folder
from tfmeta.terminal import plain
from tfmeta.user_files import AnyPath, is_hidden

_LOGGER = logging.getLogger("tfmeta")
Query = tuple[Place, Path | bytes]  # a file that is yet to be read, or what it would hold


class FileReader(ExampleReader):
    """Reads files as a request would carry them, which a model decodes as in training.

    Attributes:
        noun: what a file holds.
        suffixes: of such files, in lower case.
    """

    noun: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    _skips_unreadable = False

    @property
    def support_in_words(self) -> str:
        return f"DIR, with one subfolder of {self.noun}s per class"

    @abstractmethod
    def read(self, path: AnyPath) -> bytes:
        """The content of a file; raises UserError if it can't be read."""

    def skipping_unreadable(self) -> "FileReader":
        other = copy.copy(self)
        other._skips_unreadable = True
        return other

    def support(self, path: AnyPath, *, num_classes: int | None) -> SupportSet:
        """As in `ExampleReader`; a folder of classes, or of groups of them."""
        tops = folders_in(Path(path))
        if tops and all(map(folders_in, tops)):
            return super().support(path, num_classes=num_classes)
        return read_support_folder(path, num_classes=num_classes, read=self.read, noun=self.noun)

    def labelled(self, path: AnyPath) -> SupportSet:
        """As in `ExampleReader`; a folder in any of the layouts that `tfmeta.learn` takes."""
        root = Path(path)
        classes = find_classes(root, noun=f"{self.noun}s")
        every = [file for each in classes for file in each.files]
        others, lost = unused_entries(root, every, [each.folder for each in classes])
        if shown := [name for name in others if not is_hidden(Path(name))]:
            _LOGGER.warning("not used: %s", plain(f"{listed(shown)} of {root}"))
        places, contents = self._read_all([(self._place(file), file) for file in (*every, *lost)])
        name_of = {str(file): each.name for each in classes for file in each.files}
        names, labels = labelled(np.array([name_of[str(place.file)] for place in places]))
        return SupportSet(names, contents, labels, places)

    def queries(self, paths: Sequence[AnyPath]) -> tuple[list[Place], list[bytes]]:
        return self._read_all([each for path in paths for each in self._queries_of(path)])

    def _queries_of(self, path: AnyPath) -> list[Query]:
        is_folder = Path(path).is_dir()
        files = files_of_kind(path, self.suffixes, self.noun) if is_folder else [Path(path)]
        return [(self._place(file), file) for file in files]

    def _place(self, file: Path) -> Place:
        return Place(str(file), noun=self.noun)

    def _read_all(self, queries: Sequence[Query]) -> tuple[list[Place], list[bytes]]:
        """The places of what can be read, and the contents."""
        places, contents, errors = [], [], []
        for place, found in queries:
            try:
                content = found if isinstance(found, bytes) else self.read(found)
            except UserError as error:
                errors.append(error)
                continue
            places.append(place)
            contents.append(content)
        if errors:
            left_out = [str(error).split(";")[0] for error in errors]
            if not self._skips_unreadable:
                if len(errors) == 1:
                    raise errors[0]
                raise UserError(
                    f"{counted(len(errors), 'file')} can't be read: {listed(left_out)}. Mend or "
                    "remove them, or leave them out: --skip-unreadable"
                )
            what = f"left out {counted(len(left_out), 'file')}: {listed(left_out)}"
            if not places:
                raise UserError(f"{what}. None is left; expected {self.noun} files")
            _LOGGER.warning("%s", plain(what))
        return places, contents
