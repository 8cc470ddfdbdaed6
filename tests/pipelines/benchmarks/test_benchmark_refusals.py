"""mini-imagenet and cifar-fs: folders that are refused, each by what is wrong with it."""

import pickle
import re

import numpy as np
import pytest
from benchmark_layouts import (
    MINI,
    bertinetto,
    class_folders,
    csv_files,
    mini_pickles,
    split_folders,
    splits_of,
    stacked,
    write_class,
)

from tfmeta import UserError
from tfmeta.pipelines import cifar_fs, mini_imagenet

# Refusals


@pytest.mark.parametrize("module", [mini_imagenet, cifar_fs])
def test_a_folder_of_something_else_is_refused(module, root):
    name = module.__name__.rsplit(".", 1)[1].replace("_", "-")
    with pytest.raises(UserError, match=f"{name} needs its folder, received --data-dir None; exp"):
        module.build()
    with pytest.raises(UserError, match=f"{name} needs its folder, received --data-dir .*none;"):
        module.build(data_dir=root / "none")
    write_class(root, "unlisted")
    with pytest.raises(UserError, match=f"{root} is no folder of {name}; expected .*train/, val/"):
        module.build(data_dir=root)


@pytest.mark.parametrize(
    ("module", "layout", "lists"),
    [
        (mini_imagenet, class_folders, "the mini-imagenet split"),
        (cifar_fs, bertinetto, ".*/splits/bertinetto"),
    ],
)
def test_listed_classes_that_are_missing_are_named(module, layout, lists, root):
    splits = splits_of(module)
    layout(root, splits)
    home = root / "data" if module is cifar_fs else root
    missing = [splits["train"][0], splits["test"][1]]
    for path in (home / missing[0]).iterdir():  # an empty folder will not do
        path.unlink()
    (home / missing[1]).rename(root / "elsewhere")
    message = f"{root} lacks 2 classes of {lists}: {', '.join(missing)}; expected every"
    with pytest.raises(UserError, match=message):
        module.build(data_dir=root)


def test_listed_files_that_are_missing_are_named(root):
    csv_files(root, MINI)
    (root / "images" / "n000000030001.png").unlink()
    message = f"{root} lacks 1 file of {root}: n000000030001.png; expected every"
    with pytest.raises(UserError, match=message):
        mini_imagenet.build(data_dir=root)
    for number in (0, 2):
        (root / "images" / f"n00000003000{number}.png").unlink()
    with pytest.raises(UserError, match=f"{root} lacks 1 class of {root}: n00000003;"):
        mini_imagenet.build(data_dir=root)


@pytest.mark.parametrize(
    ("module", "layout", "lost"),
    [
        (mini_imagenet, csv_files, "val.csv"),
        (mini_imagenet, split_folders, "val"),
        (mini_imagenet, mini_pickles, "mini-imagenet-cache-val.pkl"),
        (cifar_fs, bertinetto, "splits/bertinetto/val.txt"),
    ],
)
def test_a_split_that_is_missing_is_named(module, layout, lost, root):
    layout(root, splits_of(module))
    (root / lost).rename(root / "elsewhere")
    name = re.escape(lost.split("/")[-1].replace("cache-val.", "cache-validation."))
    message = rf"has \S*train\S*, \S*test\S* but no {name}; expected one per split"
    with pytest.raises(UserError, match=message):
        module.build(data_dir=root)


@pytest.mark.parametrize("layout", [split_folders, mini_pickles, csv_files])
def test_a_class_in_two_splits_is_refused(layout, root):
    layout(root, {**MINI, "test": MINI["train"][:1]})
    message = f"class n00000003 of {root} is in the splits train and test; expected each class in"
    with pytest.raises(UserError, match=message):
        mini_imagenet.build(data_dir=root)


def test_a_csv_file_without_the_columns_is_refused(root):
    csv_files(root, MINI)
    (root / "test.csv").write_text("class_name,image_name\nn1,1.jpg\n")
    message = r"test\.csv has the columns class_name, image_name; expected filename and label"
    with pytest.raises(UserError, match=message):
        mini_imagenet.build(data_dir=root)


# Pickles


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"image_data": stacked(["a"]), "class_dict": {}},
        {"image_data": stacked(["a"]), "class_dict": {"a": [0, 3]}},
        {"image_data": stacked(["a"]), "class_dict": {"a": [0, -1]}},
        {"image_data": stacked(["a"]), "class_dict": {"a": ["x"]}},
        {"image_data": stacked(["a"]).astype(np.float32), "class_dict": {"a": [0]}},
        {"image_data": stacked(["a"])[..., 0], "class_dict": {"a": [0]}},
    ],
)
def test_a_pickle_of_something_else_is_refused(content, root):
    mini_pickles(root, MINI)
    (root / "mini-imagenet-cache-train.pkl").write_bytes(pickle.dumps(content))
    message = r"train\.pkl does not hold what is expected: image_data, uint8 .* and class_dict,"
    with pytest.raises(UserError, match=message):
        mini_imagenet.build(data_dir=root)


class Touch:
    """Pickled, it makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_asks_for_more_than_arrays_is_refused_and_not_run(protocol, root):
    mini_pickles(root, MINI)
    evil = pickle.dumps({"image_data": Touch(root / "made"), "class_dict": {}}, protocol)
    (root / "mini-imagenet-cache-train.pkl").write_bytes(evil)
    with pytest.raises(
        UserError, match=r"train\.pkl asks for i?_?o\.open; .*arrays alone\. It was"
    ):
        mini_imagenet.build(data_dir=root)
    assert not (root / "made").exists()
    pickle.loads(evil)["image_data"].close()
    assert (root / "made").exists()  # it would have
