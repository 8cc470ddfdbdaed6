"""Tables and arrays of vectors that are refused, each by what is wrong with it."""

import sys
from decimal import Decimal

import numpy as np
import pandas
import pytest
from blobs import csv, npz, refused

from tfmeta.pipelines.arrays import build

# What is refused


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("x,y\n1,a\n", {}, r"no column 'label'; it has: x, y\. Name yours with .*label=NAME"),
        ("x,label\n1,a\n", {"group": "g"}, r"no column 'g'; .*--set pipeline\.group=NAME"),
        ("x,label\n1,a\n", {"features": "x,z"}, r"no column 'z'; .*pipeline\.features=NAME"),
        (
            "x,colour,label\n1,2,a\n1,red,b\n",
            {},
            r"1 column of .* is not numeric: colour \('red' in line 3\); make them numbers",
        ),
        ("label\na\n", {}, r"cannot take the features .* no column is left"),
        ("x,label\n1,a\n", {"features": "x,label"}, r"label is the label; expected columns of the"),
        ("x,label\n1,a\n", {"features": "x,x"}, r"x, x name one twice"),
        (
            "x,z,label\n1,,a\ninf,2,a\n3,NA,a\n1e300,4,b\n",
            {},
            r"2 values of .* missing: z in line 2, z in line 4\. Fill .* pipeline\.missing=mean$",
        ),
        (
            "x,z,label\n1,,a\n\ninf,2,a\n3,NA,a\n1e300,4,b\n",
            {"missing": "mean"},
            r"2 values of .* infinite, .*: x in line 4, x in line 6\. Expected finite numbers; "
            r"mend these values or drop them$",
        ),
        ("x,hue,label\n1,,a\n2,red,b\n", {}, r"not numeric: hue \('red' in line 3\)"),
        ("x,hue,label\n1,,a\n2,,b\n", {"missing": "mean"}, r"hue of .* has no number in the trai"),
        ("x,label\n" + "nan,a\n" * 9, {}, r"9 values .*: x in line 2, .*x in line 6 and 4 more\. "),
        ("x,label\n1,a\n2,\n3,b\n4, \n", {}, r"no label \(label\) in lines 3, 5; fill it in"),
        ("x,label,g\n1,a,k\n2,b,\n", {"group": "g"}, r"no group \(g\) in line 3;"),
        (
            "x,label,s\n1,a,train\n2,b,test\n3,a,test\n",
            {"split": "s"},
            r"1 class of .* two values of split: a \(a has train and, in line 4, test\); "
            r"expected one split per class, .* Leave pipeline.split out",
        ),
        (
            "x,label,g\n1,a,k\n2,b,m\n3,a,m\n",
            {"group": "g"},
            r"two values of group: a \(a has k and, in line 4, m\); expected one group per class",
        ),
        ("x,label,s\n1,a,train\n2,b,hold\n", {"split": "s"}, r"\(unknown: hold\); expected train,"),
        ("x,label,s\n1,a,test\n2,b,dev\n", {"split": "s"}, r"\(no row is in train\); expected"),
        ("x,x,label\n1,2,a\n", {}, r"first line names x more than once; expected another"),
        (",x,label\n0,2,a\n", {}, r"first line has no name for column 1 of 3; .*index=False"),
        ("x;label\n1.5;a\n2,5;b\n", {}, r"x \('2,5' in line 3 \(numbers of a table have one dec"),
        ("x,label\n1,a\n2,b,c\n", {}, r"line 3, has 3 columns; expected 2, as the header"),
        ("x,label\n1,a,9\n2,b,9\n", {}, r"line 2, has 3 columns; expected 2, as the header"),
        ('x,label\n1,"a\n2,b\n', {}, r"line 2, is no CSV \(.*\); expected quotes to be"),
        ("label,x,z\na,1,2\nb,1\n", {}, r"line 3, has 2 columns; expected 3, as the header has"),
        ("x,label\n", {}, r"holds no rows; expected some"),
        ("", {}, r"is empty; expected a line with"),
        ("x,label\n1,a\n2,b\n", {"standardise": "no"}, r"pipeline\.standardise=no; expected true"),
        ("x,label\n1,a\n2,b\n", {"split_by": "row"}, r"split_by='row'; expected 'auto', 'class'"),
        ("x,label\n1,a\n2,b\n", {}, r"leave none of 2 for training"),
    ],
)
def test_a_table_that_will_not_do_is_refused(tmp_path, text, options, words):
    options = {"validation": 0, "test": 1, **options} if "leave none" not in words else options
    refused(words, csv(tmp_path, text), **options)


