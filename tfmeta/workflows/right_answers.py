"""Which classes are answered rightly, and which are taken for others. Imports no TensorFlow."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from tfmeta.errors import listed

Class = TypeVar("Class", int, str)  # a class's number or name
_MOST_SHOWN = 10


def confusions(truths: Sequence[Class], answers: Sequence[Class]) -> list[tuple[Class, Class, int]]:
    """`(class, answer, number)` of what was answered wrongly, the most frequent first."""
    every = zip(truths, answers, strict=True)
    numbers = Counter((truth, answer) for truth, answer in every if truth != answer)
    found = [(truth, answer, number) for (truth, answer), number in numbers.items()]
    return sorted(found, key=lambda each: (-each[2], each[:2]))


def never_right(truths: Sequence[Class], answers: Sequence[Class]) -> list[tuple[Class, int]]:
    """`(class, number)` of each class of which no example was answered rightly, in order."""
    right = {truth for truth, answer in zip(truths, answers, strict=True) if truth == answer}
    return [(each, number) for each, number in sorted(Counter(truths).items()) if each not in right]


def confused_row(found: Sequence[tuple[str, str, int]]) -> list[tuple[str, str]]:
    """The row of a report that has the most frequent confusions; none if there are none."""
    each = [f"{a} taken for {b}: {number}" for a, b, number in found]
    return [("confused", listed(each, _MOST_SHOWN, between="; "))] if each else []


def in_numbers(found: Sequence[tuple[str, int]]) -> list[str]:
    """Classes with the number of their examples: "dog (of 2)"."""
    return [f"{name} (of {number})" for name, number in found]
