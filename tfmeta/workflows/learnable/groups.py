"""Examples that belong together, such as those of one person, for `tfmeta.learn`."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfmeta.errors import UserError, counted, listed
from tfmeta.evaluation.folds import folds_of
from tfmeta.reading.text_columns import as_text
from tfmeta.workflows.learnable.request import Request

Groups = npt.NDArray[np.int64]


def groups_of(request: Request, names: Sequence[str]) -> Groups | None:
    """The group of each example, counted from 0; None if the user names none.

    Args:
        request: of `tfmeta.learn`.
        names: of the examples, in their order.

    Raises:
        UserError: if an example has none, or all have the same.
    """
    if request.groups is None:
        return None
    values = _values_of(request, names)
    if len(values) != len(names):
        raise UserError(
            f"received {counted(len(values), 'value')} for --hold-out-by and "
            f"{counted(len(names), 'example')}; expected one for each"
        )
    called, groups = np.unique(np.array(values), return_inverse=True)
    if len(called) < 2:
        raise UserError(
            f"all examples are of one {request.groups_called}, {str(called[0])!r}; expected two or "
            "more for --hold-out-by. Leave it out to hold out each example by itself"
        )
    return groups


def check_classes(groups: Groups | None, labels: Any, called: str) -> None:
    """Raises UserError if no class has examples of two groups, so that none can be held out."""
    if groups is not None and not folds_of(labels, groups):
        raise UserError(
            f"each class has examples of one {called} only, so that none can be held out by it. "
            "Give examples of several, or leave --hold-out-by out"
        )


def _values_of(request: Request, names: Sequence[str]) -> list[str]:
    by = request.groups
    if not isinstance(by, str):
        values = [as_text(value) for value in np.asarray(by).tolist()]
        if "" in values:
            raise UserError(
                f"value {values.index('') + 1} of --hold-out-by is missing; expected one for each "
                "example"
            )
        return values
    if request.place.is_dir():
        return _found_in(names, by)
    return request.groups_in_column


def _found_in(names: Sequence[str], pattern: str) -> list[str]:
    """What a regular expression finds in the names of files: its first group, or all of it."""
    found = [re.search(pattern, name) for name in names]
    if without := [name for name, each in zip(names, found, strict=True) if not each]:
        raise UserError(
            f"--hold-out-by {pattern!r} finds nothing in {counted(len(without), 'name')} of "
            f"{len(names)}, such as {listed(without[:3])}; expected a regular expression that "
            "finds the person, the device or the place in each, such as 'speaker[0-9]+'"
        )
    return [each[min(1, len(each.groups()))] or "" for each in found if each]
