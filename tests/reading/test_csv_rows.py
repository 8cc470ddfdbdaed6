"""CSV files as people and spreadsheets write them: the same rows by both readers, or a line."""

import pytest

from tfmeta import UserError
from tfmeta.reading.csv_rows import csv_rows
from tfmeta.reading.tables import read_table

ROWS = [("I ate, today", "fruit"), ("a blue sky", "sky")]


def read(path, content):
    """Rows of texts and labels, by the reader of texts and by that of tables."""
    path.write_bytes(content.encode())
    columns = read_table(path, text=()).columns
    plain = [(row["text"], row["label"]) for _, row in csv_rows(path)]
    assert plain == list(zip(columns["text"].tolist(), columns["label"].tolist(), strict=True))
    return plain


@pytest.mark.parametrize(
    "content",
    [
        'text,label\n"I ate, today",fruit\na blue sky,sky\n',
        'text, label\n"I ate, today", fruit\na blue sky, "sky"\n\n\n',
        '\ufefftext,label\r\n"I ate, today",fruit\r\n"a blue sky",sky\r\n',
        'label, text\nfruit, "I ate, today"\n\nsky, a blue sky',
    ],
)
def test_spaces_ends_of_lines_and_quotes_make_no_difference(tmp_path, content):
    assert read(tmp_path / "t.csv", content) == ROWS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\na,b\nc\n", "line 3, has 1 column; expected 2"),
        ("text,label\na,b\nc,d,e\n", "line 3, has 3 columns; expected 2, .* needs quotes"),
        ("text,size,label\na,1,b\nc,2\n", "line 3, has 2 columns; expected 3"),
        ('text,label\na,b\n"c,d\n', r"line 3, is no CSV \(.*\); expected quotes to be closed"),
    ],
)
def test_a_row_that_does_not_fit_is_named_by_both(tmp_path, content, message):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(UserError, match=message):
        list(csv_rows(tmp_path / "t.csv"))
    with pytest.raises(UserError, match=message):
        read_table(tmp_path / "t.csv", text=())
