"""What is in an image folder counts, is refused or is named; what a folder is, its contents say."""

import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tfmeta.cli import main
from tfmeta.errors import UserError
from tfmeta.exporting import client
from tfmeta.pipelines import build
from tfmeta.reading.support_set import read_support_folder


def make(root, *classes, images=2):
    rng = np.random.default_rng(len(classes))
    for name in classes:
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(images):
            pixels = rng.integers(0, 100, (5, 4), np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


def source_of(root, pipeline="image-folder", skip_unreadable=False, **options):
    return build(pipeline, data_dir=str(root), options=options, skip_unreadable=skip_unreadable)


@pytest.mark.fault(
    "links in an image folder that lead nowhere, to files and to class folders",
    "refused, or left out on request, each by its name",
)
def test_links_that_lead_nowhere_are_named(tmp_path):
    root = make(tmp_path / "photos", *"abcd")
    (root / "e").symlink_to(tmp_path / "gone")
    (root / "a" / "lost.png").symlink_to("nowhere.png")
    (root / "b" / "circle.png").symlink_to("circle.png")
    with pytest.raises(UserError, match=r"3 files can't be read: a/lost.png, e: .*; b/circle.png "):
        source_of(root)
    source = source_of(root, skip_unreadable=True)
    names = [name for name, _ in source.index.origins.unreadable]
    assert names == ["a/lost.png", "b/circle.png", "e"]
    assert np.bincount(source.index.labels).tolist() == [2, 2, 2, 2]
    assert [line.split(":")[0] for line in source.left_out({})] == [
        f"left out {name}" for name in names
    ]


@pytest.mark.fault(
    "hidden files, files beside the class folders, empty groups, pipes in an image folder",
    "each is named by inspect and when training starts",
)
def test_every_entry_that_is_not_used_is_named(tmp_path):
    root = make(tmp_path / "photos", *(f"{group}/{name}" for group in "pqr" for name in "xy"))
    (root / "README").write_text("of the data")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (root / "p" / "x" / name).write_bytes(b"of a system")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("")
    (root / "empty group").mkdir()
    os.mkfifo(root / "q" / "pipe")
    of_systems = ("p/x/.DS_Store", "p/x/Thumbs.db", "p/x/desktop.ini")
    expected = (".git", "README", "empty group", *of_systems, "q/pipe")
    source = source_of(root)
    assert source.index.origins.passed_over == expected
    (line,) = source.left_out({})
    assert line == f"not used: 7 other entries: {', '.join(expected[:5])} and 2 more"
    sheet = ("--contact-sheet", str(tmp_path / "sheet.png"), "--ways", "2", "--queries", "1")
    arguments = ("inspect", "image-folder", "--data-dir", str(root), "--json", *sheet)
    report = json.loads(CliRunner().invoke(main, arguments).stdout)
    assert report["passed_over"] == list(expected)


def test_a_support_set_has_no_hidden_files_or_folders(tmp_path):
    root = make(tmp_path / "support", "a", "b")
    names, files, labels, _ = read_support_folder(root, num_classes=None)
    for name in ("a/.DS_Store", "a/Thumbs.db", "b/Desktop.ini"):
        (root / name).write_bytes(b"of a system")
    (root / ".cache").mkdir()
    assert read_support_folder(root, num_classes=None)[:2] == (names, files)
    served, task = client.read_support(root)
    assert (served, task["support_y"]) == (names, [labels.tolist()])
    assert [len(images) for images in task["support_x_bytes"]] == [len(files)]


def test_names_that_are_no_text_are_shown_by_their_bytes(tmp_path):
    root = make(tmp_path / "photos", "a", "b", os.fsdecode(b"caf\xe9"))
    os.rename(root / "a" / "0.png", os.fsencode(root / "a") + b"/\xff.png")
    index = source_of(root).index
    assert index.class_names[2] == "caf\\xe9"
    assert "a/\\xff.png" in index.origins.names
    ("".join(index.class_names + index.origins.names)).encode()  # is text


@pytest.mark.fault(
    "a class folder called train or test, in class folders and in split folders",
    "what a folder holds decides whether it is a split",
)
@pytest.mark.parametrize("names", [("train", "bus", "car"), ("train", "test", "bus", "validation")])
def test_a_class_may_be_called_as_a_split_is(tmp_path, names):
    index = source_of(make(tmp_path / "classes", *names)).index
    assert index.class_names == tuple(sorted(names))
    splits = {"train": names, "validation": ["dev"], "test": ["a", "b"]}
    folders = [f"{split}/{name}" for split, each in splits.items() for name in each]
    found = source_of(make(tmp_path / "splits", *folders)).index.named_splits()
    assert found == {split: sorted(each) for split, each in splits.items()}


def test_folders_that_may_be_splits_or_classes_are_for_the_user_to_say(tmp_path):
    root = make(tmp_path, "train", "test", "val")
    with pytest.raises(UserError, match=r"which hold no folders.*pipeline.split_folders=false"):
        source_of(root)
    index = source_of(root, split_folders=False).index
    assert index.class_names == ("test", "train", "val")
    with pytest.raises(UserError, match=r"expected one folder each of train, test"):
        source_of(make(tmp_path / "others", "a", "b", "c"), split_folders=True)


@pytest.mark.parametrize(
    "layout", ["{name}", "data/{name}", "{short}/{name}", "meta-{short}/{name}"]
)
def test_cifar_fs_has_a_class_called_train(tmp_path, layout):
    from tfmeta.pipelines.benchmark import SHORT_NAMES
    from tfmeta.pipelines.cifar_fs import CIFAR_FS

    for split, names in CIFAR_FS.standard.items():
        folders = [layout.format(name=name, short=SHORT_NAMES[split]) for name in names]
        make(tmp_path, *folders, images=1)
    (tmp_path / "LICENSE").write_text("")
    source = source_of(tmp_path, "cifar-fs", size=4)
    expected = {split: sorted(names) for split, names in CIFAR_FS.standard.items()}
    assert source.index.named_splits() == expected
    assert source.index.origins.passed_over == ("LICENSE",)
