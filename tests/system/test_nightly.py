"""What is left to `make nightly`: further rows of tables that each run covers, and second roads."""

import ast
import itertools
from pathlib import Path
from types import SimpleNamespace

import nightly
import pytest
from conformance_table import ROWS, TABLE

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("test_*.py"))


def each_run(mark):
    """The rows of a table that bear no mark."""
    return [row for row in mark.args[1] if not isinstance(row, type(pytest.param()))]


def of_the_night(mark):
    return [row.values for row in mark.args[1] if isinstance(row, type(pytest.param()))]


def decorators(tree):
    """`(name of the test, its decorator's name, its arguments)`, of each that is called."""
    for function in (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)):
        for call in (each for each in function.decorator_list if isinstance(each, ast.Call)):
            yield function.name, name_of(call), call


def name_of(call):
    return ast.unparse(call.func).rpartition(".")[2]


def test_three_turns_take_every_row():
    parts = [each_run(nightly.in_turn("name", TABLE, turn)) for turn in range(nightly.PARTS)]
    assert sorted(itertools.chain(*parts)) == sorted(TABLE)
    assert all(len(part) >= len(TABLE) // nightly.PARTS for part in parts)


@pytest.mark.parametrize("axes", [["abcde", [1, 2]], [[1, 2], "abcde", "xyz"], ["ab", [1]]])
def test_of_combinations_each_run_takes_every_value(axes):
    mark = nightly.crossed("...", *axes)
    taken = each_run(mark)
    assert [set(values) for values in zip(*taken, strict=True)] == [set(axis) for axis in axes]
    assert {*taken, *of_the_night(mark)} == set(itertools.product(*axes))


def test_a_table_without_rows_in_each_run_is_refused():
    for wrong in (
        lambda: nightly.rows("name", "abc", each_run=""),
        lambda: nightly.rows("name", "abc", each_run="d"),
        lambda: nightly.crossed("a, b", "abc", ""),
        lambda: nightly.in_turn("name", "abcd", 3),
        lambda: nightly.in_turn("name", "abc", 0),
        lambda: nightly.second_road(),
    ):
        with pytest.raises(ValueError, match="would leave too much to the night"):
            wrong()


def test_no_test_is_left_to_the_night_in_another_way():
    """So every table with rows of the night has rows of each run: those four refuse others."""
    helpers = set((TESTS / "helpers").glob("*.py")) - {Path(nightly.__file__)}
    marked = [p for p in {*FILES, *helpers} if "mark.nightly" in p.read_text()]
    assert [p for p in marked if p != Path(__file__)] == []


def test_a_second_road_names_tests_of_each_run():
    roads, named = set(), set()
    for path in FILES:
        file, tree = path.relative_to(TESTS.parent).as_posix(), ast.parse(path.read_text())
        found = decorators(tree)
        roads |= {f"{file}::{test}" for test, name, _ in found if name == "second_road"}
        for call in (each for each in ast.walk(tree) if isinstance(each, ast.Call)):
            if name_of(call) == "second_road" and path != Path(__file__):
                named |= {ast.literal_eval(each) for each in call.args}
    assert len(named) > len(roads) > 1
    assert not roads & named
    for each in named:
        file, _, test = each.partition("::")
        assert f"def {test}(" in (TESTS.parent / file).read_text(), each


def test_each_learner_is_in_each_run_by_its_gradient_its_answer_and_its_export():
    """Those checks of the conformance table are taken whole."""
    path = TESTS / "learners" / "test_conformance.py"
    whole = {
        test: ast.unparse(call.args[0])
        for test, decorator, call in decorators(ast.parse(path.read_text()))
        if decorator in ("each", "each_name") and len(call.args) == 1 and not call.keywords
    }
    assert whole["test_a_batch_gives_what_its_tasks_give"] == "TABLE"
    assert whole["test_an_inductive_answer_does_not_depend_on_the_other_queries"] == "ROWS"
    assert whole["test_the_meta_gradient_equals_finite_differences"] == "WITH_GRADIENT"
    assert "TABLE" in whole["test_the_export_passes_every_check_of_the_c_loader"]
    assert ROWS.keys() >= TABLE.keys()


@pytest.mark.parametrize(("is_on", "left"), [(False, "b"), (True, "")])
def test_what_is_marked_is_left_out_unless_it_is_night(is_on, left, monkeypatch):
    monkeypatch.setattr(nightly, "IS_ON", is_on)
    items = [
        SimpleNamespace(nodeid=name, get_closest_marker=lambda _, name=name: name == "b")
        for name in "ab"
    ]
    assert [item.nodeid for item in nightly.left_out(items)] == list(left)
