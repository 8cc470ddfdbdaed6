"""Tables in the Markdown that TensorBoard's Text tab shows."""

from collections.abc import Iterable, Sequence
from typing import Any

from tfmeta.terminal import markdown

_MOST_LETTERS = 300  # of a cell


def table(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; numbers have up to six digits, and texts are shown as they are."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(str(value).split())
    return markdown(text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}…")
