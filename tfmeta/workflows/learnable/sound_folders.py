"""Folders of sounds, one folder per class."""

from pathlib import Path
from typing import ClassVar

from tfmeta import pipelines
from tfmeta.reading.sound_files import SOUND_SUFFIXES
from tfmeta.user_files import is_hidden
from tfmeta.workflows.learnable.classes import learned
from tfmeta.workflows.learnable.embedded import embedded_task
from tfmeta.workflows.learnable.image_folders import OF_TABLES
from tfmeta.workflows.learnable.kind import Learnable, Request
from tfmeta.workflows.learnable.task import ONE_TASK
from tfmeta.workflows.learned import Learned

DEFAULT_NETWORK = "cepstra"


class Sounds(Learnable):
    """A folder with a folder of sounds per class."""

    what = "a folder"
    not_for: ClassVar = OF_TABLES

    def takes(self, request: Request) -> bool:
        return request.place.is_dir() and holds_sounds(request.place)

    def learn(self, request: Request) -> Learned:
        source = pipelines.build(
            "audio-folder",
            data_dir=request.place,
            options=ONE_TASK,
            skip_unreadable=request.skips_unreadable,
        )
        name = request.network or DEFAULT_NETWORK
        return learned(embedded_task(source, name, request.progress, weights=(0.0,)), request)


def holds_sounds(place: Path) -> bool:
    """Whether most files in the folders of a folder are sounds, by their names."""
    files = [file for file in place.glob("*/**/*") if file.is_file() and not is_hidden(file)]
    sounds = [file for file in files if file.suffix.lower() in SOUND_SUFFIXES]
    return 2 * len(sounds) > len(files)
