"""What `tfmeta.learn` has made, and what it has found out on the way."""

from dataclasses import dataclass

import numpy as np

from tfmeta.errors import counted
from tfmeta.evaluation.calibration import most_claimed
from tfmeta.evaluation.held_out import HeldOut
from tfmeta.evaluation.intervals import wilson_interval
from tfmeta.reading.origins import Origins
from tfmeta.workflows.learned_exports import LearnedExports
from tfmeta.workflows.right_answers import confused_row, confusions

_MOST_SHOWN = 10
_ON_A_SCALE = "a fixed scale, that of 5 classes of one small photograph each, whatever the data is"
_UNEVEN = 2  # times as many examples as the rarest class, from which a rare one hardly counts
_CLEARLY = 1.5  # times as likely as its own class, another one is said to be right
_STRANGE = 0.9  # unknown score, from which an example is out of place


@dataclass(frozen=True)
class Suspect:
    """An example that may be wrong.

    Attributes:
        name: of its file; or its line or row, with its text.
        label: the class that it was given in.
        problem: "mislabelled", as far as the others tell, or "out of place".
        answer: the class that it looks like most.
        probability: of that class, among the classes that there are.
        unknown: from 0 to 1, how likely it is of none of them.
    """

    name: str
    label: str
    problem: str
    answer: str
    probability: float
    unknown: float

    def __str__(self) -> str:
        if self.problem == "mislabelled":
            return f"{self.name}: looks like {self.answer} ({100 * self.probability:.0f}%)"
        return f"{self.name}: looks like none of the classes ({100 * self.unknown:.0f}%)"


@dataclass(frozen=True)
class HeldOutShare:
    """How many of the examples were answered rightly by a head learned from the others.

    Attributes:
        accuracy: the share of them.
        ci95: its 95% interval.
        num_examples: that were held out: those whose class has another, in another group if there
            are groups.
        most_common: the share of the most frequent class: the accuracy of always saying that.
        mean_of_classes: the mean of the classes' own accuracies, in which each counts the same.
        are_uneven: whether the most frequent class has more than twice as many as the rarest one.
        by: what the groups of examples that were held out together are called; None if each was
            by itself.
    """

    accuracy: float
    ci95: tuple[float, float]
    num_examples: int
    most_common: float
    mean_of_classes: float
    are_uneven: bool
    by: str | None = None

    @classmethod
    def of(cls, found: HeldOut, by: str | None = None) -> "HeldOutShare":
        right, total = int(found.is_right.sum()), len(found.rows)
        counts = np.bincount(found.answers.labels)
        of_each = np.bincount(found.answers.labels, found.is_right)[counts > 0]
        counts = counts[counts > 0]
        return cls(
            right / total,
            wilson_interval(right, total),
            total,
            counts.max() / total,
            float(np.mean(of_each / counts)),
            bool(counts.max() > _UNEVEN * counts.min()),
            by,
        )


@dataclass(frozen=True)
class Learned(LearnedExports):
    """Two exports and a report.

    Attributes:
        adapted: the version's folder of the model that knows the classes: an example in, a class
            name and a confidence out.
        learner: the version's folder of the model that takes any support set in its requests.
        network: name of the network; of a table, what a head takes of a row.
        head: the head that was chosen, with its hyperparameter.
        class_names: in their order.
        num_examples: that it was learned from.
        held_out: what share of examples was answered rightly by a head learned from all others;
            None if no class has two examples.
        confusions: `(class, answer, number)`, the most frequent first.
        suspects: examples that may be wrong.
        temperature: that the confidence was calibrated with.
        rests_on: what the confidence rests on, in sentences.
        notes: what was decided without being asked.
        warnings: what may spoil the model.
        seconds: that it took.
    """

    network: str
    head: str
    class_names: tuple[str, ...]
    num_examples: int
    held_out: HeldOutShare | None
    confusions: tuple[tuple[str, str, int], ...]
    suspects: tuple[Suspect, ...]
    temperature: float
    rests_on: str
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: float

    def rows(self) -> list[tuple[str, str]]:
        classes = counted(len(self.class_names), "class")
        found = [
            ("learned", f"{counted(self.num_examples, 'example')} of {classes}"),
            ("by", f"{self.head} on {self.network}"),
            *_measured(self.held_out),
            *[("note", each) for each in self.notes],
            *[("warning", each) for each in self.warnings],
        ]
        found += confused_row(self.confusions)
        found += [("look at", str(suspect)) for suspect in self.suspects[:_MOST_SHOWN]]
        if len(self.suspects) > _MOST_SHOWN:
            found.append(("", f"and {len(self.suspects) - _MOST_SHOWN} more (--json has all)"))
        return [*found, *self.where("classes")]


