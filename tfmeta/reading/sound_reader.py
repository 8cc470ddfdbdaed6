"""Support sets and queries of sounds: folders and files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfmeta.reading.example_reader import ExampleReader, Place, SupportSet
from tfmeta.reading.sound_files import SOUND_SUFFIXES, read_sound
from tfmeta.reading.support_set import files_of_kind, read_support_folder
from tfmeta.user_files import AnyPath


class SoundReader(ExampleReader):
    """Reads sounds as contents of WAV files, which a model decodes as in training."""

    def support(self, path: AnyPath, *, num_classes: int | None) -> SupportSet:
        return read_support_folder(path, num_classes=num_classes, read=read_sound, noun="sound")

    def labelled(self, path: AnyPath) -> SupportSet:
        options: dict[str, Any] = {"read": read_sound, "noun": "sound"}
        return read_support_folder(path, num_classes=None, least=1, **options)

    def queries(self, paths: Sequence[AnyPath]) -> tuple[list[Place], list[bytes]]:
        files: list[AnyPath] = []
        for path in paths:
            is_folder = Path(path).is_dir()
            files += files_of_kind(path, SOUND_SUFFIXES, "sound") if is_folder else [path]
        return [Place(str(file)) for file in files], [read_sound(file) for file in files]
