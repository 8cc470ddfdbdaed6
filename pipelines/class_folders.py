"""Folders of examples, sorted into class folders: what image-folder and audio-folder share.

The folder may have one of these layouts, which is recognised:

    ROOT/CLASS/*                            split by class
    ROOT/GROUP/CLASS/*                      groups, such as alphabets of characters: split by group
    ROOT/{train,validation,test}/...        either of these in split folders: split as they say
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.splitting import split_classes
from tfmeta.reading.found_classes import find_classes, unused_entries
from tfmeta.reading.origins import Origins
from tfmeta.reading.split_names import SPLITS


class ClassFolders:
    """The class folders of a user's folder, and the files in them.

    Args:
        root: the folder.
        groups: whether there is a level of groups above the class folders; None finds it out.
        split_folders: whether the first folders are splits; None finds it out from what they hold,
            because a class may be called `train` too.
        noun: what the files are, for messages.

    Attributes:
        files: all files, class by class; then the broken links, which are reported with the other
            files that can't be read.

    Raises:
        UserError: as `find_classes`.
    """

    def __init__(
        self,
        root: Path,
        *,
        groups: bool | None = None,
        split_folders: bool | None = None,
        noun: str = "images",
    ):
        self._found = find_classes(root, groups, split_folders, noun)
        files = [file for each in self._found for file in each.files]
        folders = [each.folder for each in self._found]
        self._passed_over, lost = unused_entries(root, files, folders)
        self.files = files + lost
        numbers = [len(each.files) for each in self._found]
        self._labels = np.repeat(np.arange(len(self._found)), numbers)
        self._group_names = tuple(sorted({each.group for each in self._found if each.group}))

    @property
    def _groups(self) -> np.ndarray | None:
        if not self._group_names:
            return None
        return np.array([self._group_names.index(each.group) for each in self._found])

    def splits(
        self, *, split_by: str, validation: float, test: float, split_seed: int
    ) -> dict[str, np.ndarray]:
        """The class numbers of each split; the options are used for folders without splits."""
        if self._found[0].split:
            split_of = np.array([each.split for each in self._found])
            return {split: np.flatnonzero(split_of == split) for split in SPLITS}
        return split_classes(
            len(self._found),
            groups=self._groups,
            by=split_by,
            validation=validation,
            test=test,
            seed=split_seed,
        )

    def members(self, classes: np.ndarray) -> np.ndarray:
        """The numbers of the files in these classes."""
        return np.flatnonzero(np.isin(self._labels, classes))

    def index(
        self, examples: Any, kept: np.ndarray, *, splits: dict[str, np.ndarray], origins: Origins
    ) -> ClassIndex:
        """The examples, sorted into classes.

        Args:
            examples: of the files that were read.
            kept: the numbers of these files.
            splits: see `splits`.
            origins: of the examples.
        """
        return ClassIndex(
            examples,
            self._labels[kept],
            splits,
            tuple(each.name for each in self._found),
            self._groups,
            self._group_names,
            replace(origins, passed_over=self._passed_over),
        )
