"""A picture of which classes are taken for which."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfmeta.name_labels import draw_name, width_of

_MOST_CLASSES = 20  # in the picture: those with the most mistakes
_CELL, _GAP, _LINE, _MOST_LABEL, _LEAST_WIDTH = 34, 6, 16, 180, 320  # pixels
_PAPER, _INK, _FAINT = (255, 255, 255), (32, 32, 32), (120, 120, 120)
_FULL = np.array((33, 102, 172))  # the colour of a share of one

Pair = tuple[str, str]  # the right class and the one that was said


def confusion_picture(pairs: Sequence[Pair]) -> Image.Image:
    """Draws a row for each class, with the share of its queries that each class was said of.

    Args:
        pairs: one for each query.
    """
    counts = Counter(pairs)
    mistakes: Counter[str] = Counter()
    for (right, said), number in counts.items():
        for name in (right, said):
            mistakes[name] += number if right != said else 0
    names = sorted(name for name, _ in mistakes.most_common(_MOST_CLASSES))
    totals = Counter(right for right, _ in pairs)
    label = max(width_of(name, _MOST_LABEL) for name in names) + 2 * _GAP
    side = label + len(names) * _CELL + _GAP
    width = max(side, _LEAST_WIDTH)
    canvas = Image.new("RGB", (width, side + _LINE), _PAPER)
    title = "rows: the class; columns: what was said, in %"
    draw_name(canvas, title, (_GAP, 0, width - _GAP, _LINE), _FAINT)
    for place, name in enumerate(names):
        at = label + place * _CELL
        draw_name(canvas, name, (_GAP, at + _LINE, label - 2 * _GAP, _CELL), _INK)
        upright = Image.new("RGB", (label - 2 * _GAP, _CELL), _PAPER)
        draw_name(upright, name, (0, 0, label - 2 * _GAP, _CELL), _INK)
        canvas.paste(upright.rotate(90, expand=True), (at, _LINE + _GAP))
    for row, right in enumerate(names):
        for column, said in enumerate(names):
            share = counts[right, said] / max(1, totals[right])
            _draw_share(canvas, share, (label + column * _CELL, label + _LINE + row * _CELL))
    return canvas


def _draw_share(canvas: Image.Image, share: float, place: tuple[int, int]) -> None:
    left, top = place
    colour = tuple(np.round(255 - share * (255 - _FULL)).astype(int).tolist())
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((left, top, left + _CELL - 1, top + _CELL - 1), colour, (225, 225, 225))
    if share:
        ink = _PAPER if share > 0.5 else _INK
        middle = (left + _CELL // 2, top + _CELL // 2)
        draw.text(middle, f"{100 * share:.0f}", ink, ImageFont.load_default(size=12), anchor="mm")
