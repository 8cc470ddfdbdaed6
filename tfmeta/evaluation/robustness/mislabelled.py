"""Support examples with the label of another class."""

from typing import Any

import numpy as np

from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.robustness.condition import Condition, generator, stacked


def mislabelled_conditions(fixed: FixedEpisodes) -> list[Condition]:
    """A share of the support examples has the label of another class of its task.

    Which examples and which classes is drawn evenly: symmetric noise. Severities of a task are
    nested, so that what is wrong at 10% is wrong at 20%.
    """
    found = []
    for severity, share in enumerate((0.1, 0.2, 0.3, 0.4), 1):

        def change(batch: Any, first: int, share: float = share) -> Any:
            labels = np.asarray(batch.support_y)
            changed = [
                _mislabelled(each, share, generator(fixed.seed, "mislabelled", first + number))
                for number, each in enumerate(labels)
            ]
            return batch._replace(support_y=stacked(changed, labels))

        words = f"{share:.0%} of the support set"
        found.append(
            Condition("mislabelled", severity, words, "support", change, keeps_examples=True)
        )
    return found


def _mislabelled(labels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """One task's labels; those below 0 are padding and stay."""
    places = np.flatnonzero(labels >= 0)
    num_classes = int(labels.max()) + 1
    order, up = rng.permutation(places), rng.random()
    steps = rng.integers(1, num_classes, len(places))  # to another class
    number = int(share * len(places) + up)  # rounded up or down by chance
    changed = labels.copy()
    wrong = order[:number]
    changed[wrong] = (labels[wrong] + steps[:number]) % num_classes
    return changed
