"""Support sets and queries of sounds: folders and files."""

from typing import ClassVar

from tfmeta.reading.file_reader import FileReader
from tfmeta.reading.sound_files import SOUND_SUFFIXES, read_sound
from tfmeta.user_files import AnyPath


class SoundReader(FileReader):
    """Reads sounds as contents of WAV files, which a model decodes as in training."""

    noun: ClassVar = "sound"
    suffixes: ClassVar = SOUND_SUFFIXES

    def read(self, path: AnyPath) -> bytes:
        return read_sound(path)
