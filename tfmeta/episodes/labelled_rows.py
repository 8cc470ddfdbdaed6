"""Rows with one label each -> classes in splits, from the columns of a user's table."""

from pathlib import Path
from typing import Any

import numpy as np

from tfmeta.episodes.splitting import split_classes
from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.file_rows import FileRows
from tfmeta.reading.split_names import SPLIT_NAMES, SPLITS

# A table for an ordinary classifier has a split of its rows.
_NO_SPLIT = (
    ", because the test is of classes that training never saw. Leave pipeline.split out (of an "
    "NPZ: its array `split`), and classes are divided"
)


def classes_of(
    texts: dict[str, np.ndarray], *, names: FileRows, **split_options: Any
) -> dict[str, Any]:
    """Sorts rows into classes, and classes into splits; the arguments of a `ClassIndex`.

    Args:
        texts: `{"label": (rows,)}`, texts; also `group` and `split` if there are such columns.
        names: of the rows, for error messages.
        split_options: see `split_classes`; used if there is no `split`.

    Raises:
        UserError: if a class is in two groups or splits, or a split is unknown or missing.
    """
    path, by_name = names.path, texts["label"]
    class_names, first, labels = np.unique(by_name, return_index=True, return_inverse=True)

    def of_class(values: Any, option: str) -> np.ndarray:
        """Each class's group (or split), which must be the same in all of its rows."""
        expected = values[first]
        rows = np.flatnonzero(values != expected[labels])
        if len(rows):
            row, others = rows[0], sorted(set(class_names[labels[rows]].tolist()))
            leave_out = _NO_SPLIT if option == "split" else ""
            raise UserError(
                f"{counted(len(others), 'class')} of {path} with two values of {option}: "
                f"{listed(others)} "
                f"({class_names[labels[row]]} has {expected[labels[row]]} and, in "
                f"{names.where([row])}, {values[row]}); expected one {option} per class{leave_out}"
            )
        return expected

    group_names: Any = ()
    groups: np.ndarray | None = None
    if "group" in texts:
        group_names, groups = np.unique(of_class(texts["group"], "group"), return_inverse=True)
    if "split" in texts:
        split_of = of_class(_known_splits(texts["split"], path), "split")
        splits = {split: np.flatnonzero(split_of == split) for split in SPLITS}
    else:
        splits = split_classes(len(class_names), groups=groups, **split_options)
    return {
        "labels": labels,
        "splits": splits,
        "class_names": tuple(class_names.tolist()),
        "groups": groups,
        "group_names": tuple(map(str, group_names)),
    }


def _known_splits(values: Any, path: Path) -> np.ndarray:
    known = {value: SPLIT_NAMES.get(value.lower()) for value in set(values.tolist())}
    unknown = sorted(value for value, split in known.items() if split is None)
    if unknown or "train" not in known.values():
        problem = f"unknown: {listed(unknown)}" if unknown else "no row is in train"
        raise UserError(
            f"the splits in {path} are {listed(sorted(known))} ({problem}); expected train, "
            "validation (val, valid, dev) and test"
        )
    return np.array([known[value] for value in values.tolist()])
