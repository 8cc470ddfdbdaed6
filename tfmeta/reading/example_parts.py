"""The parts of an example that can be hidden, each with the example without it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_WINDOW = 5  # windows side by side that would cover a picture; they overlap by half
_MOST_RUNS = 256  # parts of a long row of numbers without names

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ExampleParts:
    """The parts of one example.

    Attributes:
        names: of the parts, for people.
        hidden: `(parts, *shape)`, the example without each part.
        boxes: of a picture's parts, which overlap: the first and last row and the first and last
            column of each, in the example; None if the parts have no place in a picture.
    """

    names: list[str]
    hidden: np.ndarray
    boxes: list[Box] | None = None

    def spread(self, effects: np.ndarray) -> np.ndarray:
        """The mean effect of the parts that cover each place of the picture: `(height, width)`."""
        height, width = self.hidden.shape[1:3]
        total, number = np.zeros((height, width)), np.zeros((height, width))
        for (top, bottom, left, right), effect in zip(self.boxes or [], effects, strict=True):
            total[top : bottom + 1, left : right + 1] += effect
            number[top : bottom + 1, left : right + 1] += 1
        return total / np.maximum(number, 1)


def windows(
    example: np.ndarray, background: np.ndarray, name: Callable[[Box], str]
) -> ExampleParts:
    """Windows of a picture, a fifth of each side long, each half a window from the next.

    Args:
        example: `(height, width, channels)`.
        background: of the same shape, what stands in place of a window.
        name: of a window.
    """
    rows, columns = (_ranges(side) for side in example.shape[:2])
    boxes = [(*row, *column) for row in rows for column in columns]
    hidden = np.repeat(example[np.newaxis], len(boxes), 0)
    for each, (top, bottom, left, right) in zip(hidden, boxes, strict=True):
        place = slice(top, bottom + 1), slice(left, right + 1)
        each[place] = background[place]
    return ExampleParts([name(box) for box in boxes], hidden, boxes)


def _ranges(side: int) -> list[tuple[int, int]]:
    """The first and last place of each window along a side; together they cover all of it."""
    length = math.ceil(side / _WINDOW)
    number = 1 + math.ceil((side - length) / max(1, length // 2))
    starts = np.unique(np.linspace(0, side - length, number).round().astype(int))
    return [(int(start), int(start) + length - 1) for start in starts]


def columns(
    example: np.ndarray, background: np.ndarray, places: dict[str, list[int]]
) -> ExampleParts:
    """Groups of the numbers of an example `(numbers,)`, by their names."""
    hidden = np.repeat(example[np.newaxis], len(places), 0)
    for each, group in zip(hidden, places.values(), strict=True):
        each[group] = background[group]
    return ExampleParts(list(places), hidden)


def numbers(example: np.ndarray, background: np.ndarray) -> ExampleParts:
    """Each number of an example of any shape; of a large one as many together as is needed."""
    size = example.size
    runs = np.array_split(np.arange(size), min(size, _MOST_RUNS))
    places = {_run_name(run): run.tolist() for run in runs}
    found = columns(example.reshape(-1), background.reshape(-1), places)
    return ExampleParts(found.names, found.hidden.reshape(-1, *example.shape))


def _run_name(run: np.ndarray) -> str:
    first, last = int(run[0]) + 1, int(run[-1]) + 1
    return f"number {first}" if first == last else f"numbers {first} to {last}"
