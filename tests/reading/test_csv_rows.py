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
    ("content", "names", "message"),
    [
        ("a;b\n1,5;2.5\n", "b", r"'2\.5' in line 2 \(numbers of a table have one decimal mark\)"),
        ("a;b\n1.234,5;2\n7,5;1\n1.000;2\n", "a", r"'1\.234,5' in line 2 \(is its mark one of th"),
        ("a;b\n513,275;x\n2,161;y\n", "a", r"'513,275' in line 2 \(is its mark one of thousands"),
        ("a;b\n985;x\n2.500;y\n", "a", r"'985' in line 2|'2\.500' in line 3"),
        ("a;b\n2.500 ;18.30\n1.234 ;7.15\n", "a", r"'2\.500 ' in line 2 \(is its mark one of"),
        ("a;b\nParis;2,161,000\nLyon;513,5\n", "b", r"'2,161,000' in line 2 \(is its mark one of"),
        ("a\tb\nParis\t2,5\nLyon\t3\n", "b", r"'2,5' in line 2 \(numbers of a table have one"),
    ],
)
def test_numbers_that_may_mean_two_things_are_refused_where_they_are_used(
    tmp_path, content, names, message
):
    (tmp_path / "t.csv").write_text(content)
    table = read_table(tmp_path / "t.csv", text=())
    with pytest.raises(UserError, match=message):
        table.numbers([names])


def test_what_is_not_used_does_not_say_what_the_decimal_mark_is(tmp_path):
    (tmp_path / "t.csv").write_text("x;day;text\n2,5;01.05;1.000\n1;02.05;hello\n")
    table = read_table(tmp_path / "t.csv", text=())
    assert table.numbers(["x"]).tolist() == [[2.5], [1.0]]
    assert table.columns["day"].tolist() == ["01.05", "02.05"]


# As found in public sets: quotes of texts in files of tabs, and what spreadsheets write.


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('"I ate\tfruit\nmore"\tsky\n', [('"I ate', "fruit"), ('more"', "sky")]),
        ('"I" ate\tfruit\n"all"\tsky\n', [('"I" ate', "fruit"), ('"all"', "sky")]),
        ('"a\tfruit\nb\tsky\n"c\tsky\n', [('"a', "fruit"), ("b", "sky"), ('"c', "sky")]),
        ('"two\nlines"\tfruit\n"a\tb"\tsky\n', [("two\nlines", "fruit"), ("a\tb", "sky")]),
        ('"all"\tfruit\n "of"\tsky\n', [("all", "fruit"), ("of", "sky")]),
    ],
)
def test_quotes_in_a_file_of_tabs_are_those_of_its_texts(tmp_path, content, rows):
    assert read(tmp_path / "t.tsv", f"text\tlabel\n{content}") == rows


@pytest.mark.parametrize(
    "begin", ["sep=;\ntext;label\n", "\ufeffSEP=;\r\ntext;label\r\n", ";;\n\n;\ntext;label;\n"]
)
def test_lines_that_spreadsheets_add_do_not_count(tmp_path, begin):
    content = f"{begin}I ate, today;fruit\n;\n\na blue sky;sky\n;\n;\n"
    assert read(tmp_path / "t.csv", content) == ROWS
    lines = [line for line, _ in csv_rows(tmp_path / "t.csv")]
    assert [*read_table(tmp_path / "t.csv", text=()).rows.numbers] == lines
    assert content.split("\n")[lines[1] - 1] == "a blue sky;sky"


def test_a_separator_that_the_next_row_does_not_have_is_part_of_a_name(tmp_path):
    (tmp_path / "t.csv").write_text('size; cm,5",label\n1,2,x\n3,4,y; z\n')
    assert [*read_table(tmp_path / "t.csv", text=()).columns] == ["size; cm", '5"', "label"]
    (tmp_path / "t.csv").write_text("size, cm\t5, in\tlabel\n1\t2\tx\n")
    assert [row for _, row in csv_rows(tmp_path / "t.csv")] == [
        {"size, cm": "1", "5, in": "2", "label": "x"}
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\na,b\nc\n", "line 3, has 1 column; expected 2, as the header has$"),
        ('text,label\n"a" b,c\n', r"line 2, is no CSV \(.*\); expected quotes to be closed"),
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
