"""Queries that come with their answers: which folders are taken, and which names are the same."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import trained

import tfmeta
from tfmeta import UserError
from tfmeta.reading.image_reader import ImageReader
from tfmeta.reading.row_reader import RowReader
from tfmeta.reading.sound_reader import SoundReader
from tfmeta.workflows.queries import Queries, read_queries

KNOWN = ["1", "2", "Ärger", "g1/bed", "g2/bed", "g2/bee", "setosa"]


@pytest.fixture(scope="module")
def images():
    return trained.query_files()


def put(images, root, *paths):
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(images[number % len(images)], root / path)
    return str(root)


def truths(*names, known=KNOWN):
    return Queries([], [], list(names)).truths_as(known)


def test_names_are_the_models_or_of_classes_that_it_lacks():
    assert truths("setosa", "owl", "g2/bee", "setosa") == ["setosa", "owl", "g2/bee", "setosa"]


def test_a_number_is_the_same_class_however_it_is_written():
    assert truths("1.0", "2", "2.00", "1e0", "3.0") == ["1", "2", "2", "1", "3.0"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("SETOSA", "'SETOSA' (the model: 'setosa')"),
        ("setosa ", "'setosa ' (the model: 'setosa')"),
        ("bee", "'bee' (the model: 'g2/bee')"),
        ("bed", "'bed' (the model: 'g1/bed' or 'g2/bed')"),
        ("g1/setosa", "'g1/setosa' (the model: 'setosa')"),
    ],
)
def test_a_name_in_another_form_is_refused(given, named):
    with pytest.raises(UserError, match="1 class that the model writes otherwise") as error:
        truths(given, "setosa", "owl")
    assert named in str(error.value)


def test_a_number_that_two_classes_may_be_is_refused():
    with pytest.raises(UserError, match=r"'1' \(the model: '1.0' or '1.00'\)"):
        truths("1", known=["1.0", "1.00"])


def test_values_are_no_names():
    assert truths([1.0, 2.0], known=None) == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("b/0.png", "a/0.png", "a/1.png"), ["a", "a", "b"]),
        (("q/a/0.png", "p/a/0.png", "p/b/0.png"), ["p/a", "p/b", "q/a"]),
        (("test/a/0.png", "train/b/0.png", "train/b/1.png"), ["a", "b", "b"]),
    ],
)
def test_folders_in_every_layout_that_learn_takes(images, tmp_path, paths, expected):
    found = read_queries(ImageReader(), [put(images, tmp_path / "kept", *paths)], labelled=True)
    assert found.truths == expected
    assert [Path(place.file).read_bytes() for place in found.places] == found.x


def test_a_support_set_may_have_groups(images, tmp_path):
    folder = put(images, tmp_path / "kept", "q/a/0.png", "p/a/0.png", "p/b/0.png", "p/b/1.png")
    found = ImageReader().support(folder, num_classes=3)
    assert found.class_names == ["p/a", "p/b", "q/a"]
    assert found.y.tolist() == [0, 1, 1, 2]
    with pytest.raises(UserError, match="kept has 3 classes; this learner takes 2 to 2"):
        ImageReader().support(folder, num_classes=2)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (("0.png", "1.png"), "has no class folders; expected a folder of images for each class"),
        (("train/0.png", "test/0.png"), "if they are splits. If they are classes of these names"),
        (("train/a/0.png", "test/a/0.png"), "The folder of one split is what tfmeta learn and"),
    ],
)
def test_other_folders_are_refused(images, tmp_path, paths, message):
    with pytest.raises(UserError, match=message):
        read_queries(ImageReader(), [put(images, tmp_path / "kept", *paths)], labelled=True)


def test_a_file_or_nothing_is_no_folder(images, tmp_path):
    for path in (images[0], tmp_path / "nothing"):
        for reader, noun in ((ImageReader(), "images"), (SoundReader(), "sounds")):
            with pytest.raises(UserError, match=f"is no folder; expected .* folder of {noun}"):
                read_queries(reader, [str(path)], labelled=True)


def test_what_is_given_twice_is_refused(images, tmp_path):
    folder = put(images, tmp_path / "kept", "a/0.png")
    (tmp_path / "link").symlink_to(folder)
    for again in (folder, f"{folder}/", str(tmp_path / "link")):
        with pytest.raises(UserError, match="more than once; expected each once"):
            read_queries(ImageReader(), [folder, again], labelled=True)


def test_what_is_no_example_is_named(images, tmp_path, caplog):
    folder = put(images, tmp_path / "kept", "a/0.png", "beside.png", "a/.DS_Store")
    with caplog.at_level(logging.WARNING, "tfmeta"):
        assert read_queries(ImageReader(), [folder], labelled=True).truths == ["a"]
    assert [record.getMessage() for record in caplog.records] == [
        f"not used: beside.png of {folder}"
    ]


@pytest.mark.parametrize("labelled", [True, False])
def test_unreadable_files_are_left_out_on_request(images, tmp_path, caplog, labelled):
    folder = put(images, tmp_path / "kept", "a/0.png", "a/1.png", "b/0.png")
    (tmp_path / "kept" / "a" / "1.png").write_text("no image")
    (tmp_path / "kept" / "b" / "1.png").symlink_to("nowhere.png")
    files = [folder] if labelled else [f"{folder}/a", f"{folder}/b"]
    both = r"2 files can't be read: .*1\.png is no image.*1\.png.*: --skip-unreadable"
    with pytest.raises(UserError, match=both):
        read_queries(ImageReader(), files, labelled=labelled)
    with caplog.at_level(logging.WARNING, "tfmeta"):
        found = read_queries(ImageReader(), files, labelled=labelled, skip_unreadable=True)
    assert [place.file for place in found.places] == [f"{folder}/a/0.png", f"{folder}/b/0.png"]
    assert found.truths == (["a", "b"] if labelled else [None, None])
    (record,) = caplog.records
    assert record.getMessage().startswith("left out 2 files: ")


def test_folders_of_classes_without_an_example_are_refused(tmp_path):
    (tmp_path / "kept" / "a").mkdir(parents=True)
    for reader in (ImageReader(), SoundReader()):
        with pytest.raises(UserError, match="kept has no example; expected some of each class"):
            read_queries(reader, [str(tmp_path / "kept")], labelled=True)


def test_if_nothing_can_be_read_that_is_an_error(images, tmp_path):
    (tmp_path / "0.png").write_text("no image")
    with pytest.raises(UserError, match=r"0\.png is no image. None is left; expected image files"):
        read_queries(ImageReader(), [str(tmp_path / "0.png")], skip_unreadable=True)


def test_rows_can_not_be_skipped():
    with pytest.raises(UserError, match=r"received skip_unreadable=True, .* no files but rows"):
        RowReader((2,), None).skipping_unreadable()


def test_an_array_of_answers_that_is_not_there_is_named(tmp_path):
    np.savez(tmp_path / "kept.npz", x=np.ones((3, 2)))
    with pytest.raises(UserError, match="has no array y, the answers, but x; expected x and y"):
        read_queries(RowReader((2,), None), [str(tmp_path / "kept.npz")], labelled=True)


def test_other_words_for_reading_are_refused(images):
    with pytest.raises(UserError, match="predict received labeled; expected some of: labelled"):
        tfmeta.predict("exported/none", images[0], labeled=True)
    with pytest.raises(UserError, match="received labelled='yes'; expected True or False"):
        tfmeta.predict("exported/none", images[0], labelled="yes")


def test_arrays_of_samples_are_no_sounds():
    with pytest.raises(
        UserError, match=r"queries \(in memory\) holds numbers, which do not say how"
    ):
        read_queries(SoundReader(), np.zeros((2, 800), np.float32))
