"""mini-imagenet and cifar-fs: every layout that the community uses, in tiny invented folders."""

import pickle
import re

import numpy as np
import pytest
from benchmark_layouts import (
    CIFAR,
    IMAGES,
    LAYOUTS,
    MINI,
    SHORT,
    SIDE,
    bertinetto,
    class_folders,
    csv_files,
    mini_pickles,
    pixels,
    split_folders,
    splits_of,
    stacked,
    write_class,
    write_image,
)
from drawn_episodes import episodes_of, same

from tfmeta import UserError
from tfmeta.pipelines import cifar_fs, mini_imagenet
from tfmeta.reading.image_format import ImageFormat

# The published splits, before they are patched


@pytest.mark.parametrize(
    ("module", "pattern", "edges"),
    [
        (mini_imagenet, r"n\d{8}", ("n01532829", "n13133613", "n01855672", "n07613480")),
        (cifar_fs, r"[a-z]+(_[a-z]+)?", ("dolphin", "tank", "beaver", "rocket")),
    ],
)
def test_the_published_split_is_64_16_and_20_classes(module, pattern, edges, monkeypatch):
    monkeypatch.undo()
    benchmark = module.MINI_IMAGENET if module is mini_imagenet else module.CIFAR_FS
    standard = benchmark.standard
    assert {s: len(names) for s, names in standard.items()} == {
        "train": 64,
        "validation": 16,
        "test": 20,
    }
    names = [name for each in standard.values() for name in each]
    assert len(set(names)) == 100
    assert all(re.fullmatch(pattern, name) for name in names)
    train, validation, test = standard.values()
    assert (train[0], train[-1], validation[0], test[-1]) == edges


# Layouts


@pytest.mark.parametrize(("module", "layout"), LAYOUTS)
@pytest.mark.parametrize("stream", [False, True])
def test_every_layout_gives_the_same_splits_and_episodes(module, layout, stream, root, tmp_path):
    splits = splits_of(module)
    layout(root, splits)
    split_folders(tmp_path / "expected", splits)
    expected = module.build(data_dir=tmp_path / "expected", size=SIDE)
    source = module.build(data_dir=root, size=SIDE, stream=stream)
    assert source.recorded_splits() == {s: sorted(names) for s, names in splits.items()}
    assert source.input_format == ImageFormat(SIDE, SIDE, channels=3)
    assert same(episodes_of(source), episodes_of(expected))
    assert source.index.origins.digests == expected.index.origins.digests
    assert source.index.origins.passed_over == ()
    first = sorted(splits["train"])[0]
    assert np.array_equal(source.index.examples[1], pixels(first, 1))
    again = module.build(data_dir=root, size=SIDE, stream=stream)
    assert again.index.origins.names == source.index.origins.names
    assert same(episodes_of(again), episodes_of(expected))


@pytest.mark.parametrize("kind", [np.array, list])
def test_cifar_fs_pickles_number_their_classes_split_by_split(kind, root):
    for split, names in CIFAR.items():
        labels = np.repeat(np.arange(len(names)), IMAGES)
        shuffled = np.random.default_rng(0).permutation(len(labels))
        content = {"data": stacked(names)[shuffled], "labels": kind(labels[shuffled])}
        (root / f"CIFAR_FS_{SHORT[split]}.pickle").write_bytes(pickle.dumps(content))
    source = cifar_fs.build(data_dir=root, size=SIDE)
    assert source.recorded_splits() == {
        "train": ["train/0", "train/1", "train/2"],
        "validation": ["validation/0"],
        "test": ["test/0", "test/1"],
    }
    index = source.index
    of_baby = index.examples[index.labels == index.class_names.index("test/1")]
    assert {i.tobytes() for i in of_baby} == {pixels("baby", n).tobytes() for n in range(IMAGES)}
    assert index.origins.names[0].startswith("CIFAR_FS_train.pickle/")


@pytest.mark.parametrize(("module", "side"), [(mini_imagenet, 84), (cifar_fs, 32)])
def test_the_size_is_the_fields_or_yours(module, side, root):
    split_folders(root, splits_of(module))
    assert module.build(data_dir=root).input_format == ImageFormat(side, side, channels=3)
    source = module.build(data_dir=root, size=[5, 6], rotations=False)
    assert source.input_shape == (5, 6, 3)
    assert module.build(data_dir=root, size=SIDE, rotations=True).num_rotations == 4


def test_pickled_images_are_resized_as_files_are(root, tmp_path):
    mini_pickles(root, MINI)
    split_folders(tmp_path / "files", MINI)
    sources = [mini_imagenet.build(data_dir=d, size=5) for d in (root, tmp_path / "files")]
    assert same(*map(episodes_of, sources))
    assert sources[0].index.origins.sizes.tolist() == [[SIDE, SIDE]] * 18


def test_what_no_list_names_is_reported(root):
    bertinetto(root, CIFAR)
    write_class(root / "data", "unlisted")
    (root / "README").write_text("")
    (root / ".hidden").write_text("")
    source = cifar_fs.build(data_dir=root, size=SIDE)
    assert source.index.origins.passed_over == (".hidden", "README", "data/unlisted")
    assert "unlisted" not in source.index.class_names


def test_images_that_no_csv_file_names_are_reported_and_repeated_ones_counted_once(root):
    csv_files(root, MINI)
    write_image(root / "images", "n00000009", 0)
    lines = (root / "val.csv").read_text().splitlines()
    (root / "val.csv").write_text("\n".join([*lines, lines[-1]]))
    index = mini_imagenet.build(data_dir=root, size=SIDE).index
    assert index.origins.passed_over == ("images/n000000090000.png",)
    assert index.counts.tolist() == [IMAGES] * 6


def test_class_folders_beside_the_split_may_hold_folders(root):
    class_folders(root, MINI)
    write_class(root / "__MACOSX", "n00000001")
    source = mini_imagenet.build(data_dir=root, size=SIDE)
    assert source.index.origins.passed_over == ("__MACOSX",)


def test_unreadable_files_are_left_out_on_demand(root):
    split_folders(root, MINI)
    (root / "val" / "n00000002" / "zero.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"1 file can't be read: val/n00000002/zero\.jpg"):
        mini_imagenet.build(data_dir=root, size=SIDE)
    source = mini_imagenet.build(data_dir=root, size=SIDE, skip_unreadable=True)
    assert source.index.counts.tolist() == [IMAGES] * 6
