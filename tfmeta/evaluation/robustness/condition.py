"""One way in which test episodes are changed."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# (a batch of Episodes of arrays, the number of its first task) -> the changed batch
ChangedBatch = Callable[[Any, int], Any]


@dataclass(frozen=True)
class Condition:
    """What is wrong with the episodes.

    Attributes:
        name: of the change.
        severity: from 1 up, within the name.
        strength: of it, with its unit, in words.
        part: "query" or "support", what is changed.
        change: makes a changed batch.
        keeps_examples: whether all examples stay as they are, and only labels are changed or
            examples left out.
    """

    name: str
    severity: int
    strength: str
    part: str
    change: ChangedBatch
    keeps_examples: bool = False


def unchanged(name: str = "clean", *, strength: str = "", part: str = "") -> Condition:
    """Episodes as they are."""
    return Condition(name, 0, strength, part, lambda batch, first: batch, keeps_examples=True)


def generator(seed: int, name: str, task: int) -> np.random.Generator:
    """What is drawn for a task: a function of the seed, the condition and the task's number."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), task])


def stacked(parts: list[Any], like: Any) -> Any:
    """Arrays of the tasks as one array, in the type of another one."""
    return np.stack(parts).astype(np.asarray(like).dtype)