def _measured(held_out: HeldOutShare | None) -> list[tuple[str, str]]:
    """Rows that say how good the model is."""
    if held_out is None:
        return [
            ("right", "not measured: no class has two examples, so none could be held out"),
            ("confidence", f"not calibrated; it rests on {_ON_A_SCALE}"),
            ("unknown", "not calibrated; it rests on how far the classes are from each other"),
        ]
    low, high = held_out.ci95
    how = f"with all others of their {held_out.by}" if held_out.by else "in turn"
    shown = f"{100 * held_out.accuracy:.1f}% of {held_out.num_examples} held out {how}"
    rows = [
        ("right", f"{shown} (95% interval: {100 * low:.0f} to {100 * high:.0f}%)"),
        ("", f"{100 * held_out.most_common:.1f}% if the most frequent class is always the answer"),
    ]
    if held_out.are_uneven:
        mean = 100 * held_out.mean_of_classes
        rows.append(("", f"{mean:.1f}% if each class counts the same, whatever it has of examples"))
    if held_out.accuracy <= held_out.most_common:
        rows.append(("warning", "the examples say no more than which class is the most frequent"))
    return rows


def confusions_of(found: HeldOut, names: tuple[str, ...]) -> tuple[tuple[str, str, int], ...]:
    """`(class, answer, number)` of what was answered wrongly, the most frequent first."""
    every = confusions(found.answers.labels.tolist(), found.answers.known.argmax(-1).tolist())
    return tuple((names[label], names[answer], number) for label, answer, number in every)


def suspects_of(found: HeldOut, names: tuple[str, ...], origins: Origins) -> tuple[Suspect, ...]:
    """Examples that were answered wrongly or look out of place, the most doubtful first."""
    suspects = []
    probabilities = found.probabilities
    answers, distances = found.answers, found.answers.distances
    distances = None if distances is None else distances[: len(found.rows)]
    strangeness = found.confidence.unknown(answers.known, distance=distances).numpy()
    for position, row in enumerate(found.rows.tolist()):
        label, answer = int(found.answers.labels[position]), int(probabilities[position].argmax())
        doubt, own = (float(probabilities[position, each]) for each in (answer, label))
        unknown = float(strangeness[position])
        if unknown > _STRANGE:
            problem = "out of place"
        elif doubt > _CLEARLY * own:
            problem = "mislabelled"
        else:
            continue
        suspects.append(
            Suspect(origins.names[row], names[label], problem, names[answer], doubt, unknown)
        )
    return tuple(sorted(suspects, key=lambda each: -max(each.probability, each.unknown)))


def in_words(found: HeldOut | None, by: str | None = None) -> str:
    """What the confidence rests on, in sentences; `by` as in `HeldOutShare`."""
    if found is None:
        return (
            "No class has two examples, so none could be held out. How good the model is was not "
            f"measured. The confidence is not calibrated: it rests on {_ON_A_SCALE}. The score "
            "unknown rests on how far the classes are from each other: it is high if an input is "
            "as far from the nearest example as they are."
        )
    share = HeldOutShare.of(found)
    low, high = share.ci95
    most = most_claimed(int(found.is_right.sum()), share.num_examples)
    others = f"all others of its {by}" if by else "some of the others"
    return (
        f"Each of {share.num_examples} examples was held out once, with {others}. "
        f"What was learned from the others ({found.head}) answered {100 * share.accuracy:.1f}% of "
        f"them rightly (95% interval: {100 * low:.0f} to {100 * high:.0f}%). "
        "The confidence is calibrated on these answers, and a right and a wrong one more. Its mean "
        f"over them is at most {100 * most:.1f}%, which is (right + 1) / (held out + 2)."
    )
