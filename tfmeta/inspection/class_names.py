"""Names of classes that people may take for one another."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from tfmeta.errors import counted, listed
from tfmeta.reading.number_checks import is_number

_SHOWN = 3
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
        return repr(Decimal(name.strip().replace("_", "")).normalize() + 0)
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
