"""Support sets and queries of images: folders and files, or arrays of images in an NPZ file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfmeta.reading.array_pixels import DEFAULT_RANGE, png_files
from tfmeta.reading.example_reader import (
    IMAGE_SUFFIXES,
    ExampleReader,
    Place,
    SupportSet,
    labelled,
    rows_of,
)
from tfmeta.reading.npz_files import read_examples
from tfmeta.reading.support_set import files_of_kind, read_image, read_support_folder
from tfmeta.user_files import AnyPath


class ImageReader(ExampleReader):
    """Reads images as contents of files, which a model decodes as in training.

    Args:
        array_range: the numbers in an NPZ file that are black and white, unless it holds uint8.
    """

    def __init__(self, array_range: Sequence[float] = DEFAULT_RANGE):
        self._array_range = array_range

    def support(self, path: AnyPath, *, num_classes: int | None) -> SupportSet:
        if not _is_npz(path):
            return read_support_folder(path, num_classes=num_classes)
        return super().support(path, num_classes=num_classes)

    def labelled(self, path: AnyPath) -> SupportSet:
        if not _is_npz(path):
            return read_support_folder(path, num_classes=None, least=1)
        x, y = read_examples(path, ("y", "label"))
        names, labels = labelled(y)
        return SupportSet(names, self._from_array(x, path), labels, rows_of(path, len(y)))

    def queries(self, paths: Sequence[AnyPath]) -> tuple[list[Place], list[bytes]]:
        places: list[Place] = []
        contents: list[bytes] = []
        for path in paths:
            if _is_npz(path):
                found = self._from_array(read_examples(path)[0], path)
                places += rows_of(path, len(found))
                contents += found
            else:
                files = (
                    files_of_kind(path, IMAGE_SUFFIXES, "image") if Path(path).is_dir() else [path]
                )
                places += [Place(str(file)) for file in files]
                contents += [read_image(file) for file in files]
        return places, contents

    def _from_array(self, x: np.ndarray, path: AnyPath) -> list[bytes]:
        return png_files(x, self._array_range, f"x of {path}")


def _is_npz(path: AnyPath) -> bool:
    return Path(path).suffix.lower() == ".npz" and Path(path).is_file()
