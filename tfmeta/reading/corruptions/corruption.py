"""What the corruptions of every kind of input have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# (prepared examples `(examples, *shape)`, their texts or None, the strength, a generator)
# -> prepared examples
Change = Callable[[np.ndarray, Sequence[str] | None, float, np.random.Generator], Any]


@dataclass(frozen=True)
class Corruption:
    """One way in which examples go wrong, at five severities.

    Attributes:
        name: of the corruption.
        strengths: of the severities 1 to 5.
        unit: what a strength is, in words.
        change: makes corrupted examples of prepared ones; it draws from the generator alone.
    """

    name: str
    strengths: tuple[float, float, float, float, float]
    unit: str
    change: Change
