"""Reports, read as HTML."""

from html.parser import HTMLParser

import trained
from made_once import made_once

import tfmeta

TASKS = 12
_EMPTY = {"meta", "img", "br"}


class Page(HTMLParser):
    """What a report holds.

    Attributes:
        elements: `(name, attributes)` of each, in their order.
        sections: the text of each section by its heading, one line per element.
        tables: rows of cells of each table, in their order.
        texts: between the elements.
    """

    def __init__(self, text):
        super().__init__()
        self.elements, self.sections, self.tables, self.texts = [], {}, [], []
        self._open, self._section, self.source = [], None, text
        self.feed(text)
        self.close()
        assert not self._open  # each element is closed

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in _EMPTY:
            self._open.append(tag)
        if tag == "section":
            self._section = None
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if not self._open or self._open[-1] == "style" or not data.strip():
            return
        self.texts.append(data.strip())
        if self._open[-1] == "h2":
            self._section = data
            self.sections[data] = ""
        elif self._section is not None:
            self.sections[self._section] += data.strip() + "\n"
        if self._open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data

    def all(self, tag):
        """The attributes of each element of a name."""
        return [attributes for name, attributes in self.elements if name == tag]

    def table(self, *columns):
        """The rows of the tables with these headings, as dicts."""
        found = [table for table in self.tables if table[0] == [*columns]]
        return [dict(zip(columns, row, strict=True)) for table in found for row in table[1:]]


@made_once("report-of-two.html")
def report_of_two(path):
    runs = [trained.glyph_run(), trained.prototypical_run()]
    tfmeta.report(runs, output=path, tasks=TASKS, sizes=False)
