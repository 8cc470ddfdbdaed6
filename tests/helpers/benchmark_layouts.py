"""Invented images in every layout in which mini-ImageNet and CIFAR-FS are passed on."""

import csv
import pickle

import numpy as np
from PIL import Image

from tfmeta.pipelines import cifar_fs, mini_imagenet

SIDE, IMAGES = 8, 3  # of each invented class
SHORT = {"train": "train", "validation": "val", "test": "test"}
MINI = {
    "train": ("n00000003", "n00000001", "n00000006"),
    "validation": ("n00000002",),
    "test": ("n00000005", "n00000004"),
}
CIFAR = {"train": ("willow", "apple", "bus"), "validation": ("otter",), "test": ("rose", "baby")}


def pixels(name, number):
    seed = [*name.encode(), number]
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def write_image(folder, name, number):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}{number:04d}.png"
    Image.fromarray(pixels(name, number)).save(path)
    return path


def write_class(folder, name):
    return [write_image(folder / name, name, number) for number in range(IMAGES)]


# Layouts: each writes the classes of `splits` into a folder.


def split_folders(root, splits, prefix=""):
    for split, names in splits.items():
        for name in names:
            write_class(root / f"{prefix}{SHORT[split]}", name)


def meta_folders(root, splits):
    split_folders(root, splits, "meta-")


def class_folders(root, splits, home=""):
    for names in splits.values():
        for name in names:
            write_class(root / home, name)


def in_images(root, splits):
    class_folders(root, splits, "images")


def in_cifar100_data(root, splits):
    class_folders(root, splits, "cifar100/data")


def csv_files(root, splits, home=None, in_class=False):
    for split, names in splits.items():
        rows = [("filename", "label")]
        for name in names:
            for number in range(IMAGES):
                folder = root / "images" / (name if in_class else "")
                rows.insert(1, (write_image(folder, name, number).name, name))
        with open((home or root) / f"{SHORT[split]}.csv", "w", newline="") as file:
            csv.writer(file).writerows(rows)


def csv_files_above(root, splits):
    csv_files(root, splits, root.parent)


def images_beside_other_csv_files(root, splits):
    in_images(root, splits)
    (root.parent / "train.csv").write_text("of something else")


def csv_files_of_folders(root, splits):
    csv_files(root, splits, in_class=True)


def bertinetto(root, splits, level=""):
    class_folders(root, splits, f"{level}data")
    lists = root / f"{level}splits" / "bertinetto"
    lists.mkdir(parents=True)
    for split, names in splits.items():
        (lists / f"{SHORT[split]}.txt").write_text("\n".join(names) + "\n\n")


def bertinetto_in_cifar100(root, splits):
    bertinetto(root, splits, "cifar100/")


def stacked(names):
    return np.stack([pixels(name, number) for name in names for number in range(IMAGES)])


def mini_pickles(root, splits, protocol=2):
    for split, names in splits.items():
        members = {n: list(range(IMAGES * i, IMAGES * (i + 1))) for i, n in enumerate(names)}
        content = {"image_data": stacked(names), "class_dict": members}
        path = root / f"mini-imagenet-cache-{SHORT[split]}.pkl"
        path.write_bytes(pickle.dumps(content, protocol))


def mini_pickles_5(root, splits):
    mini_pickles(root, splits, 5)
    (root / "mini-imagenet-cache-val.pkl").rename(root / "mini-imagenet-cache-validation.pkl")


MINI_LAYOUTS = (split_folders, class_folders, in_images, csv_files, csv_files_above)
MINI_LAYOUTS += (csv_files_of_folders, images_beside_other_csv_files, mini_pickles, mini_pickles_5)
CIFAR_LAYOUTS = (split_folders, meta_folders, class_folders, in_cifar100_data, bertinetto)
CIFAR_LAYOUTS += (bertinetto_in_cifar100,)
LAYOUTS = [(mini_imagenet, layout) for layout in MINI_LAYOUTS]
LAYOUTS += [(cifar_fs, layout) for layout in CIFAR_LAYOUTS]


def splits_of(module):
    return MINI if module is mini_imagenet else CIFAR
