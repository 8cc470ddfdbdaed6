"""Tasks with their examples as people can look at them: pictures, texts or numbers."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.episodes.episode import Episode, without_solution
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.inspection.contact_sheet import image_of
from tfmeta.learners.padding import unpadded_arrays
from tfmeta.reporting.blocks import Cell
from tfmeta.reporting.charts import data_uri

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
    source = tests.source
    episodes = _drawn(tests, source, numbers)
    numbered = source.numbered()
    rows = _drawn(tests, numbered, numbers) if numbered is not None else [None] * len(numbers)
    found = []
    for number, episode, own in zip(numbers, episodes, rows, strict=True):
        support = _cells(source, episode.support_x, None if own is None else own.support_x)
        queries = _cells(source, episode.query_x, None if own is None else own.query_x)
        found.append(ShownTask(number, episode, support, queries))
    return found


def noted(cell: Cell, *notes: str, is_wrong: bool = False) -> Cell:
    """The cell with lines below it."""
    return replace(cell, notes=notes, is_wrong=is_wrong)


def _drawn(tests: FixedEpisodes, source: EpisodeSource, numbers: Sequence[int]) -> list[Episode]:
    starts = tf.data.Dataset.from_tensor_slices(np.asarray(numbers, np.int64))
    batches = source.episodes_at(starts, tests.split, tests.shape, seed=tests.seed, num_tasks=1)
    return [each for batch in batches for each in unpadded_arrays(without_solution(batch))]


def _cells(source: EpisodeSource, x: np.ndarray, rows: np.ndarray | None) -> list[Cell]:
    """A cell for each example: a picture if its kind has some, else its text or its numbers."""
    if source.input_format.has_pictures:
        return [Cell(picture=_picture(each)) for each in source.input_format.pictures(x)]
    texts = None
    if rows is not None and source.prepared is not None:
        texts = source.prepared.texts(rows[:, 0])
    return [Cell(words=text) for text in texts or source.input_format.words(x)]


def _picture(pixels: Any) -> str:
    image, written = image_of(pixels), io.BytesIO()
    if max(image.size) <= _EXACT:
        image.save(written, "PNG", optimize=True)
        return data_uri("image/png", written.getvalue())
    image.thumbnail((_LARGEST, _LARGEST))
    image.save(written, "JPEG", quality=85)
    return data_uri("image/jpeg", written.getvalue())
