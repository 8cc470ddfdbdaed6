"""A folder of sounds, sorted into class folders: your own recordings.

    tfmeta inspect audio-folder --data-dir sounds
    tfmeta train audio-folder --data-dir sounds --algorithm prototypical

The folder may have one of these layouts, which is recognised:

    sounds/CLASS/*.wav                      split by class
    sounds/GROUP/CLASS/*.wav                groups, such as speakers: split by group
    sounds/{train,validation,test}/...      either of these in split folders: split as they say

Files are WAV; with `tfmeta[sound]` also FLAC, OGG, MP3 and AIFF. They may have any rate and any
number of channels, of which the mean is heard. Everything that is not used is named: hidden files,
files outside the class folders, broken links.
"""

from pathlib import Path

from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.splitting import TEST, VALIDATION
from tfmeta.errors import UserError
from tfmeta.pipelines.class_folders import ClassFolders
from tfmeta.reading.prepared_sounds import PreparedSounds
from tfmeta.reading.sound_examples import SoundOptions, load_sounds, pinned_options


def build(
    *,
    data_dir=None,
    rate=None,
    seconds=None,
    mels=None,
    window: float = 25.0,
    hop: float = 10.0,
    lowest=None,
    highest=None,
    range_db=None,
    centre=None,
    spread=None,
    spacing=None,
    groups=None,
    split_folders=None,
    split_by: str = "auto",
    validation: float = VALIDATION,
    test: float = TEST,
    split_seed: int = 0,
    skip_unreadable: bool = False,
) -> ClassSource:
    """The pipeline.

    Args:
        data_dir: the folder.
        rate, seconds, mels, window, hop, lowest, highest, range_db, centre, spread,
            spacing: see `SoundOptions`.
        groups: whether there is a level of groups above the class folders; None finds it out.
        split_folders: whether the first folders are splits; None finds it out from what they hold,
            because a class may be called `train` too.
        split_by, validation, test, split_seed: see `split_classes`; used for folders without
            splits.
        skip_unreadable: whether to leave out files that are no whole sounds.

    Raises:
        UserError: if the folder is not as described above, or a file can't be read.
    """
    if data_dir is None:
        raise UserError("audio-folder needs its folder: --data-dir DIR, with one folder per class")
    root = Path(data_dir)
    folders = ClassFolders(root, groups=groups, split_folders=split_folders, noun="sounds")
    splits = folders.splits(
        split_by=split_by, validation=validation, test=test, split_seed=split_seed
    )
    options = SoundOptions(
        rate, seconds, mels, window, hop, lowest, highest, range_db, centre, spread, spacing
    )
    loaded = load_sounds(
        root,
        folders.files,
        options,
        in_training=folders.members(splits["train"]),
        skip_unreadable=skip_unreadable,
    )
    index = folders.index(loaded.examples, loaded.kept, splits=splits, origins=loaded.origins)
    source = ClassSource("audio-folder", index, input_format=loaded.sound_format)
    source.prepared = PreparedSounds(index.examples, loaded.sound_format, loaded.facts)
    source.pinned_options = pinned_options(loaded.sound_format, options)
    return source
