"""Draws class names of any length, in any script that a font of the machine has."""

import os
import sys
from bisect import bisect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from tfmeta.terminal import plain

_SIZE = 12  # pixels of a letter's height, about
_LINE = 15  # pixels from one line to the next
_NO_LETTER = "\U0010ffff"  # fonts draw it, and every letter that they lack, as the same box
_MORE = "…"
_FONT_FILES = (".ttf", ".otf", ".ttc")
_STYLES = ("bold", "italic", "oblique", "mono", "serif", "light", "condensed", "narrow", "math")


def width_of(name: str, most: int) -> int:
    """The pixels that a name needs in one line, or `most` if it needs more."""
    text, font = _drawable(name)
    return min(most, int(font.getlength(text)) + 1)


def draw_name(canvas: Image.Image, name: str, box: tuple[int, int, int, int], colour: Any) -> None:
    """Draws a name, vertically centred, in as many lines as there is room for.

    If there is not enough room, the middle of the name is left out, and in its place is "…".

    Args:
        canvas: the image to draw on.
        name: any text; control characters are shown as numbers.
        box: left, top, width and height in pixels.
        colour: of the letters.
    """
    left, top, width, height = box
    text, font = _drawable(name)
    lines = _fitted(text, font, width, max(1, height // _LINE))
    first = top + (height - _LINE * len(lines)) // 2
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        draw.text((left, first + number * _LINE + _LINE // 2), line, colour, font, anchor="lm")


def _fitted(text: str, font: Any, width: int, most_lines: Any) -> Any:
    """Lines of the text, or of its beginning and end if there is not enough room."""
    lines, kept = _lines(text, font, width), len(text)
    while len(lines) > most_lines and kept > 1:
        kept = min(kept - 1, kept * (most_lines + 1) // len(lines))
        start = text[: (kept + 1) // 2]
        lines = _lines(start + _MORE + text[len(text) - kept // 2 :], font, width)
    return lines


def _lines(text: str, font: Any, width: int) -> Any:
    """Lines of the text, broken after a space or `/` if possible, else between any two letters."""
    lines = []
    while text:
        lengths = range(1, len(text) + 1)
        end = max(1, bisect(lengths, width, key=lambda end: font.getlength(text[:end])))
        if end < len(text):
            breaks = max(text.rfind(" ", 1, end), text.rfind("/", 1, end)) + 1
            end = breaks or end
        lines.append(text[:end].rstrip(" "))
        text = text[end:].lstrip(" ")
    return lines


@cache
def _drawable(name: str) -> Any:
    """`(text, font)`; letters that no font of this machine has are replaced by their numbers."""
    text = plain(name)
    least, font = _lacking(_own_font(), text), _own_font()
    for path in _system_fonts() if least else ():
        try:
            other = ImageFont.truetype(path, _SIZE)
            lacking = _lacking(other, text)
        except (OSError, ValueError):  # no font, or bitmaps of other sizes
            continue
        if len(lacking) < len(least):
            least, font = lacking, other
        if not least:
            break
    shown = (f"\\u{ord(letter):04x}" if letter in least else letter for letter in text)
    return "".join(shown), font


def _lacking(font: Any, text: str) -> Any:
    """The letters of a text that a font does not have."""
    # The other layout engine would draw more than one box for some letters.
    font = font.font_variant(layout_engine=ImageFont.Layout.BASIC)
    box = bytes(font.getmask(_NO_LETTER))
    return {each for each in set(text) - {" "} if bytes(font.getmask(each)) == box}


@cache
def _own_font() -> Any:
    return ImageFont.load_default(size=_SIZE)


def _system_fonts() -> Iterator[str]:
    """The font files of the machine, plain ones first, in an order that is the same each time."""
    home = Path.home()
    if sys.platform == "win32":
        folders = [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
    elif sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    else:
        data = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        own = os.environ.get("XDG_DATA_HOME") or home / ".local/share"
        folders = [Path(folder) / "fonts" for folder in (*data.split(":"), own)]
    files = [path for folder in folders for path in folder.rglob("*")]
    fonts = (path for path in files if path.suffix.lower() in _FONT_FILES)
    yield from map(str, sorted(fonts, key=lambda path: (_is_styled(path), path.name, path)))


def _is_styled(path: Path) -> bool:
    return any(style in path.name.lower() for style in _STYLES)
