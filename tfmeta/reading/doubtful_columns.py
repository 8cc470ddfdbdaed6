"""Columns of a table that a model should not learn from: copies, answers, and row numbers."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_LEAST_ROWS = 8  # fewer may count up, or all differ, by chance
_NOT_EXACT = 1e-12  # of a correlation: rounding to float32 takes less
_MOSTLY = 0.9  # of the rows, which have a value that no other row has
Places = Mapping[str, Sequence[int]]  # of each category in an example, the first for other values


def values_of(flat: np.ndarray, categories: Places) -> dict[str, np.ndarray]:
    """`(rows,)`, the number of each row's value of a category, 0 for one that is not known.

    Args:
        flat: `(rows, places)`.
        categories: by name, of which those are left out that are unknown in most rows.
    """
    found = {name: flat[:, list(places)].argmax(1) for name, places in categories.items()}
    return {name: codes for name, codes in found.items() if 2 * (codes > 0).sum() > len(codes)}


def constant_categories(flat: np.ndarray, categories: Places) -> list[str]:
    """The categories that have one known value in all rows."""
    values = values_of(flat, categories)
    return [name for name, codes in values.items() if codes[0] and (codes == codes[0]).all()]


def repeated_numbers(flat: np.ndarray) -> list[int]:
    """The numbers, from 0, of the columns that equal an earlier one, constant ones apart."""
    seen: set[bytes] = set()
    found = []
    for number, column in enumerate(flat.T):
        digest = hashlib.blake2b(column.tobytes()).digest()
        if digest in seen and (column != column[0]).any():
            found.append(number)
        seen.add(digest)
    return found


def repeated_categories(values: Mapping[str, np.ndarray]) -> list[str]:
    """The categories whose values stand for those of an earlier one, row by row."""
    names = list(values)
    return [
        name
        for position, name in enumerate(names)
        if any(_are_one(values[name], values[earlier]) for earlier in names[:position])
    ]


def numbers_like_answers(flat: np.ndarray, answers: np.ndarray | None) -> list[int]:
    """The numbers, from 0, of the columns that equal the answers, or are values in another unit.

    Args:
        flat: `(rows, columns)`.
        answers: values `(rows, values)`, which a column may equal in float32; or whole numbers of
            classes `(rows,)`: a column has one value per class, and another one for each.
    """
    if answers is None:
        return []
    if answers.ndim == 2:
        equal = np.float32(flat)[:, :, np.newaxis] == np.float32(answers)[:, np.newaxis]
        same = equal.all(0) | _in_another_unit(flat, answers)
        return np.flatnonzero(same.any(1)).tolist()
    order = np.argsort(answers, kind="stable")
    labels, starts = np.unique(answers[order], return_index=True)
    if len(labels) in (1, len(answers)):  # nothing varies, or every row is a class
        return []
    least = np.minimum.reduceat(flat[order], starts)
    most = np.maximum.reduceat(flat[order], starts)
    one_each = np.flatnonzero((least == most).all(0))
    return [int(i) for i in one_each if len(np.unique(least[:, i])) == len(labels)]


def _in_another_unit(flat: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """`(columns, values)`: whether one is the other times a number, plus a number."""
    if len(flat) < _LEAST_ROWS:
        return np.zeros((flat.shape[1], answers.shape[1]), bool)
    columns, values = (np.float64(each) - np.float64(each).mean(0) for each in (flat, answers))
    lengths = np.linalg.norm(columns, axis=0)[:, np.newaxis] * np.linalg.norm(values, axis=0)
    same: np.ndarray = np.abs(columns.T @ values) > (1 - _NOT_EXACT) * lengths
    return same & (lengths > 0)


def categories_like_answers(
    values: Mapping[str, np.ndarray], answers: np.ndarray | None
) -> list[str]:
    """The categories with one value per answer, and another one for each.

    Args:
        values: what `values_of` returned.
        answers: as in `numbers_like_answers`.
    """
    if answers is None:
        return []
    sides = np.atleast_2d(answers.T)
    return [name for name, codes in values.items() if any(_are_one(codes, y) for y in sides)]


def numbers_of_rows(flat: np.ndarray) -> list[int]:
    """The numbers, from 0, of the columns that count the rows, as an identifier does.

    All their numbers are whole, and they go up or down from row to row, or are as many numbers in
    sequence as there are rows.
    """
    if len(flat) < _LEAST_ROWS:
        return []
    whole = np.flatnonzero(~(flat % 1).any(0))
    return [int(number) for number in whole if _counts(flat[:, number])]


def categories_of_rows(values: Mapping[str, np.ndarray]) -> list[str]:
    """The categories that have another value in most rows, as a name or an identifier has."""
    return [name for name, codes in values.items() if _mostly_differ(codes[codes > 0])]


def _counts(column: np.ndarray) -> bool:
    steps = np.diff(column)
    return bool((steps > 0).all() or (steps < 0).all() or (np.diff(np.sort(column)) == 1).all())


def _mostly_differ(codes: np.ndarray) -> bool:
    _, numbers = np.unique(codes, return_counts=True)
    return len(codes) >= _LEAST_ROWS and bool((numbers == 1).sum() > _MOSTLY * len(codes))


def _are_one(codes: np.ndarray, others: Any) -> bool:
    """Whether two columns determine each other where the first is known; some value repeats."""
    codes, others = codes[codes > 0], others[codes > 0]
    numbers = [np.unique(each, return_inverse=True)[1] for each in (codes, others)]
    each = {len(np.unique(side)) for side in numbers}
    pairs = np.unique(np.stack(numbers), axis=1).shape[1]
    return each == {pairs} and 1 < pairs < len(codes)
