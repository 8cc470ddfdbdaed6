"""What becomes of gaps, fine digits and whole numbers in a table with categories."""

import json
import re
import shlex

import numpy as np
import pytest
import tensorflow as tf

from tfmeta import UserError
from tfmeta.pipelines.arrays import build
from tfmeta.reading import table_graph, table_options
from tfmeta.reading.tables import table_of


def written(folder, text):
    (folder / "t.csv").write_text(text)
    return folder / "t.csv"


def test_a_gap_where_no_training_row_had_one_is_filled_too(tmp_path):
    path = written(tmp_path, "a,b,label\n1,2,x\n3,,x\n5,6,y\n7,8,y\n")
    source = build(data_dir=path, missing="mean", validation=0, test=0, split_by="class")
    (row,) = source.input_format.examples(table_of({"a": [None], "b": [4.0]})).tolist()
    assert row == [4.0, 1.0, 4.0, 0.0]  # the mean of a, which it lacks
    warnings = source.prepared.warnings(source.prepared.facts())
    assert not [each for each in warnings if "is missing" in each]


@pytest.mark.parametrize(
    ("column", "is_taken"), [("year", True), ("time", False)], ids=["2007 to 2009", "Unix time"]
)
def test_digits_that_float32_has_are_taken_beside_categories(tmp_path, column, is_taken):
    values = {"year": [2007, 2008, 2009, 2007], "time": [1.7e9 + 60 * i for i in range(4)]}[column]
    rows = [f"{v:.0f},{'uv'[i % 2]},{'xy'[i // 2]}" for i, v in enumerate(values)]
    path = written(tmp_path, "\n".join([f"{column},kind,label", *rows]) + "\n")
    options = {"categories": "auto", "validation": 0, "test": 0, "split_by": "class"}
    if is_taken:
        assert build(data_dir=path, **options).index.examples[:, 0].tolist() == values
        return
    with pytest.raises(UserError, match=f"float32 loses digits of {column} of .*leave the column"):
        build(data_dir=path, **options)


def test_what_is_exact_in_float32_is_taken_however_little_it_differs(tmp_path, monkeypatch):
    """As a gap or a category that one row of two million has: a deviation below a thousandth."""
    monkeypatch.setattr(table_options, "lost_in_float32", lambda x: np.arange(x.shape[1]))
    path = written(tmp_path, "a,kind,label\n1,u,x\n2,v,y\n,w,x\n")
    options = {"missing": "mean", "categories": "auto", "split_by": "class"}
    source = build(data_dir=path, **options, validation=0, test=0)
    last = dict(zip(source.input_format.features, source.index.examples[-1], strict=True))
    assert (last["a is missing"], last["kind=w"], last["kind=u"]) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize("learned", [("3", "1"), ("3.0", "1.0"), ("3.0", "1")])
@pytest.mark.parametrize("asked", ["3", "3.0"])
def test_whole_numbers_that_are_categories_are_known_with_a_point_and_without(
    tmp_path, learned, asked
):
    """pandas writes 3.0 in place of 3 as soon as another row of the column has a gap."""
    first, second = learned
    path = written(tmp_path, f"kind,a,label\n{first},1,x\n{second},2,y\n3,4,x\n1,5,y\n")
    options = {"categories": {"kind": "auto"}, "split_by": "class", "validation": 0, "test": 0}
    row_format = build(data_dir=path, **options).input_format
    assert row_format.categories == {"kind": ("1", "3")}
    (row,) = row_format.examples(table_of({"kind": [asked], "a": [7.0]})).tolist()
    assert dict(zip(row_format.features, row, strict=True)) == {
        "kind=?": 0.0,
        "kind=1": 0.0,
        "kind=3": 1.0,
        "a": 7.0,
    }


