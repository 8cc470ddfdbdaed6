"""`tfmeta.predict` on folders of images and on arrays of them."""

import shutil

import numpy as np
import pytest
import trained
from closeness import assert_same_answers
from PIL import Image

import tfmeta
from tfmeta import UserError


def test_a_folder_of_queries_is_its_image_files_in_the_order_of_their_names(tmp_path):
    folder = tmp_path / "queries"
    (folder / "deeper").mkdir(parents=True)
    for file in trained.query_files():
        shutil.copy(file, folder)
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden.png").write_text("no image")
    support = trained.support_folder()
    found = tfmeta.predict(trained.glyph_run(), folder, support=support)
    assert [each.image for each in found] == [str(folder / f.name) for f in trained.query_files()]
    expected = tfmeta.predict(trained.glyph_run(), images=trained.query_files(), support=support)
    for one, other in zip(found, expected, strict=True):
        assert_same_answers([{**one.to_dict(), "image": ""}], [{**other.to_dict(), "image": ""}])
    for empty in ("deeper", "."):
        with pytest.raises(UserError, match=r"holds no image files, but (nothing|queries); expect"):
            tfmeta.predict(trained.glyph_run(), (tmp_path if empty == "." else folder / empty))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """The support set and queries of `trained`, as arrays of 28 x 28 grey levels."""
    folder = tmp_path_factory.mktemp("pictures")
    files = sorted(trained.support_folder().glob("*/*.png"))
    x = np.stack([np.asarray(Image.open(file)) for file in files])
    np.savez(folder / "support.npz", x=x, y=[file.parent.name for file in files])
    queries = trained.query_files()[2:]
    np.savez(folder / "queries.npz", x=np.stack([np.asarray(Image.open(f)) for f in queries]) / 255)
    return folder


def test_arrays_of_images_get_the_answers_of_the_same_images_in_files(pictures):
    expected = tfmeta.predict(
        trained.glyph_run(), images=trained.query_files()[2:], support=trained.support_folder()
    )
    found = tfmeta.predict(
        trained.glyph_run(), pictures / "queries.npz", support=pictures / "support.npz"
    )
    assert [each.place.row for each in found] == [1, 2, 3]
    for one, other in zip(found, expected, strict=True):
        assert one.probabilities == other.probabilities
    large = pictures / "large.npz"
    np.savez(large, x=np.full((1, 28, 28), 2.0))
    with pytest.raises(UserError, match=r"x of .* holds 2\.0 in image 1; expected uint8, or numb"):
        tfmeta.predict(trained.glyph_run(), large, support=pictures / "support.npz")


@pytest.mark.usefixtures("kept_exports")
def test_an_export_of_images_answers_arrays_of_them(pictures):
    found = tfmeta.predict(
        trained.learner_export(), pictures / "queries.npz", support=pictures / "support.npz"
    )
    expected = tfmeta.predict(
        trained.learner_export(), trained.query_files()[2:], support=trained.support_folder()
    )
    assert [each.probabilities for each in found] == [each.probabilities for each in expected]