@pytest.mark.parametrize(
    ("arrays", "options", "words"),
    [
        ({"x": np.eye(2), "X": np.eye(2), "y": [1, 2]}, {}, r"arrays x and X in one NPZ file"),
        ({"y": [1, 2]}, {}, r"has no array x of examples; it has: y"),
        ({"x": np.eye(2), "t": [1, 2]}, {}, r"no array 'y'; it has: x, t"),
        ({"x": np.eye(3), "y": [1, 2]}, {}, r"y of .* has shape \(2,\); expected 3 rows, as x has"),
        (
            {"x": np.eye(2), "y": np.eye(2)},
            {},
            r"y of .* shape \(2, 2\); expected one label per row",
        ),
        ({"x": np.eye(2), "y": [1.0, np.nan]}, {}, r"no label \(y\) in row 2"),
        ({"x": [[1, 2], [np.inf, 3]], "y": [1, 2]}, {}, r"1 value .*: x\[0\] in row 2\. Expected"),
        (
            {"x": [["a"], ["b"]], "y": [1, 2]},
            {},
            r"holds x of <U1 and shape \(2, 1\); expected numbers",
        ),
        ({"x": np.eye(2), "y": [1, 2]}, {"features": "a"}, r"its array x, whole\. Leave the opti"),
        (
            {"x": np.eye(2), "y": np.array(["a", 1], object)},
            {},
            r"cannot read .* holds an array of objects, .* expected arrays of",
        ),
        ({"x": np.zeros((0, 2)), "y": []}, {}, r"holds no rows; expected some"),
    ],
)
def test_arrays_that_will_not_do_are_refused(tmp_path, arrays, options, words):
    refused(words, npz(tmp_path, **arrays), validation=0, test=1, **options)


def test_parquet_columns_of_odd_types_are_refused_by_a_value(tmp_path):
    path = tmp_path / "data.parquet"
    for values, words in (
        ([Decimal("1.5"), Decimal("2.5")], r"x \(Decimal\('1\.5'\) in row 1\)"),
        ([[1.0, 2.0], [3.0, 4.0]], r"x \(array\(\[1\., 2\.\]\) in row 1\)"),
    ):
        pandas.DataFrame({"x": values, "label": [1, 2]}).to_parquet(path)
        refused(r"1 column of .* is not numeric: " + words, path)
    pandas.DataFrame({"x": pandas.array([1, None], "Int64"), "label": [1, 2]}).to_parquet(path)
    refused(r"1 value .* missing: x in row 2", path)


@pytest.mark.parametrize("kind", ["npz", "parquet", "csv"])
def test_a_damaged_file_is_refused(tmp_path, same_data, kind):
    path = tmp_path / f"data.{kind}"
    whole = same_data[kind].read_bytes()
    cut = b"x,label" if kind == "csv" else whole[:200]
    for content in (b"", cut, b"\xff\xfe\x00" * 40):
        path.write_bytes(content)
        damaged = f"UTF-16|cannot read .*; expected a whole .{kind} file|holds no rows|is empty"
        refused(f"{damaged}|is no CSV|columns; expected", path)


def test_a_file_is_found_in_its_folder_or_chosen(tmp_path):
    refused(r"holds 0 files of \.npz, \.csv, \.tsv or \.parquet, expected one", tmp_path)
    path = csv(tmp_path, "x,label\n1,a\n2,b\n")
    (tmp_path / ".hidden.csv").write_text("")
    (tmp_path / "notes.txt").write_text("")
    options = {"validation": 0, "test": 1}
    assert build(data_dir=tmp_path, **options).input_shape == (1,)
    npz(tmp_path, x=np.eye(3), y=list("abc"))
    refused(r"holds 2 files of .*: data\.csv, data\.npz\. Choose with --set pipe", tmp_path)
    assert build(data_dir=tmp_path, file="data.npz", **options).input_shape == (3,)
    assert build(data_dir=tmp_path, file="data.csv", **options).input_shape == (1,)
    refused(r"which is a file itself; expected one of them", path, file="data.csv")
    refused(r"there is no file .*other\.csv; name yours", tmp_path, file="other.csv")
    refused(
        r"received the file .*notes\.txt; expected \.npz, \.csv, \.tsv", tmp_path, file="notes.txt"
    )
    refused(r"there is no file .*gone\.npz", tmp_path / "gone.npz")
    refused(r"arrays needs its data: --data-dir FILE \(\.npz, \.csv, \.tsv or \.parquet\)", None)


def test_without_pandas_only_an_npz_is_read(tmp_path, same_data, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    for kind in ("csv", "parquet"):
        refused(r"needs pandas and pyarrow .*pip install 'tfmeta\[tables\]'", same_data[kind])
    assert build(data_dir=same_data["npz"]).input_shape == (4,)
