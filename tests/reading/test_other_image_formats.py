"""Images of formats that are not read, of telephones and browsers: named as what they are."""

import io

import pytest
from PIL import Image, features

from tfmeta import UserError
from tfmeta.reading.image_reader import ImageReader
from tfmeta.reading.support_set import read_image


def written(image_format):
    """As Pillow writes it."""
    buffer = io.BytesIO()
    Image.effect_noise((40, 30), 80).convert("RGB").save(buffer, image_format)
    return buffer.getvalue()


NOT_READ = {
    "JPEG 2000": lambda: written("JPEG2000"),
    "PDF": lambda: written("PDF"),
    # The beginnings that ISO/IEC 23008-12, ISO/IEC 18181-2 and Adobe's specification give.
    "HEIC": lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
    "JPEG XL": lambda: b"\xff\x0a" + bytes(200),
    "Photoshop": lambda: b"8BPS\0\x01" + bytes(200),
    "SVG": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}
if features.check("avif"):
    NOT_READ["AVIF"] = lambda: written("AVIF")


@pytest.mark.fault(
    "HEIC, AVIF and other images that are not read, whatever their names end in",
    "refused as what they are, with what to do",
)
@pytest.mark.parametrize("name", NOT_READ)
def test_an_image_of_another_format_is_named_as_what_it_is(name, tmp_path):
    file = tmp_path / "photo.jpg"
    file.write_bytes(NOT_READ[name]())
    with pytest.raises(UserError, match=rf"photo\.jpg is a {name} file, .*: convert it to JPEG"):
        read_image(file)


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(UserError, match=r"a\.png is empty; expected a whole PNG"):
        read_image(tmp_path / "a.png")


@pytest.mark.fault(
    "`tfmeta predict` of a folder with HEIC or AVIF photographs among others",
    "refused by the name of the first, and not passed over",
)
def test_a_folder_of_queries_leaves_out_no_photograph(tmp_path):
    (tmp_path / "a.jfif").write_bytes(written("JPEG"))
    (tmp_path / "notes.txt").write_text("no image")
    places, contents = ImageReader().queries([tmp_path])
    assert [each.file for each in places] == [str(tmp_path / "a.jfif")]
    assert contents == [(tmp_path / "a.jfif").read_bytes()]
    (tmp_path / "b.HEIC").write_bytes(NOT_READ["HEIC"]())
    with pytest.raises(UserError, match=r"b\.HEIC is a HEIC file"):
        ImageReader().queries([tmp_path])
