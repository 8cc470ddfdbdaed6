"""Names of classes that people may take for one another."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence

from tfmeta.errors import counted, listed
from tfmeta.reading.number_checks import is_number

_SHOWN = 3
_EXACT = 2**53  # up to here float64 has all whole numbers
_FORM = "case, spaces, Unicode's forms or the way in which a number is written"


def names_alike(class_names: Sequence[str]) -> Iterator[str]:
    """A line, if names differ only in `_FORM`.

    Args:
        class_names: of a source's classes.
    """
    by_form = defaultdict(list)
    for name in class_names:
        by_form[form_of(name)].append(name)
    if sets := [names for names in by_form.values() if len(names) > 1]:
        shown = listed([" and ".join(map(repr, names)) for names in sets], _SHOWN)
        yield (
            f"{counted(len(sets), 'set')} of classes whose names differ only in {_FORM}: {shown}; "
            "give them one name if they are one class"
        )


def form_of(name: str) -> str:
    """What a name has in common with others that differ from it only in `_FORM`."""
    if is_number(name):
        return _form_of_number(name)
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _form_of_number(name: str) -> str:
    """The same for each way to write a number; float64 would take large whole ones for equal."""
    try:
        return str(int(name))
    except ValueError:
        value = float(name)
    return str(int(value)) if value.is_integer() and abs(value) <= _EXACT else repr(value)
