"""A user's texts: given as they are, or in files."""

import json
import logging

import numpy as np
import pandas as pd
import pytest

from tfmeta import UserError
from tfmeta.reading.example_reader import Place
from tfmeta.reading.text_format import TextFormat
from tfmeta.reading.text_reader import TextReader
from tfmeta.workflows.queries import data_or_paths, read_queries

READER = TextReader("text", "label")


def test_texts_as_they_are():
    texts = ["how do I pay?", "Wo ist meine Karte?", "我的卡", "a.b", "  x ", "x" * 5000]
    places, contents = READER.queries(texts)
    assert contents == [text.encode() for text in texts]
    assert places == [Place(None, None, text) for text in texts]


def test_files_of_texts(tmp_path):
    (tmp_path / "a.csv").write_text('id,text\n1,größer\n2,"b, c"\n', "utf-8")
    (tmp_path / "b.jsonl").write_text(json.dumps({"text": "我"}) + "\n", "utf-8")
    (tmp_path / "c.txt").write_bytes("\ufefffirst line\r\n\r\nzweite\u2028Zeile\n".encode())
    files = [str(tmp_path / name) for name in ("a.csv", "b.jsonl", "c.txt")]
    places, contents = READER.queries(["x", *files])
    expected = ["x", "größer", "b, c", "我", "first line", "zweite\u2028Zeile"]
    assert [content.decode() for content in contents] == expected
    assert [place.text for place in places] == expected
    assert [place.row for place in places] == [None, 1, 2, 1, 1, 3]
    assert str(places[1]) == f"{files[0]} line 2: größer"
    assert str(places[0]) == "x"


@pytest.mark.fault("a file of texts that is not there", "refused, not taken for a text")
@pytest.mark.parametrize("name", ["gone.csv", "gone.TXT", "my texts.jsonl"])
def test_a_missing_file_is_no_text(name):
    with pytest.raises(UserError, match=r"there is no file (gone|my texts)"):
        READER.queries([name])


def test_what_is_no_file_of_texts(tmp_path):
    (tmp_path / "x.png").write_bytes(b"")
    for path, message in (
        (tmp_path, "is a folder without .txt files"),
        (tmp_path / "x.png", "is no file of texts"),
    ):
        with pytest.raises(UserError, match=message):
            READER.queries([path])
    (tmp_path / "empty.txt").write_text("\n \n")
    with pytest.raises(UserError, match="holds no texts"):
        READER.queries([tmp_path / "empty.txt"])
    (tmp_path / "latin.txt").write_bytes("größer".encode("latin1"))
    with pytest.raises(UserError, match="line 1, is not UTF-8"):
        READER.queries([tmp_path / "latin.txt"])
    with pytest.raises(UserError, match="not in UTF-8"):
        READER.queries(["bad \udcff byte"])


@pytest.mark.fault("standard input or a device in place of texts", "refused, not taken for a text")
@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/null"])
def test_standard_input_is_no_text(name):
    with pytest.raises(UserError, match="is no file, and standard input is not read"):
        READER.queries([name])


def test_texts_of_an_array_are_never_names_of_files(tmp_path):
    (tmp_path / "secret.txt").write_text("the password\n")
    texts = ["pay me", str(tmp_path / "secret.txt"), "please open gone.txt"]
    for given in (np.array(texts), np.array(texts, object), pd.Series(texts), {"text": texts}):
        found = read_queries(READER, data_or_paths(given))
        assert [place.text for place in found.places] == texts
        assert list(found.x) == [text.encode() for text in texts]


