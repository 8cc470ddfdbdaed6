"""Queries that are corrupted, as the format of the examples says."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.robustness.condition import Condition, generator, stacked


def corruption_conditions(fixed: FixedEpisodes) -> list[Condition]:
    """The conditions of a source's examples; none for kinds of input that have no corruptions.

    Severities of one corruption draw the same, so that they differ in their strength alone.
    """
    texts = _Texts(fixed)
    found = []
    for corruption in fixed.source.input_format.corruptions():
        for severity, strength in enumerate(corruption.strengths, 1):

            def change(
                batch: Any, first: int, corruption: Any = corruption, strength: float = strength
            ) -> Any:
                x = np.asarray(batch.query_x)
                changed = [
                    corruption.change(
                        each,
                        texts.of(first + number),
                        strength,
                        generator(fixed.seed, corruption.name, first + number),
                    )
                    for number, each in enumerate(x)
                ]
                return batch._replace(query_x=stacked(changed, x))

            words = f"{strength:g} {corruption.unit}"
            found.append(Condition(corruption.name, severity, words, "query", change))
    return found


class _Texts:
    """The texts of the queries, if they are texts whose source has them."""

    def __init__(self, fixed: FixedEpisodes):
        self._fixed = fixed
        self._rows: list[np.ndarray] | None = None

    def of(self, task: int) -> Sequence[str] | None:
        """Of a task's queries, padding included."""
        source = self._fixed.source
        prepared, numbered = source.prepared, source.numbered()
        if prepared is None or numbered is None or prepared.texts(np.arange(1)) is None:
            return None
        if self._rows is None:
            batches = self._fixed.batches(self._fixed.num_tasks, numbered)
            self._rows = [rows for batch in batches for rows in np.asarray(batch.query_x)]
        return prepared.texts(self._rows[task][:, 0])
