"""Queries for `tfmeta.predict`, with their answers or without. Imports no TensorFlow."""

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfmeta.errors import UserError, counted, listed
from tfmeta.inspection.class_names import form_of
from tfmeta.reading.example_reader import (
    ExampleReader,
    Examples,
    Place,
    SupportSet,
)
from tfmeta.reading.in_memory import (
    as_file,
    columns_of,
    is_in_memory,
    is_table,
    places_in_memory,
)
from tfmeta.reading.number_checks import is_number
from tfmeta.reading.text_columns import texts_in
from tfmeta.workflows.arguments import path, paths


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

    def without(self, number: int) -> "Queries":
        """All of them but one."""
        places, truths = (
            [*each[:number], *each[number + 1 :]] for each in (self.places, self.truths)
        )
        is_array = isinstance(self.x, np.ndarray)
        x = np.delete(self.x, number, 0) if is_array else [*self.x[:number], *self.x[number + 1 :]]
        return Queries(places, x, truths)

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


def data_or_paths(given: Any, *, labelled: bool = False) -> Any:
    """What was given as queries: data in memory or an array of texts as it is, or a list of paths.

    Raises:
        UserError: if it is none of them.
    """
    if is_in_memory(given, with_answers=labelled):
        return given
    found = paths("images", texts := texts_in(given))
    return found if texts is given or labelled else np.array(texts, object)


def read_queries(
    reader: ExampleReader, given: Any, *, labelled: bool = False, skip_unreadable: bool = False
) -> Queries:
    """Queries, from whatever `tfmeta.predict` takes.

    Args:
        reader: of the model.
        given: what `data_or_paths` returned.
        labelled: whether they have answers, as a support set has.
        skip_unreadable: whether to leave out files that can't be read.

    Raises:
        UserError: if one can't be read.
    """
    reader = reader.skipping_unreadable() if skip_unreadable else reader
    read = _labelled if labelled else _unlabelled
    if is_table(given) and not labelled:
        return _queries(*reader.named(columns_of(given)))
    if isinstance(given, np.ndarray) and given.dtype == object:
        return _queries(*reader.array_of_texts(given.tolist()))
    if not is_in_memory(given, with_answers=labelled):
        return read(reader, given)
    with as_file(given, "queries", reader.names, with_answers=labelled) as file:
        found = read(reader, [str(file)])
    return replace(found, places=places_in_memory(found.places))


def name_of_support(given: Any) -> str:
    """Of a support set, in reports: its path, if it has one."""
    return "in memory" if is_in_memory(given, with_answers=True) else str(path("support", given))


def _unlabelled(reader: ExampleReader, files: Sequence[str]) -> Queries:
    return _queries(*reader.queries(files))


def _queries(places: list[Place], x: Examples) -> Queries:
    return Queries(places, x, [None] * len(places))


def _labelled(reader: ExampleReader, files: Sequence[str]) -> Queries:
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


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


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
        if len(alike) == 1 and (is_number(name) or _nfc(name) == _nfc(alike[0])):
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
