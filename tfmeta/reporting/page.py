"""Writes a report: one HTML file that needs nothing else, and may load or run nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfmeta import files
from tfmeta.reporting.blocks import Block
from tfmeta.reporting.place import MARK
from tfmeta.terminal import plain

_WAIT = 60  # seconds that another process may take to write the same report


@dataclass(frozen=True)
class Section:
    """A part of a report under a heading.

    Attributes:
        title: the heading.
        blocks: what stands below it.
    """

    title: str
    blocks: Sequence[Block]


def html_of(title: str, sections: Sequence[Section]) -> str:
    """The page.

    Every text is escaped, and shown without orders for a terminal or a change of direction, because
    names come from files.

    Args:
        title: of the report.
        sections: in their order.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=PackageLoader("tfmeta.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html")
    return page.render(title=title, sections=sections, mark=Markup(MARK))


def write_page(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Writes the page to a place that `check_place` accepts; raises UserError if that fails."""
    text = html_of(title, sections)
    with files.locked(path, wait=_WAIT):
        files.write_text(path, text)