def test_support_sets(tmp_path):
    path = tmp_path / "support.csv"
    path.write_text("text,label\nb,two\na,one\n我,two\n", "utf-8")
    names, x, y, places = READER.support(path, num_classes=None)
    assert (names, x, y.tolist()) == (["one", "two"], [b"b", b"a", "我".encode()], [1, 0, 1])
    assert [str(place) for place in places] == [
        f"{path} line {line}: {text}" for line, text in ((2, "b"), (3, "a"), (4, "我"))
    ]
    with pytest.raises(UserError, match="has 2 classes; this learner takes"):
        READER.support(path, num_classes=1)
    with pytest.raises(UserError, match=r"no column 'intent'.*names its label so"):
        TextReader("text", "intent").support(path, num_classes=None)
    for wrong in (tmp_path, tmp_path / "support.txt"):
        with pytest.raises(UserError, match="no file of labelled texts"):
            READER.support(wrong, num_classes=None)
    with pytest.raises(UserError, match="there is no file"):
        READER.support(tmp_path / "gone.csv", num_classes=None)


def test_half_a_character_is_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "ok"}\n{"text": "\\ud83d"}\n')
    with pytest.raises(UserError, match=r"half a character .* in line 2"):
        READER.queries([path])


# The format


def test_a_format_comes_back_from_json():
    text_format = TextFormat(("", "[UNK]", "größer", "我"), 7, label_column="intent")
    again = TextFormat.from_dict(json.loads(json.dumps(text_format.to_dict())))
    assert again == text_format
    assert again.shape == (7,)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"vocabulary": ["a", "b", "c"]}, "begins with"),
        ({"vocabulary": ["", "[UNK]"]}, "without tokens"),
        ({"vocabulary": ["", "[UNK]", "a", "a"]}, "one twice"),
        ({"vocabulary": ["", "[UNK]", "a\nb"]}, "white space"),
        ({"vocabulary": ["", "[UNK]", "\ud800"]}, "Unicode"),
        ({"vocabulary": ["", "[UNK]", 3]}, "begins with"),
        ({"length": 0}, "length=0"),
        ({"length": True}, "length=True"),
        ({"tokenizer": "ascii"}, "tokenizer='ascii'"),
        ({"text_column": ""}, "text_column=''"),
    ],
)
def test_a_format_of_wrong_fields(fields, message):
    with pytest.raises(ValueError, match=message):
        TextFormat.from_dict({"vocabulary": ["", "[UNK]", "a"], "length": 3, **fields})


def test_texts_without_a_token_are_left_out_on_request(tmp_path, caplog):
    file = tmp_path / "t.csv"
    file.write_text("text,label\npay me,money\n:-) :-),fun\nhaha,fun\n")
    asked = [str(file)]
    with pytest.raises(UserError, match="1 text without a word"):
        read_queries(READER, asked, labelled=True)
    with caplog.at_level(logging.WARNING, "tfmeta"):
        found = [
            read_queries(READER, asked, labelled=True, skip_unreadable=True),
            read_queries(READER, asked, skip_unreadable=True),
            read_queries(READER, {"text": ["pay me", "...", "haha"]}, skip_unreadable=True),
        ]
    assert found[0].truths == ["money", "fun"]
    for each in found:
        assert list(each.x) == [b"pay me", b"haha"]
        assert [place.row for place in each.places] == [1, 3]
    left_out = [record.getMessage() for record in caplog.records]
    assert all("left out 1 text without a word, a number or a symbol" in each for each in left_out)
    assert "line 3" in left_out[0]
    with pytest.raises(UserError, match="1 text without a word"):
        read_queries(READER, ["..."], skip_unreadable=True)


def test_texts_of_which_a_part_counts_are_named(caplog):
    reader = TextReader("text", "label", 3)
    with caplog.at_level("WARNING", logger="tfmeta"):
        reader.queries(["one two three", "one two three four"])
    assert caplog.messages == [
        "only the beginning counts, the first 3 tokens, of 1 text: one two three four"
    ]


def test_zero_bytes_and_numbers_are_refused():
    with pytest.raises(UserError, match=r"1 text with a zero byte: 'a\\x00b'"):
        READER.queries(["a\0b"])
    with pytest.raises(UserError, match="holds numbers, and this model takes texts"):
        read_queries(READER, np.zeros(2))


def test_long_texts_are_shortened_in_lines_and_whole_in_json():
    text = "word " * 4000
    places, _ = READER.queries([text])
    assert len(str(places[0])) < 60
    assert places[0].to_dict() == {"text": text}
