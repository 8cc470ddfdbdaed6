"""Charts by Matplotlib, as SVG in a data URI.

Names come from users' files, so no text is read as mathematics. Letters are text in the SVG, and
the browser draws them, so that a script that Matplotlib's font lacks is shown too. An image in
HTML runs no scripts and loads nothing.
"""

import base64
import io
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tfmeta.reporting.blocks import Chart
from tfmeta.terminal import plain

# Okabe and Ito's colours, which the colour-blind tell apart too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
FAINT = "#8a8a8a"
_WIDTH, _HEIGHT = 4.6, 3.0  # inches; on a phone the letters are then as large as its own
_LONGEST = 28  # letters of a name in a chart
_TEXT = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tfmeta",  # the same chart has the same ids
    "text.parse_math": False,
    "text.usetex": False,
}
_STYLE = {
    **_TEXT,
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.constrained_layout.use": True,
}


def chart(
    draw: Callable[[Any], None], words: str, *, width: float = _WIDTH, height: float = _HEIGHT
) -> Chart:
    """What a function draws.

    Args:
        draw: takes a Matplotlib Axes.
        words: what is to be seen.
        width, height: inches.
    """
    from matplotlib.figure import Figure

    def make() -> Any:
        figure = Figure(figsize=(width, height))
        draw(figure.subplots())
        return figure

    return chart_of(make, words, style=_STYLE)


def chart_of(make: Callable[[], Any], words: str, *, style: Mapping[str, Any] = _TEXT) -> Chart:
    """A whole Matplotlib Figure.

    Args:
        make: returns it.
        words: what is to be seen.
        style: Matplotlib's settings.
    """
    from matplotlib import style as styles

    written = io.BytesIO()
    # A user's own style must not count, nor a warning of letters that only the browser has.
    with warnings.catch_warnings(), styles.context(["default", dict(style)]):
        warnings.simplefilter("ignore")
        figure = make()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    width = float(figure.get_figwidth())
    return Chart(data_uri("image/svg+xml", written.getvalue()), words, width)


def data_uri(kind: str, content: bytes) -> str:
    """Bytes as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def short(name: str, most: int = _LONGEST) -> str:
    """A name for a chart: one line, its middle left out if it is long."""
    text = plain(name)
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}…{text[len(text) - most // 2 + 1 :]}"


def legend(axes: Any, handles: Sequence[Any], names: Sequence[str]) -> None:
    """Explains lines, above the axes; names may be any text."""
    if names:
        figure = axes.get_figure()
        shown = figure.legend(handles, [" "] * len(names), loc="outside upper left", ncols=1)
        for text, name in zip(shown.get_texts(), names, strict=True):
            text.set_text(short(name, 48))  # Matplotlib leaves out names that begin with "_"


def intervals(
    axes: Any, x: Sequence[int], points: Iterable[tuple[float, float | None]], colour: str
) -> Any:
    """A line through means with a band for their 95% intervals; returns the line.

    Args:
        axes: to draw on.
        x: where the points are.
        points: `(mean, half of the interval or None)` of each.
        colour: of the line.
    """
    means, ci95 = np.array(list(points), float).T
    axes.fill_between(x, means - ci95, means + ci95, color=colour, alpha=0.2, linewidth=0)
    (line,) = axes.plot(x, means, color=colour, marker="o", markersize=4)
    return line


def name_axis(axes: Any, metric: str, *, side: str = "y") -> None:
    """Names an axis for a metric; accuracy is shown in percent."""
    axis = getattr(axes, f"{side}axis")
    if metric == "accuracy":
        from matplotlib.ticker import PercentFormatter

        axis.set_major_formatter(PercentFormatter(1.0, symbol="%"))
        axis.set_label_text("accuracy")
    else:
        axis.set_label_text({"mse": "mean squared error"}.get(metric, metric))
