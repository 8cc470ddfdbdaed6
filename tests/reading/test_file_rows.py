"""How messages point at a row of a file: as an editor shows it."""

from pathlib import Path

import pytest

from tfmeta import UserError
from tfmeta.reading.file_rows import FileRows, shortened
from tfmeta.reading.tables import read_table

QUOTED = 'a,b\n1,x\n\n2,"y\nz"\n   \n3,"u, v"\n'


def test_a_row_of_a_csv_is_called_by_the_line_in_which_it_begins(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text(QUOTED)
    rows = read_table(file, text=()).rows
    lines = file.read_text().split("\n")
    assert list(rows) == ["line 2", "line 4", "line 7"]
    for number, start in zip(rows.numbers, ("1,", "2,", "3,"), strict=True):
        assert lines[number - 1].startswith(start)
    assert rows.where([1]) == "line 4"
    assert rows.where([0, 2]) == "lines 2, 7"


def test_other_rows_are_numbered():
    rows = FileRows(Path("t.npz"), 9)
    assert rows[-1:] == ["row 9"]
    assert rows.where(range(9)) == "rows 1, 2, 3, 4, 5 and 4 more"


def test_a_csv_that_has_changed_since_is_numbered(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("a\n1\n2\n")
    rows = read_table(file, text=()).rows
    file.write_text("a\n1\n")
    assert list(rows) == ["row 1", "row 2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("how do I\n pay?", "how do I pay?"),
        ("x" * 60, "x" * 48 + "..."),
        ("one two " * 10, "one two one two one two one two one two one two..."),
    ],
)
def test_a_text_is_shown_on_one_line_and_shortened(text, expected):
    assert shortened(text) == expected
    (name,) = FileRows(Path("t.csv"), 1, lines=[3], texts=[text])
    assert name == f'line 3 ("{expected}")'


@pytest.mark.fault("a CSV table that is not in UTF-8", "refused, with the line")
def test_a_table_that_is_not_in_utf_8_is_refused_with_the_line(tmp_path):
    file = tmp_path / "t.csv"
    for content, line in ((b"a,b\n1,x\n2,\xff\n", 3), (b"a,\xe9\n1,x\n", 1)):
        file.write_bytes(content)
        with pytest.raises(UserError, match=rf"t\.csv, line {line}, is not UTF-8 \(.*saved as"):
            read_table(file, text=())
    for encoding in ("utf-16", "utf-16-le"):
        file.write_bytes("a,b\n1,x\n".encode(encoding))
        with pytest.raises(UserError, match=r"line 1, holds a zero byte, as a file in UTF-16 does"):
            read_table(file, text=())
