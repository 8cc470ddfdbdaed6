"""What the pictures of environments share: colours, a smooth canvas, a legend, and moving pictures.

They are drawn by Pillow, twice as large, then halved, so that edges are smooth.
"""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
PAPER, INK, FAINT = (255, 255, 255), (32, 32, 32), (225, 225, 225)
# From grey, before adaptation, by orange to blue: of Okabe and Ito's colours, which people who
# confuse red and green can tell apart.
_ANCHORS = np.array([(150, 150, 150), (230, 159, 0), (0, 114, 178)], float)
_LINE, _GAP = 14, 5  # pixels


def colours(number: int) -> list[Colour]:
    """A colour for each, in order: grey first, and blue last."""
    if number == 1:
        return [_colour(_ANCHORS[-1])]
    if number == 2:
        return [_colour(_ANCHORS[0]), _colour(_ANCHORS[-1])]
    places = np.linspace(0, len(_ANCHORS) - 1, number)
    return [
        _colour([np.interp(each, range(len(_ANCHORS)), column) for column in _ANCHORS.T])
        for each in places
    ]


def sheet(width: int, height: int) -> Image.Image:
    """A canvas of twice the size, for `finished`."""
    return Image.new("RGB", (2 * width, 2 * height), PAPER)


def finished(canvas: Image.Image) -> Image.Image:
    """The canvas at half its size."""
    width, height = canvas.size
    return canvas.resize((width // 2, height // 2), Image.Resampling.BOX)


def legend(picture: Image.Image, names: Sequence[str]) -> Image.Image:
    """Writes the names into the upper left corner, each in its colour."""
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=12)
    for row, (name, colour) in enumerate(zip(names, colours(len(names)), strict=True)):
        draw.text((_GAP, _GAP + row * _LINE), name, colour, font)
    return picture


def moving(frames: Sequence[Image.Image], seconds: float) -> bytes:
    """A GIF file that plays the frames again and again.

    Args:
        frames: of one size, at least one.
        seconds: from one to the next; a GIF counts in hundredths.
    """
    file = io.BytesIO()
    few = [frame.quantize(64, dither=Image.Dither.NONE) for frame in frames]
    milliseconds = 10 * max(1, round(100 * seconds))
    few[0].save(file, "GIF", save_all=True, append_images=few[1:], duration=milliseconds, loop=0)
    return file.getvalue()


def _colour(values: Sequence[float] | np.ndarray) -> Colour:
    red, green, blue = (round(float(each)) for each in values)
    return red, green, blue
