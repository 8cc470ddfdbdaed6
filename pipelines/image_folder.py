"""A folder of images, sorted into class folders: your own data.

    tfmeta inspect image-folder --data-dir photos
    tfmeta train image-folder --data-dir photos --algorithm prototypical

The folder may have one of these layouts, which is recognised:

    photos/CLASS/*.png                      split by class
    photos/GROUP/CLASS/*.png                groups, such as alphabets of characters: split by group
    photos/{train,validation,test}/...      either of these in split folders: split as they say

Files are PNG, JPEG, GIF (first frame), BMP, WebP or TIFF, of any sizes and modes.
Everything that is not used is named: hidden files, files outside the class folders, broken links.
"""

from pathlib import Path

from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.splitting import TEST, VALIDATION
from tfmeta.errors import UserError
from tfmeta.pipelines.class_folders import ClassFolders
from tfmeta.reading.image_files import FormatOptions, load_images, pinned_format


def build(
    *,
    data_dir=None,
    size=None,
    channels=None,
    invert=None,
    deep_range=None,
    background: str = "white",
    resize: str = "squash",
    as_stored: bool = False,
    groups=None,
    split_folders=None,
    rotations: bool = False,
    split_by: str = "auto",
    validation: float = VALIDATION,
    test: float = TEST,
    split_seed: int = 0,
    stream: bool | None = None,
    skip_unreadable: bool = False,
) -> ClassSource:
    """The pipeline.

    Args:
        data_dir: the folder.
        size, channels, invert, deep_range, background, resize, as_stored: see `FormatOptions`.
        groups: whether there is a level of groups above the class folders; None finds it out.
        split_folders: whether the first folders are splits; None finds it out from what they hold,
            because a class may be called `train` too.
        rotations: whether quarter turns of a class are further classes.
        split_by, validation, test, split_seed: see `split_classes`; used for folders without
            splits.
        stream: whether to keep the pixels on disk and not in memory; None keeps them on disk if
            they would take more than 2 GiB, or an eighth of the machine's memory.
        skip_unreadable: whether to leave out files that are no whole images.

    Raises:
        UserError: if the folder is not as described above, or a file can't be read.
    """
    if data_dir is None:
        raise UserError("image-folder needs its folder: --data-dir DIR, with one folder per class")
    root = Path(data_dir)
    folders = ClassFolders(root, groups=groups, split_folders=split_folders)
    loaded = load_images(
        root,
        folders.files,
        FormatOptions(size, channels, invert, deep_range, background, resize, as_stored),
        skip_unreadable=skip_unreadable,
        stream=stream,
    )
    splits = folders.splits(
        split_by=split_by, validation=validation, test=test, split_seed=split_seed
    )
    index = folders.index(loaded.examples, loaded.kept, splits=splits, origins=loaded.origins)
    image_format = loaded.image_format
    source = ClassSource("image-folder", index, input_format=image_format, rotations=rotations)
    source.pinned_options = pinned_format(
        image_format, size=size, channels=channels, invert=invert, deep_range=deep_range
    )
    return source
