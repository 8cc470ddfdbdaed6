"""Queries for `tfmeta.predict`, with their answers or without. Imports no TensorFlow."""

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfmeta.errors import UserError, counted, listed
from tfmeta.inspection.class_names import form_of
from tfmeta.reading.example_reader import (
    ExampleReader,
    Examples,
    NamedColumns,
    Place,
    SupportSet,
)
from tfmeta.reading.number_checks import is_number


@dataclass(frozen=True)
class Queries:
    """Queries from files, folders or columns.

    Attributes:
        places: where each stands.
        x: the queries.
        truths: the class of each, or its values; None if it is not labelled.
    """

    places: list[Place]
    x: Examples
    truths: list[Any]

    def truths_as(self, known: Sequence[str] | None) -> list[Any]:
        """The truths, as a model writes the names of its classes.

        Args:
            known: classes that the model knows; None if its answers are values.

        Raises:
            UserError: if a name differs from the model's in its form alone.
        """
        names = set(self.truths) - {None} if known else set()
        as_known = _as_known(sorted(names), known or ())
        return [as_known[each] if names else each for each in self.truths]


def read_queries(
    reader: ExampleReader, files: Sequence[str], named: NamedColumns | None
) -> Queries:
    """Queries without answers.

    Args:
        reader: of the model.
        files: or folders.
        named: columns by their names, in place of files; or None.

    Raises:
        UserError: if one can't be read.
    """
    places, x = reader.queries(files) if named is None else reader.named(named)
    return Queries(places, x, [None] * len(places))


def read_labelled(
    reader: ExampleReader, files: Sequence[str], named: NamedColumns | None
) -> Queries:
    """As `read_queries`; each file or folder has answers, as a support set has.

    Raises:
        UserError: if one can't be read or is given twice, or columns are given by their names.
    """
    if named is not None:
        raise UserError(
            "received labelled=True and columns by their names; expected files that have the "
            "answers too"
        )
    _check_once(files)
    sets = [reader.labelled(each) for each in files]
    if not any(len(each.places) for each in sets):
        raise UserError(f"{listed(list(files))} has no example; expected some of each class")
    parts = [each.x for each in sets]
    is_array = isinstance(parts[0], np.ndarray)
    return Queries(
        [place for each in sets for place in each.places],
        np.concatenate(parts) if is_array else [x for each in parts for x in each],
        [truth for each in sets for truth in _truths(each)],
    )


def _check_once(files: Sequence[str]) -> None:
    real = [os.path.realpath(file) for file in files]
    number = Counter(real)
    twice = {file for file, place in zip(files, real, strict=True) if number[place] > 1}
    if twice:
        raise UserError(
            f"received {listed(sorted(twice))} more than once; expected each once, because each "
            "answer counts"
        )


def _truths(found: SupportSet) -> list[Any]:
    if found.class_names is None:
        return found.y.tolist()
    return [found.class_names[label] for label in found.y.tolist()]


def _as_known(given: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """The model's name for each given name; the given one for a class that the model lacks."""
    by_form, by_last = defaultdict(list), defaultdict(list)
    for name in known:
        by_form[form_of(name)].append(name)
        if "/" in name:  # of a group
            by_last[form_of(name.rsplit("/", 1)[1])].append(name)
    found, odd = {name: name for name in given}, []
    for name in set(given) - set(known):
        alike = by_form[form_of(name)]
        if len(alike) == 1 and is_number(name):
            found[name] = alike[0]
        elif others := alike or by_last[form_of(name)] or by_form[form_of(name.rpartition("/")[2])]:
            odd.append(f"{name!r} (the model: {' or '.join(map(repr, others))})")
    if odd:
        raise UserError(
            f"received {counted(len(odd), 'class')} that the model writes otherwise: "
            f"{listed(sorted(odd))}. Expected the model's names, so that they count; those with a "
            "/ are of the folder that holds the groups, those without of the folder of one group"
        )
    return found
