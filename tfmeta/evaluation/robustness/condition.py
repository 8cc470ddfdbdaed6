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
    """

    name: str
    severity: int
    strength: str
    part: str
    change: ChangedBatch


def generator(seed: int, name: str, task: int) -> np.random.Generator:
    """What is drawn for a task: a function of the seed, the condition and the task's number."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), task])


def stacked(parts: list[Any], like: Any) -> Any:
    """Arrays of the tasks as one array, in the type of another one."""
    return np.stack(parts).astype(np.asarray(like).dtype)
