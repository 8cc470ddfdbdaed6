"""Splits for data without splits: classes or groups are drawn from a seed."""

from typing import Any

import numpy as np

from tfmeta.errors import UserError

SPLITS = ("train", "validation", "test")
# Names that people use for splits, in lower case.
SPLIT_NAMES = {name: name for name in SPLITS} | dict.fromkeys(("val", "valid", "dev"), "validation")
# As in miniImageNet: 64, 16 and 20 of 100 classes (Ravi and Larochelle 2017).
VALIDATION, TEST = 0.16, 0.2


def split_classes(
    num_classes: int,
    *,
    groups: Any = None,
    by: str = "auto",
    validation: float = VALIDATION,
    test: float = TEST,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Divides classes, or whole groups of them, into train, validation and test.

    Args:
        num_classes: number of classes; they are numbered from 0.
        groups: `(classes,)`, the integer group of each class, or None.
        by: "class", "group" or "auto"; "auto" is by group if there are groups.
        validation: a share of the classes (groups) below 1, or a number of them from 1; 0 for none.
        test: as `validation`, for the test split.
        seed: of the draw.

    Returns:
        `{split: class numbers, ascending}`, for each of `SPLITS`.

    Raises:
        UserError: if `by` is another word, there are no groups to split by, or no class would be
            left for training.
    """
    if by not in ("auto", "class", "group"):
        raise UserError(f"received split_by={by!r}; expected 'auto', 'class' or 'group'")
    if by == "group" and groups is None:
        raise UserError("received split_by='group', but there are no groups; expected 'class'")
    by_group = groups is not None and by != "class"
    unit_of_class = np.asarray(groups) if by_group else np.arange(num_classes)
    units = np.unique(unit_of_class)
    what = "groups" if by_group else "classes"
    num_validation, num_test = (
        _number(name, share, len(units), what)
        for name, share in (("validation", validation), ("test", test))
    )
    if num_validation + num_test >= len(units):
        other = "; or split by class: --set pipeline.split_by=class" if by_group else ""
        raise UserError(
            f"{num_validation} {what} for validation and {num_test} for test leave none of "
            f"{len(units)} for training; lower --set pipeline.validation or pipeline.test{other}"
        )
    order = units[np.random.default_rng(seed).permutation(len(units))]
    parts = np.split(order, [num_validation, num_validation + num_test])
    members = dict(zip(("validation", "test", "train"), parts, strict=True))
    return {split: np.flatnonzero(np.isin(unit_of_class, members[split])) for split in SPLITS}


def _number(name: str, share: Any, total: Any, what: str) -> Any:
    """A share of `total`, or a number, as a number; a share above zero is at least one."""
    if isinstance(share, bool) or not isinstance(share, int | float) or share < 0:
        raise UserError(
            f"received pipeline.{name}={share!r}; expected a share from 0 to 1, or a number of "
            f"{what}"
        )
    if share >= 1:
        if share != int(share):
            raise UserError(f"received pipeline.{name}={share}; expected a whole number of {what}")
        return int(share)
    return max(1, round(share * total)) if share else 0
