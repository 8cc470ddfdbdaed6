"""mini-imagenet and cifar-fs: every layout that the community uses, in tiny invented folders."""

import csv
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tfmeta import UserError
from tfmeta.episodes.episode_source import EpisodeShape
from tfmeta.pipelines import cifar_fs, mini_imagenet
from tfmeta.reading.images import ImageFormat
from tfmeta.reading.pickled_arrays import read_pickled_arrays

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


@pytest.fixture(autouse=True)
def invented(monkeypatch, tmp_path):
    """Published splits of few classes."""
    monkeypatch.setenv("TFMETA_CACHE", str(tmp_path / "cache"))
    for module, name, splits in (
        (mini_imagenet, "MINI_IMAGENET", MINI),
        (cifar_fs, "CIFAR_FS", CIFAR),
    ):
        monkeypatch.setattr(module, name, replace(getattr(module, name), standard=splits))


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "above" / "root"
    folder.mkdir(parents=True)
    return folder


def splits_of(module):
    return MINI if module is mini_imagenet else CIFAR


def episodes_of(source, split="all"):
    return [t.numpy() for t in source.draw(split, EpisodeShape(2, 1, 1), 0)(0, 20)]


def are_equal(some, others):
    return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


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
    assert source.image_format == ImageFormat(SIDE, SIDE, channels=3)
    assert are_equal(episodes_of(source), episodes_of(expected))
    assert source.index.origins.digests == expected.index.origins.digests
    assert source.index.origins.passed_over == ()
    first = sorted(splits["train"])[0]
    assert np.array_equal(source.index.examples[1], pixels(first, 1))
    again = module.build(data_dir=root, size=SIDE, stream=stream)
    assert again.index.origins.names == source.index.origins.names
    assert are_equal(episodes_of(again), episodes_of(expected))


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
    assert module.build(data_dir=root).image_format == ImageFormat(side, side, channels=3)
    source = module.build(data_dir=root, size=[5, 6], rotations=False)
    assert source.input_shape == (5, 6, 3)
    assert module.build(data_dir=root, size=SIDE, rotations=True).num_rotations == 4


def test_pickled_images_are_resized_as_files_are(root, tmp_path):
    mini_pickles(root, MINI)
    split_folders(tmp_path / "files", MINI)
    sources = [mini_imagenet.build(data_dir=d, size=5) for d in (root, tmp_path / "files")]
    assert are_equal(*map(episodes_of, sources))
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
    with pytest.raises(UserError, match=r"1 files can't be read: val/n00000002/zero\.jpg"):
        mini_imagenet.build(data_dir=root, size=SIDE)
    source = mini_imagenet.build(data_dir=root, size=SIDE, skip_unreadable=True)
    assert source.index.counts.tolist() == [IMAGES] * 6


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
    message = f"2 classes of {lists} are missing in {root}: {', '.join(missing)}; expected every"
    with pytest.raises(UserError, match=message):
        module.build(data_dir=root)


def test_listed_files_that_are_missing_are_named(root):
    csv_files(root, MINI)
    (root / "images" / "n000000030001.png").unlink()
    message = f"1 files of {root} are missing in {root}: n000000030001.png; expected every"
    with pytest.raises(UserError, match=message):
        mini_imagenet.build(data_dir=root)
    for number in (0, 2):
        (root / "images" / f"n00000003000{number}.png").unlink()
    with pytest.raises(UserError, match=f"1 classes of {root} are missing in {root}: n00000003;"):
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
    message = rf"has \S*train\S*, \S*test\S* but no {name}; expected one a split"
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"cnumpy.core.multiarray\nfromfile\n.", r"asks for numpy\.core\.multiarray\.fromfile;"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0acore.numpy\x93.", r"asks for numpy\.core\.numpy;"),
        (b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13tR.", "encoded as rot13"),
        (pickle.dumps([1]), "holds a list; expected a dictionary of arrays"),
        (pickle.dumps({"a": np.arange(9)})[:-20], "cannot read .*expected a whole pickle of arr"),
        (b"", "cannot read .*expected a whole pickle of arrays"),
    ],
)
def test_other_pickles_are_refused(content, message, tmp_path):
    (tmp_path / "x.pkl").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_pickled_arrays(tmp_path / "x.pkl")


def test_pickles_of_every_protocol_are_read(tmp_path):
    content = {"a": np.arange(6, dtype=np.uint8).reshape(2, 3), "b": np.int64(3), "c": ["d", 4]}
    content["e"] = np.asfortranarray(content["a"])
    for protocol in range(6):
        (tmp_path / "x.pkl").write_bytes(pickle.dumps(content, protocol))
        read = read_pickled_arrays(tmp_path / "x.pkl")
        assert {k: np.array(v).tolist() for k, v in read.items()} == {
            k: np.array(v).tolist() for k, v in content.items()
        }
        assert read["a"].dtype == np.uint8
        assert read["b"].dtype == np.int64


def test_pickles_of_python_2_are_read(tmp_path):
    # As cPickle of Python 2 writes {"data": np.array([1, 254], np.uint8)}, with its byte strings.
    dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNN"
    dtype += 2 * b"J\xff\xff\xff\xff" + b"K\x00tb"
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    array = made + b"(K\x01K\x02\x85" + dtype + b"\x89U\x02\x01\xfetb"
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02}U\x04data" + array + b"s.")
    assert read_pickled_arrays(tmp_path / "x.pkl")["data"].tolist() == [1, 254]
