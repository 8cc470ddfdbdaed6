"""Labelled examples, sorted into classes, groups and splits."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from tfmeta.errors import UserError
from tfmeta.reading.origins import Origins


@dataclass(frozen=True)
class ClassIndex:
    """Labelled examples.

    Args:
        examples: `(examples, ...)`, uint8 images, float32 vectors (float64 if float32 would lose
            digits) or int32 numbers; an array, or a `RecordFile` that reads examples when they are
            needed.
        labels: `(examples,)`, the integer class of each example, from 0.
        splits: the class numbers of each split; no class is in two splits.
        class_names: one name per class; a class may have no example.
        groups: `(classes,)`, the integer group (alphabet) of each class, or None.
        group_names: one name per group, if groups have names.
        origins: where the examples came from.

    Raises:
        ValueError: if lengths differ or splits share a class.
        UserError: if an example in memory holds a number that is not finite.
    """

    examples: np.ndarray
    labels: np.ndarray
    splits: dict[str, np.ndarray]
    class_names: tuple[str, ...]
    groups: np.ndarray | None = None
    group_names: tuple[str, ...] = ()
    origins: Origins = field(default_factory=Origins)

    def __post_init__(self) -> None:
        if len(self.examples) != len(self.labels):
            raise ValueError(
                f"received {len(self.examples)} examples and {len(self.labels)} labels; "
                "expected as many of one as of the other"
            )
        members = np.concatenate([np.asarray(c) for c in self.splits.values()] or [np.zeros(0)])
        if len(np.unique(members)) != len(members):
            raise ValueError("received splits that share a class; expected each class in one only")
        if self.groups is not None and len(self.groups) != len(self.class_names):
            raise ValueError(
                f"received {len(self.groups)} groups for {len(self.class_names)} classes; expected "
                "the group of each class"
            )
        self._refuse_infinite()

    def _refuse_infinite(self) -> None:
        """Refuses numbers that are not finite: one NaN spoils every distance and every mean."""
        examples = self.examples
        if not isinstance(examples, np.ndarray) or examples.dtype.kind != "f":
            return
        finite = np.isfinite(examples.reshape(len(examples), -1)).all(1)
        if finite.all():
            return
        rows = np.flatnonzero(~finite)
        places = []
        for row in rows[:10]:
            where = np.argwhere(~np.isfinite(examples[row]))[0].tolist()
            name = f" ({self.origins.names[row]})" if self.origins.names else ""
            value = examples[row][tuple(where)]
            places.append(f"{row}{name}, {value} at {where}")
        raise UserError(
            f"{len(rows)} of {len(examples)} examples hold what is no finite number: "
            f"{'; '.join(places)}{' ...' if len(rows) > len(places) else ''}. Fill the values in "
            "or drop those examples"
        )

    @cached_property
    def counts(self) -> np.ndarray:
        """The number of examples of each class, int32 `(classes,)`."""
        return np.bincount(self.labels, minlength=len(self.class_names)).astype(np.int32)

    @cached_property
    def order(self) -> np.ndarray:
        """Examples by class, int32; class c has `order[starts[c] : starts[c] + counts[c]]`."""
        return np.argsort(self.labels, kind="stable").astype(np.int32)

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each class begins in `order`, int32 `(classes,)`."""
        return (np.cumsum(self.counts) - self.counts).astype(np.int32)

    def of_examples(self, examples: np.ndarray, rows: np.ndarray | None = None) -> "ClassIndex":
        """The same labels, classes and splits for other examples in the same order.

        Args:
            examples: the others.
            rows: numbers of the examples that they stand for, the rest being zero; None for all.
        """
        if rows is not None:
            some, shape = examples, (len(self.labels), *examples.shape[1:])
            examples = np.zeros(shape, some.dtype)
            examples[rows] = some
        return replace(self, examples=examples)

    def large_classes(self, split: str, least: int) -> np.ndarray:
        """The classes of a split with at least this number of examples."""
        classes = self.classes(split)
        return classes[self.counts[classes] >= least]

    def small_classes(self, split: str, least: int) -> dict[str, int]:
        """`{name: number of examples}` of the classes with fewer examples, fewest first."""
        classes = self.classes(split)
        small = classes[self.counts[classes] < least]
        small = small[np.argsort(self.counts[small], kind="stable")]
        return {self.class_names[c]: int(self.counts[c]) for c in small}

    def classes(self, split: str) -> np.ndarray:
        """The classes of a split; "all" has the classes of all splits.

        Raises:
            UserError: if there is no such split.
        """
        if split == "all":
            return np.sort(np.concatenate(list(self.splits.values())))
        if split not in self.splits:
            raise UserError(
                f"unknown split {split!r}; expected one of: {', '.join([*self.splits, 'all'])}"
            )
        return np.asarray(self.splits[split])

    def rows(self, split: str) -> np.ndarray:
        """Numbers of the examples in a split."""
        return np.flatnonzero(np.isin(self.labels, self.classes(split)))

    def named_splits(self) -> dict[str, list[str]]:
        """The names of each split's classes, for the record of a run."""
        return {s: [self.class_names[c] for c in classes] for s, classes in self.splits.items()}
