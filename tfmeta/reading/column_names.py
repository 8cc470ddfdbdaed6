"""The names of a table's columns, for messages. Imports no TensorFlow."""

from collections.abc import Sequence

from tfmeta.errors import listed
from tfmeta.reading.number_checks import is_number

_MOST_SHOWN = 20


def columns_in_words(names: Sequence[str]) -> str:
    """The names, in quotes where white space around one would not be seen.

    If most of them are numbers, it says that the file seems to have no line of names.
    """
    seen = [name if name and name == name.strip() else repr(name) for name in names]
    shown = listed(seen, _MOST_SHOWN)
    if sum(map(is_number, names)) > len(names) / 2:
        shown += " (the first line looks like data; expected the names of the columns)"
    return shown
