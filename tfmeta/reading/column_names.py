"""The names of a table's columns, for messages. Imports no TensorFlow."""

import shlex
from collections.abc import Sequence

from tfmeta import strict_json
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


def leaving_out(names: Sequence[str]) -> str:
    """What the user types to leave columns out; `tfmeta.reading.tables.names_in` reads it."""
    has_commas = any("," in name for name in names)
    chosen = strict_json.dumps([*names]) if has_commas else ",".join(names)
    return f"--set {shlex.quote(f'pipeline.exclude={chosen}')}"
