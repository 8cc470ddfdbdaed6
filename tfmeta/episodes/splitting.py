"""Splits for data without splits: classes or groups are drawn from a seed."""

from typing import Any

import numpy as np

from tfmeta.errors import UserError, counted, plural
from tfmeta.reading.split_names import SPLITS

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
    shares = {"validation": validation, "test": test}
    return _split(unit_of_class, shares, seed, "group" if by_group else "class")


def split_tasks(
    num_tasks: int, *, validation: float = VALIDATION, test: float = TEST, seed: int = 0
) -> dict[str, np.ndarray]:
    """As `split_classes`, for tasks whose answers are values."""
    return _split(np.arange(num_tasks), {"validation": validation, "test": test}, seed, "task")


def _split(
    unit_of_each: np.ndarray, shares: dict[str, float], seed: int, noun: str
) -> dict[str, np.ndarray]:
    """Divides what has a unit each: classes by their groups, or each by itself.

    Args:
        unit_of_each: numbers of the units.
        shares: of the units, by split; see `split_classes`.
        seed: of the draw.
        noun: what a unit is, for messages.
    """
    units = np.unique(unit_of_each)
    numbers = {name: _number(name, share, len(units), noun) for name, share in shares.items()}
    if sum(numbers.values()) >= len(units):
        raise UserError(_none_is_left(numbers, len(units), noun))
    order = units[np.random.default_rng(seed).permutation(len(units))]
    parts = np.split(order, np.cumsum(list(numbers.values())))
    members = dict(zip((*numbers, "train"), parts, strict=True))
    return {split: np.flatnonzero(np.isin(unit_of_each, members[split])) for split in SPLITS}


def _none_is_left(numbers: dict[str, int], total: int, noun: str) -> str:
    """The message if no unit is left for training; it names what helps for so many units."""
    message = (
        f"{counted(numbers['validation'], noun)} for validation and {numbers['test']} for test "
        f"leave none of {total} for training"
    )
    other = "; or split by class: --set pipeline.split_by=class" if noun == "group" else ""
    if total >= len(SPLITS):
        return f"{message}; lower --set pipeline.validation or pipeline.test{other}"
    if noun != "task":
        return f"{message}. Add more, or learn so few without training: tfmeta learn DATA{other}"
    without = "--set pipeline.validation=0 --set validation_tasks=0"
    without += "" if total > 1 else " --set pipeline.test=0"
    return f"{message}. Add tasks, or train without those splits: {without}"


def _number(name: str, share: Any, total: Any, noun: str) -> Any:
    """A share of `total`, or a number, as a number; a share above zero is at least one."""
    if isinstance(share, bool) or not isinstance(share, int | float) or share < 0:
        raise UserError(
            f"received pipeline.{name}={share!r}; expected a share from 0 to 1, or a number of "
            f"{plural(noun)}"
        )
    if share >= 1:
        if share != int(share):
            raise UserError(
                f"received pipeline.{name}={share}; expected a whole number of {plural(noun)}"
            )
        return int(share)
    return max(1, round(share * total)) if share else 0
