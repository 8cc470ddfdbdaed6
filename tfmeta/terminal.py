"""The one place where text leaves for the terminal, and what keeps it text there.

Names of files and classes may hold anything: orders to the terminal, ends of lines, marks that
turn the direction of writing. They are shown as numbers.
"""

import re
import sys

_ORDERS = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters, ends of lines among them
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # ends of lines, directions of writing
    "\ud800-\udfff]"  # bytes of a file's name that are no text
)
_MARKS = re.compile(r"([\\`*\[\]<>|&])")  # that Markdown or HTML take for orders


def plain(value) -> str:
    """A text as one line without orders to a terminal."""
    return _ORDERS.sub(_escaped, str(value))


def _escaped(found):
    number = ord(found[0])
    if 0xDC80 <= number <= 0xDCFF:  # as which Python keeps a byte
        return f"\\x{number - 0xDC00:02x}"
    return (
        found[0].encode("unicode_escape").decode("ascii") if number < 0x100 else f"\\u{number:04x}"
    )


def plain_values(value):
    """JSON with each text in it, keys too, as of `plain`."""
    if isinstance(value, dict):
        return {plain_values(key): plain_values(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(each) for each in value]
    return plain(value) if isinstance(value, str) else value


def markdown(value) -> str:
    """A text as of `plain` that Markdown shows as it is."""
    return _MARKS.sub(r"\\\1", plain(value))


def say(*lines, err: bool = False) -> None:
    """Prints lines, each of them one.

    Args:
        lines: of text; what is in them and no text, or none that the terminal has letters for, is
            shown as numbers.
        err: on standard error.
    """
    import click

    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    for line in map(plain, lines):
        click.echo(line.encode(encoding, "backslashreplace").decode(encoding), err=err)
