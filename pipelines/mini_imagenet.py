"""miniImageNet: 100 classes of ImageNet with 600 images each, 84x84, from a folder that you have.

    tfmeta train mini-imagenet --data-dir DIR --algorithm prototypical --ways 5 --shots 5

Vinyals et al. 2016, https://arxiv.org/abs/1606.04080; the split, 64 classes for training, 16 for
validation and 20 for test, is Ravi and Larochelle's (2017,
https://openreview.net/forum?id=rJY0-Kcll). The folder may hold:

    images/*.jpg, {train,val,test}.csv          one filename and label per line
    {train,val,test}/CLASS/*.jpg                split as they say
    CLASS/*.jpg or images/CLASS/*.jpg           CLASS being nXXXXXXXX; the published split
    mini-imagenet-cache-{train,val,test}.pkl    dictionaries of image_data and class_dict

The csv files may also lie one level up, and the images in class folders of `images`.
"""

import csv
import io

from tfmeta.episodes.class_source import ClassSource
from tfmeta.errors import UserError
from tfmeta.pipelines.benchmark import SHORT_NAMES, Benchmark, all_or_none, open_benchmark
from tfmeta.reading.image_files import FormatOptions
from tfmeta.user_files import open_file

_COLUMNS = ("filename", "label")

# The split of Ravi and Larochelle, as in github.com/twitter-research/meta-learning-lstm,
# data/miniImagenet. It is taken from the lists in github.com/DingYuan0118/fsl_ssl (commit 3ccbcd6,
# filelists/miniImagenet), whose label_names are the 64, 16 and 20 classes in this order.
_TRAIN = """
n01532829 n01558993 n01704323 n01749939 n01770081 n01843383 n01910747 n02074367 n02089867 n02091831
n02101006 n02105505 n02108089 n02108551 n02108915 n02111277 n02113712 n02120079 n02165456 n02457408
n02606052 n02687172 n02747177 n02795169 n02823428 n02966193 n03017168 n03047690 n03062245 n03207743
n03220513 n03337140 n03347037 n03400231 n03476684 n03527444 n03676483 n03838899 n03854065 n03888605
n03908618 n03924679 n03998194 n04067472 n04243546 n04251144 n04258138 n04275548 n04296562 n04389033
n04435653 n04443257 n04509417 n04515003 n04596742 n04604644 n04612504 n06794110 n07584110 n07697537
n07747607 n09246464 n13054560 n13133613
"""
_VALIDATION = """
n01855672 n02091244 n02114548 n02138441 n02174001 n02950826 n02971356 n02981792 n03075370 n03417042
n03535780 n03584254 n03770439 n03773504 n03980874 n09256479
"""
_TEST = """
n01930112 n01981276 n02099601 n02110063 n02110341 n02116738 n02129165 n02219486 n02443484 n02871525
n03127925 n03146219 n03272010 n03544143 n03775546 n04146614 n04149813 n04418357 n04522168 n07613480
"""


def build(
    *,
    data_dir=None,
    size=84,
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
        MINI_IMAGENET,
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
    images = root / "images" if (root / "images").is_dir() else root
    if images == root and root.name != "images":
        return None
    lists = all_or_none(_list_files(root))
    if lists is None:
        lists = _list_files(root.parent)
        if not all(path.is_file() for path in lists.values()):  # else of another kind
            return None
    by_split = {split: _files_of(path, images) for split, path in lists.items()}
    return by_split, list(lists.values())


def _list_files(folder):
    return {split: folder / f"{short}.csv" for split, short in SHORT_NAMES.items()}


def _files_of(path, images):
    """The files in a csv file, `{label: files}`."""
    by_label = {}
    with io.TextIOWrapper(open_file(path), "utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if not set(_COLUMNS) <= set(rows.fieldnames or ()):
            raise UserError(
                f"{path} has the columns {', '.join(rows.fieldnames or ()) or '(none)'}; expected "
                f"{' and '.join(_COLUMNS)}"
            )
        for row in rows:
            name, label = (row[column] for column in _COLUMNS)
            beside, in_class = images / name, images / label / name
            by_label.setdefault(label, []).append(in_class if in_class.is_file() else beside)
    return by_label


MINI_IMAGENET = Benchmark(
    name="mini-imagenet",
    layouts=(
        "images/ and train.csv, val.csv and test.csv, or train/, val/ and test/ with one folder "
        "per class, or class folders nXXXXXXXX/, or mini-imagenet-cache-{train,val,test}.pkl"
    ),
    standard={
        "train": tuple(_TRAIN.split()),
        "validation": tuple(_VALIDATION.split()),
        "test": tuple(_TEST.split()),
    },
    class_homes=("", "images"),
    read_lists=_read_lists,
    pickles="mini-imagenet-cache-{}.pkl",
    pickle_keys=("image_data", "class_dict"),
)
