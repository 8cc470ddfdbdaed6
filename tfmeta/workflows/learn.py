"""`tfmeta.learn`: a few labelled examples become a served model, with no training.

A pretrained network makes features of the examples, each once. A head in closed form is chosen by
holding out each example once, its confidence is calibrated on the same answers, and two models
are exported and verified.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tfmeta.errors import UserError
from tfmeta.flags import check_flags
from tfmeta.named_code import trusting
from tfmeta.reading.example_reader import InMemory, Names
from tfmeta.reading.in_memory import as_file, is_pair, is_path, is_table
from tfmeta.training.progress import Progress
from tfmeta.user_files import AnyPath
from tfmeta.workflows.arguments import path
from tfmeta.workflows.learnable.kinds import kind_of
from tfmeta.workflows.learnable.label_column import USUAL
from tfmeta.workflows.learnable.request import (
    NAMED,
    OPTION_OF_GROUPS,
    Request,
    check_reading,
    request_for,
)
from tfmeta.workflows.learnable.words import in_own_words
from tfmeta.workflows.learned import Learned
from tfmeta.workflows.learned_values import LearnedValues

_IN_MEMORY = Path("exported/learned")


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
        data: a folder with a folder of images, sounds or texts (.txt) per class, one or more in
            each; a CSV, JSONL or Parquet file of texts; an NPZ, CSV or Parquet file of features; or
            an NPZ file of images. Or the same in memory: a pair `(x, y)` of an array, a table or a
            list of texts and the classes or values of its examples; or a table with a column of
            them, which is a data frame, a dictionary of columns or a dictionary per row.
        network: that makes features of examples, one of `tfmeta networks`; None for
            efficientnet_lite2, or what suits texts and sounds untrained. Features take none.
        output: the folder of the model that knows the classes, `exported/NAME`; `-learner` is
            appended for the model that takes support sets. Named like the data for None, or
            `exported/learned` for data in memory.
        trust: run code that `network` names, if it is not tfmeta's own.
        progress: is told how the work gets on; a log by default.
        **reading: of a table `label`, the column of the classes ("label"), or `target`, a column of
            values, and `features`, a list of columns (all others), or `exclude`, those that are
            none; numbers with fractions in `label` are values; `missing` and `categories`, see
            `TableOptions`; `text`, the column of the texts. Of a folder `skip_unreadable`, to leave
            out unreadable files. Of any data `hold_out_by`, what says which examples are held out
            together, such as those of one person: a column, a regular expression that finds it in
            the names of a folder's files, or a list with one value for each example.

    Returns:
        Where the models are, and what was found out: a `Learned`, or of values a `LearnedValues`.

    Raises:
        UserError: if the data can't be read or has fewer than two classes, the network's weights
            are not there, or a model can't be written or fails a check.
    """
    reading |= _names_of_columns(data, reading)
    check_reading(reading)
    check_flags(trust=trust)
    with trusting(trust), _as_place(data, reading) as place:
        output = _IN_MEMORY if output is None and not is_path(data) else output
        request = request_for(place, network=network, output=output, progress=progress, **reading)
        return carry_out(request)


def carry_out(request: Request) -> Learned | LearnedValues:
    """Does what is asked for; raises UserError as `learn`."""
    try:
        return kind_of(request).learn(request)
    except UserError as error:
        own = in_own_words(error, request.place)
        if str(own) == str(error):
            raise
        raise own from error


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


def _names_of_columns(data: Any, reading: Mapping[str, Any]) -> dict[str, Any]:
    """The names that the user gave; of data in memory, columns may have numbers for names."""
    names = (*NAMED, OPTION_OF_GROUPS)
    given = {name: reading[name] for name in names if name in reading}
    if not is_path(data):
        given |= {name: str(value) for name, value in given.items() if type(value) is int}
    return given
