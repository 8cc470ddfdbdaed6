"""Support sets in which some classes have fewer examples than others."""

from typing import Any

import numpy as np

from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.robustness.condition import Condition, generator, stacked

_RATIOS = (2, 5, 10)  # of the largest class and the smallest


def imbalanced_conditions(fixed: FixedEpisodes) -> list[Condition]:
    """Conditions for episodes of one size with two or more shots; none for others.

    The numbers of examples fall exponentially from class to class (Cui et al. 2019,
    https://arxiv.org/abs/1901.05555, section 5.1), to one at least; which class has how many is
    drawn for each task. So the support set is smaller too.
    """
    shape = fixed.shape
    if shape.varies or shape.num_shots < 2:
        return []
    found = []
    for severity, ratio in enumerate(_RATIOS, 1):
        falls = float(ratio) ** (-np.arange(shape.num_ways) / (shape.num_ways - 1))
        counts = np.maximum(1, np.round(shape.num_shots * falls)).astype(int)

        def change(batch: Any, first: int, counts: np.ndarray = counts) -> Any:
            x, y = np.asarray(batch.support_x), np.asarray(batch.support_y)
            kept = [
                _kept(labels, counts, generator(fixed.seed, "imbalanced", first + number))
                for number, labels in enumerate(y)
            ]
            examples = [each[rows] for each, rows in zip(x, kept, strict=True)]
            labels = [each[rows] for each, rows in zip(y, kept, strict=True)]
            return batch._replace(support_x=stacked(examples, x), support_y=stacked(labels, y))

        words = f"{'-'.join(map(str, counts))} examples per class"
        found.append(
            Condition("imbalanced", severity, words, "support", change, keeps_examples=True)
        )
    return found


def _kept(labels: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The rows of one task's support set that stay, in their order: the first of each class."""
    numbers = rng.permutation(counts)
    rows = [np.flatnonzero(labels == label)[:number] for label, number in enumerate(numbers)]
    return np.sort(np.concatenate(rows))
