"""CIFAR-FS: CIFAR-100's 100 classes of 600 images, 32x32, split, from a folder that you have.

    tfmeta train cifar-fs --data-dir DIR --algorithm prototypical --ways 5 --shots 5

Bertinetto et al. 2019, https://arxiv.org/abs/1805.08136: 64 classes for training, 16 for
validation and 20 for test. The folder, or `cifar100` in it, may hold:

    data/CLASS/*.png, splits/bertinetto/{train,val,test}.txt    one class per line
    {train,val,test}/CLASS/*.png, or meta-train and so on       split as these folders say
    CLASS/*.png or data/CLASS/*.png                             the published split
    CIFAR_FS_{train,val,test}.pickle                            dictionaries of data and labels
"""

from tfmeta.episodes.class_source import ClassSource
from tfmeta.pipelines.benchmark import (
    SHORT_NAMES,
    Benchmark,
    all_or_none,
    open_benchmark,
)
from tfmeta.reading.found_classes import files_in
from tfmeta.reading.image_files import FormatOptions
from tfmeta.user_files import read_text

_LEVELS = ("", "cifar100")

# The split of Bertinetto et al., as in github.com/tristandeleu/pytorch-meta (commit ac3c48e,
# torchmeta/datasets/assets/cifar100/cifar-fs); the names are CIFAR-100's fine labels.
_TRAIN = """
dolphin seal aquarium_fish ray trout orchid sunflower tulip bottle bowl can cup plate apple
mushroom orange pear clock keyboard chair couch bee caterpillar cockroach bear lion tiger wolf
bridge castle house road skyscraper cloud forest mountain elephant kangaroo porcupine possum raccoon
skunk lobster spider boy girl dinosaur lizard snake turtle hamster mouse rabbit shrew squirrel
oak_tree palm_tree pine_tree willow_tree bus train lawn_mower streetcar tank
"""
_VALIDATION = """
beaver otter flatfish shark lamp television beetle butterfly sea camel cattle crab crocodile
maple_tree motorcycle tractor
"""
_TEST = """
whale poppy rose sweet_pepper telephone bed table wardrobe leopard plain chimpanzee fox snail worm
baby man woman bicycle pickup_truck rocket
"""


def build(
    *,
    data_dir=None,
    size=32,
    resize: str = "squash",
    background: str = "white",
    as_stored: bool = False,
    rotations: bool = False,
    stream: bool = False,
    skip_unreadable: bool = False,
) -> ClassSource:
    """The pipeline.

    Args:
        data_dir: the folder.
        size: pixels per side, or `[height, width]`.
        resize, background, as_stored: see `FormatOptions`.
        rotations: whether quarter turns of a class are further classes.
        stream: whether to keep the pixels on disk and not in memory.
        skip_unreadable: whether to leave out files that are no whole images.

    Raises:
        UserError: see `open_benchmark`.
    """
    return open_benchmark(
        CIFAR_FS,
        data_dir,
        FormatOptions(
            size, 3, invert=False, background=background, resize=resize, as_stored=as_stored
        ),
        rotations=rotations,
        stream=stream,
        skip_unreadable=skip_unreadable,
    )


def _read_lists(root):
    """See `Benchmark.read_lists`."""
    for top in (root / level for level in _LEVELS):
        home = top / "splits" / "bertinetto"
        if lists := all_or_none({s: home / f"{short}.txt" for s, short in SHORT_NAMES.items()}):
            by_split = {
                split: {name: files_in(top / "data" / name) for name in _lines(path)}
                for split, path in lists.items()
            }
            return by_split, list(lists.values())
    return None


def _lines(path):
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


CIFAR_FS = Benchmark(
    name="cifar-fs",
    layouts=(
        "data/ and splits/bertinetto/{train,val,test}.txt, or train/, val/ and test/ (meta-train/, "
        "...) with one folder per class, or CIFAR-100's class folders, or "
        "CIFAR_FS_{train,val,test}.pickle"
    ),
    standard={
        "train": tuple(_TRAIN.split()),
        "validation": tuple(_VALIDATION.split()),
        "test": tuple(_TEST.split()),
    },
    class_homes=tuple(f"{level}/{home}".strip("/") for level in _LEVELS for home in ("", "data")),
    read_lists=_read_lists,
    pickles="CIFAR_FS_{}.pickle",
    pickle_keys=("data", "labels"),
)
