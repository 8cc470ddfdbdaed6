"""Prints text on the terminal, and makes sure that the terminal shows it as text.

Names of files and classes may hold anything: commands for the terminal, ends of lines, marks that
change the direction of writing. These are shown as numbers.
"""

import os
import re
import shutil
import sys
from typing import Any

UNLIMITED = 10**6  # the width of a pipe
_ORDERS = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters, ends of lines among them
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # ends of lines, directions of writing
    "\ud800-\udfff]"  # bytes in a file's name that are no text
)
_MARKS = re.compile(r"([\\`*\[\]<>|&])")  # characters with a meaning in Markdown or HTML


def plain(value: Any) -> str:
    """A text as one line, without commands for a terminal."""
    return _ORDERS.sub(_escaped, str(value))


def _escaped(found: Any) -> Any:
    number = ord(found[0])
    if 0xDC80 <= number <= 0xDCFF:  # Python's way to keep a byte in a text
        return f"\\x{number - 0xDC00:02x}"
    return (
        found[0].encode("unicode_escape").decode("ascii") if number < 0x100 else f"\\u{number:04x}"
    )


def plain_values(value: Any) -> Any:
    """JSON in which each text, also each key, went through `plain`."""
    if isinstance(value, dict):
        return {plain_values(key): plain_values(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(each) for each in value]
    return plain(value) if isinstance(value, str) else value


def markdown(value: Any) -> str:
    """Like `plain`, and Markdown shows the text as it is."""
    return _MARKS.sub(r"\\\1", plain(value))


def width() -> int:
    """Of a line. In a pipe lines are whole, for what reads them, unless the user names a width."""
    is_piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return UNLIMITED if is_piped else shutil.get_terminal_size().columns


def say(*lines: Any, err: bool = False) -> None:
    """Prints lines; each stays one line.

    Args:
        lines: of text; characters that are no text, or that the terminal can't show, are shown as
            numbers.
        err: whether to print on standard error.
    """
    import click

    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    for line in map(plain, lines):
        click.echo(line.encode(encoding, "backslashreplace").decode(encoding), err=err)
