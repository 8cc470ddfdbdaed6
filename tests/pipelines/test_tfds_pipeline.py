"""`tfds:NAME`: any prepared TFDS dataset; Omniglot's, and tiny ones that are prepared here."""

import numpy as np
import pytest
import tensorflow_datasets as tfds
from drawn_episodes import episodes_of, same
from tiny_tfds import CLASSES, TinyImages, TinyPairs, TinyUnlabelled, TinyVectors, pixels

from tfmeta import UserError, pipelines
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.pipelines import image_folder
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.row_format import PLAIN

SHAPE = EpisodeShape(2, 1, 1)


@pytest.fixture(scope="module")
def tiny_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    for builder in (TinyImages, TinyVectors, TinyPairs, TinyUnlabelled):
        builder(data_dir=folder).download_and_prepare()
    return folder


@pytest.fixture
def build(tiny_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("TFMETA_CACHE", str(tmp_path / "cache"))

    def build_(name, **options):
        return pipelines.build(f"tfds:{name}", data_dir=str(tiny_dir), options=options)

    return build_


def examples_of(source):
    """`{class name: examples}`."""
    index = source.index
    named = enumerate(index.class_names)
    return {name: np.array(index.examples[np.flatnonzero(index.labels == c)]) for c, name in named}


# Images


def test_all_splits_are_pooled_and_the_classes_are_split(build):
    source = build("tiny_images", size=8)
    index = source.index
    assert source.name == "tfds:tiny_images"
    assert source.input_format == ImageFormat(8, 8, channels=3)
    assert index.class_names == CLASSES
    assert index.counts.tolist() == [4] * 5
    assert {s: len(c) for s, c in index.splits.items()} == {"train": 3, "validation": 1, "test": 1}
    assert index.groups is None
    for name, images in examples_of(source).items():
        expected = [pixels(CLASSES.index(name), number) for number in range(4)]
        # PNGs, so they come back whole; TFDS shuffles them when it prepares them.
        assert {i.tobytes() for i in images} == {e.tobytes() for e in expected}


def test_the_format_is_found_by_looking(build):
    assert build("tiny_images").input_format == ImageFormat(84, 84, channels=3)
    options = {"size": [5, 6], "channels": 1, "invert": True}
    assert build("tiny_images", **options).input_format == ImageFormat(5, 6, 1, invert=True)


def test_episodes_are_those_of_a_folder_of_the_same_files(build, tiny_dir, tmp_path):
    index = build("tiny_images", size=5).index
    builder = tfds.builder("tiny_images", data_dir=tiny_dir)
    decoders = {"image": tfds.decode.SkipDecoding()}
    number = 0
    for split in ("train", "test"):
        for each in builder.as_dataset(split=split, decoders=decoders).as_numpy_iterator():
            folder = tmp_path / "folder" / CLASSES[each["label"]]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number:02d}.png").write_bytes(each["image"])
            number += 1
    folder = image_folder.build(data_dir=tmp_path / "folder", size=5)
    assert same(episodes_of(build("tiny_images", size=5)), episodes_of(folder))
    of_folder = folder.index.origins
    # The folder is read class by class, TFDS in the order of its splits.
    order = np.argsort(index.labels, kind="stable")
    assert [index.origins.digests[i] for i in order] == list(of_folder.digests)
    assert index.origins.sizes.tolist() == [[8, 8]] * 20
    assert set(index.origins.modes) == {"RGB"}
    assert [index.origins.names[i] for i in (0, 14, 15, 19)] == [
        "train/0",
        "train/14",
        "test/0",
        "test/4",
    ]
    assert index.origins.passed_over == ()


def test_streamed_is_as_in_memory_and_read_once(build, monkeypatch):
    options = {"size": 5, "group": "kind", "split_by": "class"}
    memory, streamed = build("tiny_images", **options), build("tiny_images", stream=True, **options)
    assert same(episodes_of(memory), episodes_of(streamed))
    other = build("tiny_images", stream=True, size=5, label="number")
    from tfmeta.pipelines import tfds as module

    monkeypatch.setattr(module, "image_facts", None)  # what reads again, fails
    again = build("tiny_images", stream=True, **options)
    assert same(episodes_of(memory), episodes_of(again))
    for attribute in ("labels", "groups"):
        expected = getattr(memory.index, attribute)
        assert getattr(again.index, attribute).tolist() == expected.tolist()
    assert again.index.origins.digests == memory.index.origins.digests
    assert again.index.origins.names == memory.index.origins.names
    assert other.index.class_names == ("7", "17", "27", "37", "47")  # not what is kept of the first
    with pytest.raises(UserError, match="cannot build pipeline tfds:tiny_images"):
        build("tiny_images", stream=True, size=6)


