"""Names of files and classes may hold anything: a report shows them as text."""

import base64
from xml.etree import ElementTree

import pytest
from read_reports import Page

from tfmeta.errors import UserError
from tfmeta.reporting.blocks import Cell, Charts, Gallery, Lines, Sheet, SheetRow, Table, Words
from tfmeta.reporting.charts import chart, legend, short
from tfmeta.reporting.page import Section, html_of, write_page
from tfmeta.reporting.place import check_place

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><b>",
    "$x^2$ and $\\frac",
    "{{ 7 * 7 }}{% raw %}",
    "_begins with a line",
    "a & b",
    "银行卡",
]
ORDERS = "red\x1b[31m and \u202eback\x00\udcff"


def page_of(*names):
    """A page with the names wherever a name can stand, and one chart of all of them."""

    def draw(axes):
        lines = [axes.plot([0, 1], [0, 1])[0] for _ in names]
        axes.set_xticks(range(len(names)), [short(name, 40) for name in names])
        legend(axes, lines, names)

    sections = [Section("Chart", [Charts([chart(draw, " ".join(names))])])]
    for name in names:
        blocks = [
            Words(name),
            Table((name, "b"), [(name, 1)], ("b",), name, is_folded=True),
            Lines([name], name),
            Gallery([Cell("", name, (name,), is_wrong=True)], name),
            Sheet([SheetRow(name, [Cell("data:image/png;,", "", (name,))], [], name)], name),
        ]
        sections.append(Section(name, blocks))
    return html_of(names[0], sections)


def test_names_are_text_wherever_they_stand():
    page, harmless = (Page(page_of(*names)) for names in (HOSTILE, ["harmless"] * len(HOSTILE)))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in harmless.elements]
    assert page.tables == [[[name, "b"], [name, "1"]] for name in HOSTILE]
    for name in HOSTILE:
        times = harmless.texts.count("harmless") // len(HOSTILE)
        assert page.texts.count(name) >= times > 10
        assert name in [each["alt"] for each in page.all("img")]
    (drawing,) = (each["src"] for each in page.all("img") if "svg" in each["src"])
    svg = ElementTree.fromstring(base64.b64decode(drawing.partition(",")[2]))
    texts = [each.text for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert all(texts.count(name) == 2 for name in HOSTILE)  # below the axis and in the legend


def test_orders_for_a_terminal_and_halves_of_letters_are_shown_as_numbers(tmp_path):
    text = page_of(ORDERS)
    text.encode()
    assert not {"\x1b", "\u202e", "\x00"} & set(text)
    assert r"red\x1b[31m and \u202eback\x00\xff" in text


def test_a_report_takes_the_place_of_a_report_alone(tmp_path):
    place = tmp_path / "report.html"
    for title in ("first", "second"):
        check_place(place)
        write_page(place, title, [])
    assert "<h1>second</h1>" in place.read_text()
    place.write_text("<h1>my own page</h1>")
    with pytest.raises(UserError, match=r"is there already and is no report of tfmeta report"):
        check_place(place)
    assert place.read_text() == "<h1>my own page</h1>"
    other = tmp_path / "folder.html"
    other.mkdir()
    for wrong, message in (
        (other, "is there already and is no report"),
        (tmp_path / "report.pdf", r"expected a file name that ends in \.html"),
        (tmp_path / "no" / "report.html", "there is no folder .*no; expected one for --output"),
    ):
        with pytest.raises(UserError, match=message):
            check_place(wrong)


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("matplotlib", r"this needs Matplotlib: pip install 'tfmeta\[report\]'"),
        ("jinja2", r"this needs Jinja2: pip install 'tfmeta\[report\]'"),
    ],
)
def test_a_package_that_is_missing_is_named_with_the_extra(module, line, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(UserError, match=line):
        check_place(tmp_path / "report.html")
