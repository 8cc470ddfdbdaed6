"""A picture of a task whose examples and targets are single numbers: a curve and what is said."""

from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_WIDTH, _HEIGHT, _MARGIN, _DOT = 480, 300, 40, 4  # pixels
_PAPER, _AXIS, _FAINT = (255, 255, 255), (190, 190, 190), (120, 120, 120)
_SAID, _TARGET, _SUPPORT = (205, 50, 50), (33, 102, 172), (32, 32, 32)


def curve_picture(task: Any, answers: np.ndarray) -> Image.Image:
    """Draws the support set as dots, and the queries' targets and answers as two lines.

    Args:
        task: an Episode of one task, its examples and targets `(examples, 1)`.
        answers: `(queries, 1)`.
    """
    x = np.concatenate([task.support_x, task.query_x]).reshape(-1)
    y = np.concatenate([task.support_y, task.query_y, answers]).reshape(-1)
    canvas = Image.new("RGB", (_WIDTH, _HEIGHT), _PAPER)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=12)
    inside = (_MARGIN, _MARGIN, _WIDTH - _MARGIN, _HEIGHT - _MARGIN)
    draw.rectangle(inside, outline=_AXIS)

    def placed(x_values: Any, y_values: Any) -> list[tuple[float, float]]:
        across = np.interp(x_values.reshape(-1), _ends(x), (inside[0], inside[2]))
        up = np.interp(y_values.reshape(-1), _ends(y), (inside[3], inside[1]))
        return list(zip(across.tolist(), up.tolist(), strict=True))

    order = np.argsort(task.query_x.reshape(-1))
    for values, colour in ((task.query_y, _TARGET), (answers, _SAID)):
        draw.line(placed(task.query_x[order], values[order]), colour, width=2)
    for across, up in placed(task.support_x, task.support_y):
        draw.ellipse((across - _DOT, up - _DOT, across + _DOT, up + _DOT), _SUPPORT)
    keys = (("support", _SUPPORT), ("target", _TARGET), ("answer", _SAID))
    for number, (words, colour) in enumerate(keys):
        draw.text((_MARGIN + 90 * number, _MARGIN // 2), words, colour, font, anchor="lm")
    for values, places in ((x, ((inside[0], inside[3] + 6), (inside[2], inside[3] + 6))),):
        for end, place, anchor in zip(_ends(values), places, ("la", "ra"), strict=True):
            draw.text(place, f"{end:.3g}", _FAINT, font, anchor=anchor)
    for end, up in zip(_ends(y), (inside[3], inside[1]), strict=True):
        draw.text((_MARGIN - 6, up), f"{end:.3g}", _FAINT, font, anchor="rm")
    return canvas


def _ends(values: np.ndarray) -> tuple[float, float]:
    """The least and the greatest number, a little apart if they are the same."""
    least, most = float(values.min()), float(values.max())
    return (least, most) if least < most else (least - 0.5, most + 0.5)
