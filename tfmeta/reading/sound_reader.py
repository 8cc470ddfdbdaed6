"""Support sets and queries of sounds: folders and files."""

from pathlib import Path
from typing import ClassVar

from tfmeta.errors import UserError
from tfmeta.reading.file_reader import FileReader
from tfmeta.reading.sound_files import SOUND_SUFFIXES, read_sound
from tfmeta.user_files import AnyPath


class SoundReader(FileReader):
    """Reads sounds as contents of WAV files, which a model decodes as in training."""

    noun: ClassVar = "sound"
    suffixes: ClassVar = SOUND_SUFFIXES

    def read(self, path: AnyPath) -> bytes:
        if Path(path).suffix.lower() == ".npz":
            raise UserError(
                f"{path} holds numbers, which do not say how many of them a second has; expected "
                "sounds in files, such as WAV. SciPy's io.wavfile.write makes one"
            )
        return read_sound(path)
