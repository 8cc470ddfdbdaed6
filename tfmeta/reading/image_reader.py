"""Support sets and queries of images: folders and files, or arrays of images in an NPZ file."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from tfmeta.reading.array_pixels import DEFAULT_RANGE, png_files
from tfmeta.reading.example_reader import (
    IMAGE_SUFFIXES,
    ExampleReader,
    SupportSet,
    labelled,
    rows_of,
)
from tfmeta.reading.file_reader import FileReader, Query
from tfmeta.reading.npz_files import read_examples
from tfmeta.reading.support_set import read_image
from tfmeta.user_files import AnyPath


class ImageReader(FileReader):
    """Reads images as contents of files, which a model decodes as in training.

    Args:
        array_range: the numbers in an NPZ file that are black and white, unless it holds uint8.
    """

    noun: ClassVar = "image"
    suffixes: ClassVar = IMAGE_SUFFIXES

    def __init__(self, array_range: Sequence[float] = DEFAULT_RANGE):
        self._array_range = array_range

    def read(self, path: AnyPath) -> bytes:
        return read_image(path)

    def support(self, path: AnyPath, *, num_classes: int | None) -> SupportSet:
        if not _is_npz(path):
            return super().support(path, num_classes=num_classes)
        return ExampleReader.support(self, path, num_classes=num_classes)

    def labelled(self, path: AnyPath) -> SupportSet:
        if not _is_npz(path):
            return super().labelled(path)
        x, y = read_examples(path, ("y", "label"))
        names, labels = labelled(y)
        return SupportSet(names, self._from_array(x, path), labels, rows_of(path, len(y)))

    def _queries_of(self, path: AnyPath) -> list[Query]:
        if not _is_npz(path):
            return super()._queries_of(path)
        found = self._from_array(read_examples(path)[0], path)
        return list(zip(rows_of(path, len(found)), found, strict=True))

    def _from_array(self, x: np.ndarray, path: AnyPath) -> list[bytes]:
        return png_files(x, self._array_range, f"x of {path}")


def _is_npz(path: AnyPath) -> bool:
    return Path(path).suffix.lower() == ".npz" and Path(path).is_file()
