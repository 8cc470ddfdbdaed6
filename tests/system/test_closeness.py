"""The tests have no tolerances of their own, and those of `closeness` let no mistake through."""

import ast
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from closeness import (
    assert_all_close,
    assert_close,
    assert_derivative,
    assert_far_apart,
    assert_within_chance,
)

FILES = sorted(Path(__file__).parents[1].rglob("*.py"))
PLACE = Path(__file__).parents[1] / "helpers" / "closeness.py"
_NAMES = {"approx", "isclose", "allclose", "assert_allclose", "assert_array_almost_equal", "finfo"}
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def own_tolerances(source: str) -> list:
    """The numbers of the lines that compare numbers nearly, by other means than `closeness`."""
    tree = ast.parse(source)
    asserted = [
        node for each in ast.walk(tree) if isinstance(each, ast.Assert) for node in ast.walk(each)
    ]
    found = [*filter(_is_loose, ast.walk(tree)), *filter(_is_distance_in_order, asserted)]
    return sorted({node.lineno for node in found})


def _is_loose(node):
    if isinstance(node, ast.Attribute | ast.Name):
        return (node.attr if isinstance(node, ast.Attribute) else node.id) in _NAMES
    if isinstance(node, ast.keyword):
        return node.arg in ("rtol", "atol")
    return False


def _is_distance_in_order(node):
    if isinstance(node, ast.Compare) and any(isinstance(order, _ORDERS) for order in node.ops):
        return any(map(_is_distance, ast.walk(node)))
    return False


def _is_distance(node):
    """`abs(...)`, `np.abs(...)`, or a number as small as rounding."""
    if isinstance(node, ast.Call):
        called = getattr(node.func, "attr", getattr(node.func, "id", None))
        return called in ("abs", "fabs")
    return isinstance(node, ast.Constant) and type(node.value) is float and 0 < node.value < 1e-3


@pytest.mark.fault(
    "a tolerance that was fitted to one machine",
    "refused: tests compare by closeness.py, whose tolerances follow from float's rounding",
)
@pytest.mark.parametrize("path", [path for path in FILES if path != PLACE], ids=lambda p: p.stem)
def test_a_file_has_no_tolerance_of_its_own(path):
    assert not own_tolerances(path.read_text()), "compare by a function of closeness.py"


@pytest.mark.parametrize(
    "line",
    [
        "np.testing.assert_allclose(a, b)",
        "assert a == pytest.approx(b)",
        "assert np.isclose(a, b, 1).all()",
        "compare(a, b, atol=0.1)",
        "assert abs(a - b) < 0.1",
        "assert 0.1 > np.abs(a - b).max()",
        "assert error(a, b) <= 1e-6",
        "assert apart < 8 * np.finfo(a.dtype).eps",
    ],
)
def test_the_search_finds_tolerances(line):
    assert own_tolerances("x = 1\n" + line) == [2]


@pytest.mark.parametrize("line", ["x.assign(1e-6)", "assert a < 0.1", "assert rate == 1e-3"])
def test_the_search_finds_nothing_else(line):
    assert not own_tolerances(line)


# The kinds


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_order_of_adding_up_passes_and_a_term_left_out_does_not(dtype):
    terms = np.random.default_rng(0).normal(size=4_000).astype(dtype)
    total, scale = np.sum(terms), np.abs(terms).max()
    assert_close(np.cumsum(terms)[-1], total, scale=scale)
    with pytest.raises(AssertionError):
        assert_close(np.sum(terms[1:]), total, scale=scale)
    with pytest.raises(AssertionError):
        assert_all_close([total, terms * dtype(1.001)], [total, terms])
    assert_far_apart(np.sum(terms[1:]), total)


def test_what_is_no_float_is_compared_exactly():
    assert_close(np.array(["a"]), np.array(["a"]))
    with pytest.raises(AssertionError):
        assert_close(10**9, 10**9 + 1)


def test_not_a_number_is_close_to_no_number():
    with pytest.raises(AssertionError):
        assert_close(np.float32(np.nan), np.float32(1))
    with pytest.raises(AssertionError):
        assert_far_apart(np.float32(np.nan), np.float32(1))
    with pytest.raises(AssertionError):
        assert_derivative(lambda x: x, np.nan, step=1e-4)


@pytest.mark.parametrize("step", [1e-6, 2e-5])
def test_finite_differences_find_a_derivative_that_is_off_by_a_millionth(step):
    def at(distance):
        return float(np.exp(np.sin(3 + distance)))

    right = np.exp(np.sin(3)) * np.cos(3)
    assert_derivative(at, right, step=step)
    with pytest.raises(AssertionError, match="finite differences give"):
        assert_derivative(at, right * (1 + 1e-6), step=step)


def test_a_coin_is_fair_within_chance_and_a_loaded_one_is_not():
    tosses = np.random.default_rng(0).random(10_000)
    assert_within_chance(np.mean(tosses < 0.5), 0.5, 0.5 / 100)
    with pytest.raises(AssertionError):
        assert_within_chance(np.mean(tosses < 0.53), 0.5, 0.5 / 100)


# The machines of run_under_processors.sh


def test_tensorflow_has_the_threads_that_were_asked_for():
    asked = int(os.environ.get("TFMETA_TEST_THREADS", 0))
    keys = ("get_intra_op_parallelism_threads", "get_inter_op_parallelism_threads")
    threads = [getattr(tf.config.threading, key)() for key in keys]
    assert threads == ([asked] * 2 if asked else [1, len(os.sched_getaffinity(0))])
