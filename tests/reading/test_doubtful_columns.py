"""Columns that a model should not learn from, told from those that it may."""

import numpy as np
import pytest

from tfmeta.reading import doubtful_columns as doubtful
from tfmeta.reading.prepared_columns import PreparedColumns

ROWS = 12
COUNTS = np.arange(ROWS)


def one_hot(codes, number):
    """As a category stands in an example; its first place is for unknown values."""
    return np.float32(np.eye(number + 1)[np.asarray(codes)])


@pytest.mark.parametrize(
    ("column", "is_found"),
    [
        (COUNTS + 1, True),
        (np.random.default_rng(0).permutation(ROWS) + 500, True),
        (100 - 3 * COUNTS, True),
        (COUNTS**2, True),
        (COUNTS / 4, False),
        (np.minimum(COUNTS, 10), False),
        (COUNTS[::-1] * (-1) ** COUNTS, False),
    ],
)
def test_which_numbers_count_the_rows(column, is_found):
    other = np.random.default_rng(1).normal(size=ROWS)
    flat = np.float32(np.stack([other, column], 1))
    assert doubtful.numbers_of_rows(flat) == [1] * is_found
    assert doubtful.numbers_of_rows(flat[:7]) == []


@pytest.mark.parametrize(
    ("codes", "is_found"),
    [
        (COUNTS + 1, True),
        ([*range(1, ROWS), 0], True),  # the last one is not known
        ([1] * 2 + [*range(2, ROWS)], False),
        (COUNTS % 3 + 1, False),
        ([0] * 7 + [1, 2, 3, 4, 5], False),  # most are not known
    ],
)
def test_which_categories_name_the_rows(codes, is_found):
    values = doubtful.values_of(one_hot(codes, ROWS), {"who": range(ROWS + 1)})
    assert doubtful.categories_of_rows(values) == ["who"] * is_found


@pytest.mark.parametrize(
    ("codes", "is_found"),
    [
        ([3, 3, 3, 1, 1, 1, 2, 2, 2, 4, 4, 4], True),
        ([0, 0, 0, 1, 1, 1, 2, 2, 2, 4, 4, 4], True),  # of the others, which are most
        ([3, 3, 3, 1, 1, 1, 1, 1, 1, 4, 4, 4], False),  # one value of two classes
        ([3, 3, 5, 1, 1, 1, 2, 2, 2, 4, 4, 4], False),  # two values of a class
        ([1] * ROWS, False),
    ],
)
def test_which_categories_say_the_answer(codes, is_found):
    labels = np.repeat(np.arange(4), 3)
    values = doubtful.values_of(one_hot(codes, 5), {"alias": range(6)})
    assert doubtful.categories_like_answers(values, labels) == ["alias"] * is_found
    targets = np.float32(np.stack([np.arange(ROWS) ** 2, labels / 2], 1))
    assert doubtful.categories_like_answers(values, targets) == ["alias"] * is_found
    assert doubtful.categories_like_answers(values, np.arange(ROWS)) == []
    assert doubtful.categories_like_answers(values, None) == []


def test_a_category_under_two_names_is_said_once_and_by_its_name():
    codes = np.array([1, 2, 2, 1, 3, 3, 1, 2, 1, 1, 2, 3])
    other = np.array([0, 3, 1, 2])[codes]
    flat = np.concatenate([one_hot(codes, 3), one_hot(other, 3)], 1)
    places = {"colour": range(4), "hue": range(4, 8)}
    names = [f"place {number}" for number in range(8)]
    prepared = PreparedColumns(flat, names=names, categories=places)
    (warning,) = [each for each in prepared.warnings(prepared.facts()) if "equal to" in each]
    assert warning.startswith("features equal to an earlier one: 1 (hue);")


def test_a_category_with_one_value_is_constant():
    codes = {"one": np.ones(4, int), "two": np.array([1, 2, 1, 1]), "unknown": np.zeros(4, int)}
    flat = np.concatenate([one_hot(each, 2) for each in codes.values()], 1)
    places = {name: range(3 * n, 3 * n + 3) for n, name in enumerate(codes)}
    prepared = PreparedColumns(flat, names=list("abcdefghi"), categories=places)
    (warning,) = [each for each in prepared.warnings(prepared.facts()) if "constant" in each]
    assert warning.startswith("constant features: 1 (one) of 9;")


def test_values_in_another_unit_say_the_answer():
    rng = np.random.default_rng(0)
    celsius = rng.normal(15, 8, (30, 1))
    nearly = celsius + rng.normal(0, 1e-3, celsius.shape)
    flat = np.float32(np.concatenate([1.8 * celsius + 32, nearly, -celsius, celsius**2], 1))
    assert doubtful.numbers_like_answers(flat, celsius) == [0, 2]
    assert doubtful.numbers_like_answers(flat[:7], celsius[:7]) == []
    assert doubtful.numbers_like_answers(np.ones((30, 1)), celsius) == []
