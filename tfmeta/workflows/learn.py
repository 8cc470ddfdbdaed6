"""`tfmeta.learn`: a few labelled examples become a served model, with no training.

A pretrained network makes features of the examples, each once. A head in closed form is chosen by
holding out each example once, its confidence is calibrated on the same answers, and two models
are exported and verified.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tfmeta.errors import UserError
from tfmeta.named_code import trusting
from tfmeta.reading.example_reader import InMemory, Names
from tfmeta.reading.in_memory import as_file, is_pair, is_path, is_table
from tfmeta.training.progress import Progress
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import (
    check_flags,
    check_names,
    check_texts,
    path,
    progress_or_log,
)
from tfmeta.workflows.learn_exports import check_outputs
from tfmeta.workflows.learnable import kind_of
from tfmeta.workflows.learnable.kind import GAPS, Request
from tfmeta.workflows.learnable.label_column import USUAL, label_column
from tfmeta.workflows.learned import Learned
from tfmeta.workflows.learned_values import LearnedValues

_ARGUMENTS = {
    *("network", "output", "trust", "progress"),
    *("label", "target", "features", "text", *GAPS, "skip_unreadable"),
}

_COLUMNS = ("label", "target", "text")
_EXPORTED = Path("exported")
_SUFFIXES = (".csv", ".jsonl", ".npz", ".parquet")


def learn(
    data: AnyPath | InMemory,
    *,
    network: str | None = None,
    output: AnyPath | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    **reading: Any,
) -> Learned | LearnedValues:
    """Learns the classes of a folder or table, or the values in a table, and exports models of it.

    Args:
        data: a folder with a folder of images or sounds per class, one or more in each; a CSV or
            JSONL file of texts; an NPZ, CSV or Parquet file of features; or an NPZ file of images.
            Or the same in memory: a pair `(x, y)` of an array, a table or a list of texts and the
            classes or values of its examples; or a table with a column of them, which is a data
            frame, a dictionary of columns or a dictionary per row.
        network: that makes features of examples, one of `tfmeta networks`; None for
            efficientnet_lite2, or what suits texts and sounds untrained. Features take none.
        output: the folder of the model that knows the classes, `exported/NAME`; `-learner` is
            appended for the model that takes support sets. Named like the data for None, or
            `exported/learned` for data in memory.
        trust: run code that `network` names, if it is not tfmeta's own.
        progress: is told how the work gets on; a log by default.
        **reading: of a table `label`, the column of the classes ("label"), or `target`, a column of
            values, and `features`, a list of columns (all others); numbers with fractions in
            `label` are values; `missing` and `categories`, see `TableOptions`; `text`, the column
            of the texts. Of a folder `skip_unreadable`, to leave out unreadable files.

    Returns:
        Where the models are, and what was found out: a `Learned`, or of values a `LearnedValues`.

    Raises:
        UserError: if the data can't be read or has fewer than two classes, the network's weights
            are not there, or a model can't be written or fails a check.
    """
    started = time.monotonic()
    check_names("learn", reading, _ARGUMENTS)
    check_flags(trust=trust, skip_unreadable=reading.get("skip_unreadable", False))
    check_texts("one network", network=network)
    reading |= _names_of_columns(data, reading)
    progress = progress_or_log(progress, "learn")
    with trusting(trust), _as_place(data, reading) as place:
        stem = place.resolve().stem if is_path(data) else "learned"
        folder = path("output", output or _EXPORTED / stem)
        _check_there(place)
        check_outputs(folder)
        notes = _with_label(place, reading, progress)
        request = Request(place, network, reading, folder, progress, started, notes)
        return kind_of(request).learn(request)


@contextlib.contextmanager
def _as_place(data: Any, reading: dict[str, Any]) -> Iterator[Path]:
    """The folder or file of the data, which is written if it is in memory."""
    if is_path(data):
        yield path("data", data)
        return
    if not is_pair(data) and not is_table(data):
        raise UserError(
            f"received data of type {type(data).__name__}; expected a path, a pair (x, y) of "
            "examples and their classes or values, or a table with a column of them"
        )
    if is_pair(data) and not reading.get("target"):
        reading["label"] = reading.get("label") or _name_of(*data)
    answers = reading.get("target") or reading.get("label") or USUAL
    with as_file(data, "data", Names(reading.get("text") or "text", (answers,))) as place:
        yield place


def _name_of(x: Any, y: Any) -> str | None:
    """The name of a pandas series of answers, if it has one that no feature has."""
    name = getattr(y, "name", None)
    return name if isinstance(name, str) and name not in getattr(x, "columns", ()) else None


def _names_of_columns(data: Any, reading: Mapping[str, Any]) -> dict[str, str | None]:
    """The names that the user gave; of data in memory, columns may have numbers for names."""
    given = {name: reading.get(name) for name in _COLUMNS if name in reading}
    if not is_path(data):
        given |= {name: str(value) for name, value in given.items() if type(value) is int}
    check_texts("one column", **given)
    return given


def _with_label(place: Path, reading: dict[str, Any], progress: Progress) -> tuple[str, ...]:
    """Completes the options of a file by the column of the classes; what was decided, in words."""
    progress.advance(0.0, "reading")
    if place.is_dir():
        return ()
    found, why = label_column(place, reading)
    if not reading.get("target"):
        reading["label"] = reading.get("label") or found
    return (why,) if why else ()


def _check_there(place: Path) -> None:
    is_known = place.is_dir() or place.suffix.lower() in _SUFFIXES
    if not place.exists() or not is_known:
        what = f"received the file {place}" if place.exists() else f"there is no {place}"
        raise UserError(
            f"{what}; expected a folder with a folder of images or sounds per class, "
            "a file of texts (CSV or JSONL), or one of features (NPZ, CSV or Parquet). Save other "
            "tables as CSV with commas"
        )