@pytest.mark.parametrize(
    ("words", "asked", "expected"),
    [
        (["007", "b"], "7", None),
        (["1.50", "b"], "1.5", None),
        (["3", "b"], "3.00", None),
        (["3.0", "b"], "3", "3.0"),
        (["-3", "b"], "-3.0", "-3"),
        (["3", "3.0"], "3.0", "3.0"),
        (["3.0", "3"], "3", "3"),
        (["3.0", "4.0", "x.0"], "x", None),
    ],
)
def test_a_number_in_another_form_is_the_same_category_if_it_is_whole(
    tmp_path, words, asked, expected
):
    """In the graph of a served model as in a file."""
    path = written(tmp_path, f"kind,a,label\n{words[0]},1,x\n{words[1]},2,y\n")
    options = {"categories": {"kind": words}, "split_by": "class", "validation": 0, "test": 0}
    row_format = build(data_dir=path, **options).input_format
    row = row_format.examples(table_of({"kind": [asked], "a": [7.0]}))
    expected = [expected is None, *(word == expected for word in words), 7]
    assert row.tolist() == [[float(value) for value in expected]]
    columns = {"kind": tf.constant([asked]), "a": tf.constant([7.0])}
    assert table_graph.prepared(row_format, columns, "x").numpy().tolist() == row.tolist()


def test_the_way_out_of_texts_that_look_like_numbers_names_all_categories(tmp_path):
    path = written(tmp_path, "doors,hue,label\n2,u,x\n3,v,y\n4,u,x\n5more,v,y\n")
    whole = r"""pipeline\.categories=\{.*"doors": "auto".*\}'$"""
    for options in ("auto", {"doors": "auto"}):
        with pytest.raises(UserError, match=whole) as refusal:
            build(data_dir=path, categories=options)
        assert '"hue": "auto"' in str(refusal.value)
        assert re.search(r"pipeline\.exclude=(doors|hue)", str(refusal.value))
    categories = json.loads(re.search(r"categories=(\{.*\})", str(refusal.value))[1])
    source = build(data_dir=path, categories=categories, validation=0, test=0, split_by="class")
    assert source.input_format.categories == {
        "doors": ("2", "3", "4", "5more"),
        "hue": ("u", "v"),
    }


def test_columns_are_left_out_by_name(tmp_path):
    path = written(tmp_path, '"a,b",id,c,label\n1,n1,2,x\n3,n2,5,y\n')
    options = {"validation": 0, "test": 0, "split_by": "class"}
    for exclude in ("id", ["id"], '["id"]'):
        source = build(data_dir=path, exclude=exclude, **options)
        assert source.input_format.features == ("a,b", "c")
    for exclude in ('["a,b", "id"]', ["a,b", "id"], None):
        features = None if exclude else "c"
        source = build(data_dir=path, exclude=exclude, features=features, **options)
        assert source.input_format.features == ("c",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exclude": "d"}, r"no column 'd'; it has: a, label.*pipeline\.exclude=A,B"),
        ({"exclude": "a", "features": "a"}, r"features=a and pipeline\.exclude=a; expected one"),
        ({"exclude": "a"}, "no column is left"),
    ],
)
def test_what_cannot_be_left_out_is_refused(tmp_path, options, message):
    path = written(tmp_path, "a,label\n1,x\n3,y\n")
    with pytest.raises(UserError, match=message):
        build(data_dir=path, **options)


def test_an_array_has_no_columns_to_leave_out(tmp_path):
    np.savez(tmp_path / "t.npz", x=np.eye(4), y=np.arange(4) // 2)
    with pytest.raises(UserError, match=r"pipeline\.exclude=a; the features of an NPZ file"):
        build(data_dir=tmp_path / "t.npz", exclude="a")


@pytest.mark.parametrize("name", ["kind of", "a,b", "plain", "it's"])
def test_the_command_that_leaves_a_column_out_does_so_as_it_is_printed(tmp_path, name):
    path = written(tmp_path, f'"{name}",c,label\nu,2,x\nv,5,y\n')
    with pytest.raises(UserError, match="or leave them out: ") as refusal:
        build(data_dir=path)
    typed = re.search("leave them out: (.*), or take", str(refusal.value))[1]
    option, setting = shlex.split(typed)
    assert option == "--set"
    exclude = setting.removeprefix("pipeline.exclude=")
    source = build(data_dir=path, exclude=exclude, validation=0, test=0, split_by="class")
    assert source.input_format.features == ("c",)
