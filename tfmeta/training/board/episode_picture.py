"""A picture of an episode: each class's support set, and what the learner says of its queries."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tfmeta.name_labels import draw_name, width_of

_MOST_CLASSES, _MOST_SHOTS, _MOST_QUERIES = 10, 5, 8  # that are shown
_CELL = 72  # pixels of the longer side of an example
_EDGE, _GAP, _LINE = 3, 6, 16  # pixels
_MOST_LABEL = 160  # pixels for a class's name
_PAPER, _INK, _FAINT = (255, 255, 255), (32, 32, 32), (120, 120, 120)
RIGHT, WRONG = (40, 150, 80), (205, 50, 50)


def episode_picture(
    task: Any, predicted: np.ndarray, names: Sequence[str], confidences: np.ndarray
) -> Image.Image:
    """Draws one row for each class: its name, its support examples, and its queries.

    A query has a green edge if it was answered rightly, else a red one, with the answer and its
    confidence below.

    Args:
        task: an Episode of one task, its examples `(examples, height, width, 1 or 3)` from 0 to 1.
        predicted: `(queries,)`, the labels that the learner says.
        names: of the classes, by their labels.
        confidences: `(queries,)`, the probability of each answer.
    """
    labels = range(min(len(names), _MOST_CLASSES))
    support = [np.flatnonzero(task.support_y == label)[:_MOST_SHOTS] for label in labels]
    queries = [np.flatnonzero(task.query_y == label)[:_MOST_QUERIES] for label in labels]
    label_width = max(width_of(name, _MOST_LABEL) for name in names) + 2 * _GAP
    step = _CELL + 2 * _EDGE + _GAP
    first_query = label_width + max(map(len, support)) * step + 3 * _GAP
    width = first_query + max(1, *map(len, queries)) * step
    height = _CELL + 2 * _EDGE + _LINE + _GAP
    canvas = Image.new("RGB", (width, len(support) * height + _LINE + _GAP), _PAPER)
    for left, title in ((label_width, "support"), (first_query, "queries, as they were answered")):
        draw_name(canvas, title, (left, 0, width - left, _LINE), _FAINT)
    for label in labels:
        top = _LINE + _GAP + label * height
        draw_name(canvas, names[label], (_GAP, top, label_width - 2 * _GAP, _CELL), _INK)
        for place, example in enumerate(support[label]):
            _draw(canvas, task.support_x[example], (label_width + place * step, top), None)
        for place, query in enumerate(queries[label]):
            said, left = int(predicted[query]), first_query + place * step
            colour = RIGHT if said == label else WRONG
            _draw(canvas, task.query_x[query], (left, top), colour)
            words = f"{100 * confidences[query]:.0f}%"
            words = words if said == label else f"{words} {names[said]}"
            draw_name(canvas, words, (left, top + _CELL + 2 * _EDGE, step - 2, _LINE), colour)
    return canvas


def _draw(canvas: Image.Image, example: np.ndarray, place: tuple[int, int], edge: Any) -> None:
    """Draws an example; nearest pixels, because that is what the network sees."""
    pixels = np.uint8(np.clip(np.round(example * 255), 0, 255))
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
    scale = _CELL / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.NEAREST)
    left, top = place
    if edge:
        box = (left, top, left + width + 2 * _EDGE - 1, top + height + 2 * _EDGE - 1)
        ImageDraw.Draw(canvas).rectangle(box, outline=edge, width=_EDGE)
    canvas.paste(image, (left + _EDGE, top + _EDGE))