def test_integer_labels_are_classes_named_by_their_number(build):
    source = build("tiny_images", size=8, label="number")
    assert source.index.class_names == ("7", "17", "27", "37", "47")
    expected = {i.tobytes() for i in examples_of(build("tiny_images", size=8))["cedar"]}
    assert {i.tobytes() for i in examples_of(source)["27"]} == expected


def test_groups_are_a_feature(build):
    index = build("tiny_images", size=8, group="kind", validation=0, test=1).index
    assert index.group_names == ("leafy", "needled")
    assert index.groups.tolist() == [0, 0, 1, 0, 1]
    assert sorted(map(len, index.splits.values())) == [0, 2, 3]  # split by group
    by_number = build("tiny_images", size=8, group="number", split_by="class").index
    assert by_number.group_names == ("7", "17", "27", "37", "47")
    assert by_number.groups.tolist() == [0, 1, 2, 3, 4]


def test_a_class_in_two_groups_is_refused(build):
    message = r"5 classes of tfds:tiny_unlabelled in two groups: ash, beech.*pipeline\.group="
    with pytest.raises(UserError, match=message):
        build("tiny_unlabelled", label="form", group="colour")


# Vectors


def test_vectors_are_floats_and_what_has_no_label_is_left_out(build):
    source = build("tiny_vectors")
    index = source.index
    assert source.input_format == PLAIN
    assert index.examples.dtype == np.float32
    assert index.examples.shape == (19, 3)
    assert index.class_names == (*CLASSES, "yew")
    assert index.counts.tolist() == [4, 3, 4, 4, 4, 0]
    assert (index.examples[:, 0] == index.labels).all()
    assert (index.examples[:, 2] == 0.5).all()
    assert index.origins.passed_over == ("1 example without a label (-1)",)
    assert len(index.origins.names) == 19


@pytest.mark.parametrize("option", [{"size": 8}, {"invert": False}, {"stream": True}])
def test_options_of_images_are_refused_for_vectors(build, option):
    message = rf"received pipeline\.{next(iter(option))}, which is for images; feature measures"
    with pytest.raises(UserError, match=message):
        build("tiny_vectors", **option)
    with pytest.raises(UserError, match="rotations need square images; tfds:tiny_vectors has"):
        build("tiny_vectors", rotations=True)


# Which features


def test_of_several_images_one_is_to_be_named(build):
    message = r"has 2 features that may be the image: front, back; expected one image or vector "
    with pytest.raises(UserError, match=message + r"of floats\. .*--set pipeline\.image=NAME"):
        build("tiny_pairs")
    front, back = (examples_of(build("tiny_pairs", size=8, image=i)) for i in ("front", "back"))
    expected = {pixels(2, number + 10).tobytes() for number in range(4)}
    assert {image.tobytes() for image in back["cedar"]} == expected
    assert not expected & {image.tobytes() for image in front["cedar"]}


def test_without_label_one_is_to_be_named(build):
    message = r"has 2 features that may be the label: colour, form; expected one ClassLabel or "
    with pytest.raises(UserError, match=message + r"integer \(colour, form, year\)\. .*label=NAME"):
        build("tiny_unlabelled")
    assert build("tiny_unlabelled", label="year").index.class_names[0] == "2000"


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        ("image", "mask", r"pipeline\.image=mask; .* has no such image or vector of floats; it "),
        ("label", "front", r"pipeline\.label=front; .* ClassLabel or integer; it has: label"),
        ("group", "kind", r"pipeline\.group=kind; .* ClassLabel or integer; it has: label"),
    ],
)
def test_a_feature_of_another_kind_is_refused(build, option, name, message):
    options = {"image": "front", option: name}
    with pytest.raises(UserError, match=message):
        build("tiny_pairs", **options)


# Which dataset


def test_a_dataset_that_is_missing_is_refused_with_the_folder(tmp_path):
    with pytest.raises(UserError, match=r"Mnist is not in .*--data-dir, or fetch it") as refusal:
        pipelines.build("tfds:mnist", data_dir=str(tmp_path / "none"))
    assert f"not in {tmp_path / 'none'} (looked for " in str(refusal.value)
    with pytest.raises(UserError, match="is not in") as refusal:
        pipelines.build("tfds:mnist_corrupted/fog", data_dir=str(tmp_path / "none"))
    assert f"not in {tmp_path / 'none'} (looked for " in str(refusal.value)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", ["no_such_dataset_at_all", "no name", "mnist:9.9.9"])
def test_a_dataset_that_is_unknown_is_refused(tmp_path, name):
    with pytest.raises(UserError, match=rf"TFDS has no dataset {name}, in .* expected NAME, NAME/"):
        pipelines.build(f"tfds:{name}", data_dir=str(tmp_path))
