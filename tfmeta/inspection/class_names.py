"""Names of classes that people may take for one another."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence

from tfmeta.errors import counted, listed

_SHOWN = 3


def names_alike(class_names: Sequence[str]) -> Iterator[str]:
    """A line, if names differ in nothing but case, spaces or the way in which Unicode writes them.

    Args:
        class_names: of a source's classes.
    """
    by_form = defaultdict(list)
    for name in class_names:
        by_form["".join(unicodedata.normalize("NFKC", name).casefold().split())].append(name)
    if sets := [names for names in by_form.values() if len(names) > 1]:
        shown = listed([" and ".join(map(repr, names)) for names in sets], _SHOWN)
        yield (
            f"{counted(len(sets), 'set')} of classes whose names differ only in case, spaces or "
            f"Unicode's forms: {shown}; give them one name if they are one class"
        )
