"""Tasks with their examples as cells of a report: pictures, texts or numbers."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tfmeta.episodes.episode import Episode
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.inspection.contact_sheet import image_of
from tfmeta.reporting.blocks import Cell
from tfmeta.reporting.charts import data_uri
from tfmeta.training.board.shown_episodes import ShownEpisodes

_LARGEST = 112  # pixels of a picture's longer side; a larger one is shrunk
_EXACT = 64  # pixels up to which it is kept exactly


@dataclass(frozen=True)
class ShownTask:
    """A task of a test.

    Attributes:
        number: of the task, from 0.
        episode: its arrays, without padding.
        support, queries: a cell for each example.
    """

    number: int
    episode: Episode
    support: Sequence[Cell]
    queries: Sequence[Cell]


def shown_tasks(tests: FixedEpisodes, numbers: Sequence[int]) -> list[ShownTask]:
    """Some of the tasks, in the order asked for.

    Args:
        tests: the episodes.
        numbers: of tasks, from 0.
    """
    shown = ShownEpisodes(tests, numbers)
    found = []
    for place, number in enumerate(numbers):
        task = shown.tasks[place]
        if shown.has_pictures:
            support, queries = (
                [Cell(picture=_picture(each)) for each in x] for x in (task.support_x, task.query_x)
            )
        else:
            support, queries = ([Cell(words=text) for text in part] for part in shown.words(place))
        found.append(ShownTask(number, shown.episodes[place], support, queries))
    return found


def noted(cell: Cell, *notes: str, is_wrong: bool = False) -> Cell:
    """The cell with lines below it."""
    return replace(cell, notes=notes, is_wrong=is_wrong)


def _picture(pixels: Any) -> str:
    image, written = image_of(pixels), io.BytesIO()
    if max(image.size) <= _EXACT:
        image.save(written, "PNG", optimize=True)
        return data_uri("image/png", written.getvalue())
    image.thumbnail((_LARGEST, _LARGEST))
    image.save(written, "JPEG", quality=85)
    return data_uri("image/jpeg", written.getvalue())
