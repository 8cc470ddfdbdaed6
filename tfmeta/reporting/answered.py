"""What learners answered to queries of classes: class by class, and their mistakes."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tfmeta.confidence import Confidence
from tfmeta.errors import UserError
from tfmeta.reporting.tested_run import TestedRun


@dataclass
class ByClass:
    """The answers by the names of the classes.

    Attributes:
        shares: for each class the share of right answers in each task that has it.
        queries: for each class the number of its queries.
        taken: how many queries of one class were taken for another: `{(class, answer): number}`.
        possible: how many queries of one class were in a task with the other one.
    """

    shares: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    queries: Counter[str] = field(default_factory=Counter)
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    possible: Counter[tuple[str, str]] = field(default_factory=Counter)

    def confusions(self) -> list[tuple[float, str, str]]:
        """`(share, class, answer)`, the most frequent first.

        The share is of the queries of the class in tasks with both.
        """
        found = [(n / self.possible[pair], *pair) for pair, n in self.taken.items()]
        return sorted(found, key=lambda each: (-self.taken[each[1:]], -each[0], each[1:]))


def by_class(run: TestedRun) -> ByClass | None:
    """The answers of a run; None if its classes have no names."""
    if run.class_names is None:
        return None
    found = ByClass()
    for names, outputs, targets in zip(
        run.class_names, run.found.answers, run.found.targets, strict=True
    ):
        _count(found, names, outputs.argmax(-1), targets)
    return found


def _count(found: ByClass, names: Sequence[str], chosen: np.ndarray, targets: np.ndarray) -> None:
    """Adds one task."""
    labels = np.unique(targets).tolist()
    for label in labels:
        name, of_class = names[label], chosen[targets == label]
        found.shares[name].append(float(np.mean(of_class == label)))
        found.queries[name] += len(of_class)
        for other in labels:
            if other != label:
                found.possible[name, names[other]] += len(of_class)
        for answer in of_class[of_class != label].tolist():
            found.taken[name, names[answer]] += 1


def confidence_of(run: TestedRun) -> tuple[Confidence, str]:
    """What makes probabilities of a run's answers, and in words whether it was fitted."""
    try:
        return run.certainty.confidence, "after calibration"
    except UserError:
        return Confidence(), "as they are"


def surest_mistakes(run: TestedRun, confidence: Confidence) -> list[tuple[float, int, int]]:
    """`(probability, task, query)` of the wrong answers, the surest first."""
    found = []
    for task, (outputs, targets) in enumerate(
        zip(run.found.answers, run.found.targets, strict=True)
    ):
        probabilities = confidence.probabilities(outputs).numpy()
        for query in np.flatnonzero(outputs.argmax(-1) != targets).tolist():
            found.append((float(probabilities[query].max()), task, query))
    return sorted(found, key=lambda each: (-each[0], *each[1:]))
