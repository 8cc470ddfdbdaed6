"""What becomes of gaps and of fine digits in a table with categories."""

import numpy as np
import pytest

from tfmeta import UserError
from tfmeta.pipelines.arrays import build
from tfmeta.reading import table_options
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
