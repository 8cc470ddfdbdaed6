"""CSV files as people and spreadsheets write them: the same rows by both readers, or a line."""

import csv

import numpy as np
import pytest

from tfmeta import UserError
from tfmeta.reading.csv_rows import csv_rows
from tfmeta.reading.tables import read_table

ROWS = [("I ate, today", "fruit"), ("a blue sky", "sky")]


MEASURED = [(2.6, -11.25, "a"), (2.0, 0.5, "b"), (1000.0, 1.0, "b")]
IN_EUROPE = ["size;temperature;label", "2,6;-11,25;a", "2;,5;b", "1000;1;b"]


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
        "text;label\nI ate, today;fruit\na blue sky;sky\n",
        "text\tlabel\r\nI ate, today\tfruit\r\na blue sky\tsky\r\n",
        "text|label\rI ate, today|fruit\ra blue sky|sky",
        'text,label,,\n"I ate, today",fruit,,\na blue sky,sky,,\n',
        "\n\ntext;label;\nI ate, today;fruit;\na blue sky;sky;\n",
    ],
)
def test_separators_spaces_ends_of_lines_and_quotes_make_no_difference(tmp_path, content):
    assert read(tmp_path / "t.csv", content) == ROWS


@pytest.mark.parametrize("dialect", ["excel", "excel-tab", "unix"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_what_pythons_own_writer_writes_is_read(tmp_path, dialect, delimiter):
    with (tmp_path / "t.csv").open("w", newline="") as file:
        writer = csv.writer(file, dialect, delimiter=delimiter)
        writer.writerows([("text", "label"), *ROWS, ('a "b"; c|d\te', "f, g\nh")])
    content = (tmp_path / "t.csv").read_text()
    assert read(tmp_path / "t.csv", content) == [*ROWS, ('a "b"; c|d\te', "f, g\nh")]


def test_the_name_of_a_file_says_that_tabs_separate(tmp_path):
    content = "text, in English\ttext\tlabel\nyes\tI ate, today\tfruit\nno\ta blue sky\tsky\n"
    assert read(tmp_path / "T.TSV", content) == ROWS
    assert read(tmp_path / "c.tsv", 'text,label\n"I ate, today",fruit\na blue sky,sky\n') == ROWS


def test_names_in_quotes_may_hold_other_separators(tmp_path):
    (tmp_path / "t.csv").write_text('"size; cm","a\tb",label\n1.5,2,x\n')
    assert [*read_table(tmp_path / "t.csv", text=()).columns] == ["size; cm", "a\tb", "label"]
    assert list(csv_rows(tmp_path / "t.csv")) == [
        (2, {"size; cm": "1.5", "a\tb": "2", "label": "x"})
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_numbers_with_decimal_commas_are_numbers_beside_semicolons(tmp_path, end):
    (tmp_path / "t.csv").write_bytes(end.join([*IN_EUROPE, ""]).encode())
    columns = read_table(tmp_path / "t.csv", text=()).columns
    rows = list(zip(*(values.tolist() for values in columns.values()), strict=True))
    assert rows == MEASURED
    assert [*columns] == ["size", "temperature", "label"]
    assert columns["size"].dtype == np.float64


def test_decimal_points_stay_numbers_beside_semicolons_and_text_stays_text(tmp_path):
    (tmp_path / "t.csv").write_text("x;code;when\n0.5;1,50;18.00.00\n;2,25;19.00.00\n")
    columns = read_table(tmp_path / "t.csv", text=("code",)).columns
    assert np.array_equal(columns["x"], [0.5, np.nan], equal_nan=True)
    assert columns["code"].tolist() == ["1,50", "2,25"]
    assert columns["when"].tolist() == ["18.00.00", "19.00.00"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a;b\n1,5;2.5\n", r"comma \(1,5 in the column a\) and .* point \(2\.5 in the column b\)"),
        ("a;b\n1.234,5;2\n7,5;1\n1.000;2\n", r"comma \(7,5 .* point \(1\.000 in the column a"),
        (
            "a;b\n513,275;x\n2,161;y\n",
            "513,275 in the column a, may have decimals or a mark for th",
        ),
        (
            "a;b\n513.275;x\n2;y\n",
            "513.275 in the column a, may have decimals or a mark for thousa",
        ),
    ],
)
def test_numbers_that_may_mean_two_things_are_refused(tmp_path, content, message):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(UserError, match=message):
        read_table(tmp_path / "t.csv", text=())


def test_a_comma_of_thousands_beside_real_decimals_is_no_number(tmp_path):
    (tmp_path / "t.csv").write_text("town;people\nParis;2,161,000\nLyon;513,5\n")
    table = read_table(tmp_path / "t.csv", text=())
    with pytest.raises(UserError, match=r"people .*2,161,000"):
        table.numbers(["people"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\na,b\nc\n", "line 3, has 1 column; expected 2"),
        ("text,label\na,b\nc,d,e\n", "line 3, has 3 columns; expected 2, .* needs quotes"),
        ("text,size,label\na,1,b\nc,2\n", "line 3, has 2 columns; expected 3"),
        ('text,label\na,b\n"c,d\n', r"line 3, is no CSV \(.*\); expected quotes to be closed"),
        ("text;label\na;b\nc; d;e\n", 'line 3, has 3 columns; .*semicolon needs quotes.*"a; b"'),
        ("text,label,\na,b,\nc,d,e\n", "line 3, has 3 columns; expected 2, as the header has"),
        ("a, cm;b, cm;label\n1,2;3,4;x\n", "have a comma and a semicolon between them: a, cm;b"),
        ("a\tb|c\n1\t2|3\n", "have a tab and a vertical bar between them"),
    ],
)
def test_a_row_that_does_not_fit_is_named_by_both(tmp_path, content, message):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(UserError, match=message):
        list(csv_rows(tmp_path / "t.csv"))
    with pytest.raises(UserError, match=message):
        read_table(tmp_path / "t.csv", text=())
