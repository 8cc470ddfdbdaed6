"""What a caller from Python may give where the command line takes text. Imports no TensorFlow."""

import operator
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from tfmeta.errors import UserError
from tfmeta.training.progress import Progress
from tfmeta.user_files import AnyPath, is_within


def whole(name: str, value: Any, *, least: int, most: int = 2**32 - 1) -> int:
    """A whole number, NumPy's too, as Python's.

    Args:
        name: of the argument, for what is said of it.
        value: of it.
        least, most: that it may be.

    Raises:
        UserError: if it is none, or beyond these.
    """
    number: int | None
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or not least <= number <= most:
        range_ = f"from {least} up" if number is None or number <= most else f"of {most:,} at most"
        raise UserError(f"received {name}={value!r}; expected a whole number {range_}")
    return number


def path(name: str, value: Any) -> Path:
    """A file or folder as a Path; raises UserError if it is no path, or an empty one."""
    try:
        text = os.fspath(value)
    except TypeError:
        text = None
    if not isinstance(text, str) or not text:
        raise UserError(f"received {name}={value!r:.200}; expected a path")
    return Path(text)


def paths(name: str, values: Any) -> list[str]:
    """One path or several, as they were written; raises UserError for none, or what is no path."""
    if hasattr(values, "__array__") and not _is_list_of_texts(values):
        row = ". One row of a data frame is [row]" if hasattr(values, "to_dict") else ""
        raise UserError(
            f"received {name} of type {type(values).__name__}; expected paths, or an array of "
            f"numbers{row}"
        )
    try:
        each = [values] if hasattr(values, "__fspath__") or isinstance(values, str) else [*values]
    except TypeError:
        each = [values]
    if not each or isinstance(values, bytes):
        raise UserError(f"received {name}={values!r}; expected one path or more")
    for value in each:
        if isinstance(value, str) and not value:
            raise UserError(
                f"received an empty text among {name}; expected a path, or for a model of texts a "
                "text"
            )
        path(name, value)
    return [os.fspath(value) for value in each]


def _is_list_of_texts(array: Any) -> bool:
    return getattr(array, "ndim", 0) == 1 and all(isinstance(each, str) for each in array)


def check_outside(what: str, place: Path, data: AnyPath, way: str) -> None:
    """Refuses a place in a folder of data whose folders are classes: it would be one from then on.

    Args:
        what: would be there, with its place, such as "the run runs/a".
        place: a folder that is yet to be made.
        data: the folder.
        way: what the user does instead.

    Raises:
        UserError: if the place is the folder, or in it.
    """
    if is_within(place, data):
        raise UserError(
            f"received {what}, which is in the folder of the data, {data}; expected one outside, "
            f"for each folder in there is a class. {way}"
        )


def check_texts(of: str, **names: object) -> None:
    """Raises UserError if a name, of what it is said to be of, is neither a text nor None."""
    for argument, name in names.items():
        if name is not None and not isinstance(name, str):
            raise UserError(f"received {argument}={name!r:.80}; expected the name of {of}")


def check_timeout(timeout: Any) -> None:
    """Raises UserError if it is no positive number of seconds."""
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not is_number or not timeout > 0:
        raise UserError(f"received timeout={timeout!r}; expected a number of seconds above 0")


def progress_or_log(progress: Progress | None, label: str) -> Progress:
    """The caller's, or one that tells the log; raises UserError if it is no Progress."""
    if progress is None:
        return Progress(label)
    if not isinstance(progress, Progress):
        raise UserError(
            f"received progress={progress!r}; expected a tfmeta.training.progress.Progress, or a "
            "subclass of it"
        )
    return progress


def check_names(call: str, received: Iterable[str], expected: Collection[str]) -> None:
    """Raises UserError if a call got an argument that it doesn't take."""
    unknown = [name for name in received if name not in expected]
    if unknown:
        raise UserError(
            f"{call} received {unknown[0]}; expected some of: {', '.join(sorted(expected))}"
        )
