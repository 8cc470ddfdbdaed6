"""An explanation as a picture, by Matplotlib."""

import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure

from tfmeta.explaining.explanation import Explanation, Explanations, SupportEffects, SupportExample
from tfmeta.explaining.explanation_lines import layer_name, name_of, root_of, shortened
from tfmeta.terminal import plain

_MOST_SUPPORT, _MOST_PARTS = 10, 24  # shown of each
_LEAST_BARS = 6  # that there is room for, so that few are not too thick
_WIDTH = 10.5  # inches
_LETTERS = 90  # of a line of the title that has dollar signs
_COLOURS = "RdBu_r"  # red is above zero
_FOR, _AGAINST, _NEUTRAL = "#b2182b", "#2166ac", "#777777"
_PLAIN: dict[str, Any] = {"parse_math": False}  # a name may hold dollar signs
# Parts of the names of fonts with many scripts, for names that Matplotlib's own font can't show.
_WIDE_FONTS = ("CJK", "Unifont", "Noto Sans", "WenQuanYi", "Fallback", "Arial Unicode", "Hiragino")


def draw(found: Explanations, number: int, path: Path) -> None:
    """Draws one explanation into a PNG file.

    Args:
        found: what was explained.
        number: of the query, from 0.
        path: of the file.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure_of(found, number).savefig(path, format="png", dpi=120)


def figure_of(found: Explanations, number: int) -> Figure:
    """The figure of one explanation: the input, the weights and the support set."""
    each = found.of_queries[number]
    if each.support is None:  # baked into an export
        figure: Any = Figure(figsize=(_WIDTH, 4.4), layout="constrained")
        _write_title(figure, _title(each))
        _input(figure.subfigures(), each)
        return figure
    has_pictures = found.support_pictures is not None
    is_small = has_pictures and len(each.support.examples) <= _MOST_SUPPORT // 2
    height = 5.6 if is_small else 6.6 if has_pictures else 7.5
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    figure.get_layout_engine().set(hspace=0.06, wspace=0.04)
    _write_title(figure, _title(each))
    top, bottom = figure.subfigures(
        2, 1, height_ratios=(2.0 if is_small else 1.25, 1.0) if has_pictures else (1, 1)
    )
    if each.adaptation is None:
        _input(top, each)
    else:
        left, right = top.subfigures(1, 2, width_ratios=(1.7, 1.0))
        _input(left, each)
        _weights(right, each)
    _support(bottom, each.support, found.support_pictures, root_of(found.facts))
    return figure


def _write_title(figure: Any, title: str) -> None:
    """Matplotlib's own wrapping measures a line with dollar signs as mathematics all the same."""
    has_dollars = "$" in title
    if has_dollars:
        lines = [textwrap.fill(line, _LETTERS) for line in title.split("\n")]
        title = "\n".join(lines)
    figure.suptitle(title, fontfamily=_fonts(), wrap=not has_dollars, **_PLAIN)


def _title(each: Explanation) -> str:
    name = shortened(name_of(each.place, None))
    if not isinstance(each.answer, dict):
        values = ", ".join(f"{value:.5g}" for value in each.answer)
        return f"{name}: {values}\nred raises {each.question.name}, blue lowers it"
    likely = sorted(each.answer.items(), key=lambda pair: -pair[1])[:3]
    words = ", ".join(f"{shortened(plain(label))} {p:.2f}" for label, p in likely)
    unit = plain(each.question.unit)
    return f"{name}: {words}\n{unit}: {each.score:+.2f}; red speaks for it, blue against it"


def _fonts() -> list[str]:
    names = set(font_manager.get_font_names())
    wide = sorted(name for name in names if any(part in name for part in _WIDE_FONTS))
    return ["DejaVu Sans", *wide[:12]]


# The input


def _input(figure: Any, each: Explanation) -> None:
    found = each.input
    if found.picture is None or found.heat is None:
        _bars(figure, "what is lost if the part is hidden", _parts(each))
        return
    raw, heated = figure.subplots(1, 2)
    most = float(np.abs(found.heat).max()) or 1.0
    grey = found.picture.mean(-1)
    _show(raw, found.picture)
    raw.set_title("the input")
    heated.imshow(grey, cmap="gray", vmin=0, vmax=1)
    drawn = heated.imshow(found.heat, cmap=_COLOURS, vmin=-most, vmax=most, alpha=0.65)
    heated.set_title("what is lost if the place is hidden")
    for axes in (raw, heated):
        axes.set_xticks([])
        axes.set_yticks([])
        if found.axes is not None:
            axes.set_xlabel(found.axes[0], fontsize=8)
            axes.set_ylabel(found.axes[1], fontsize=8)
    figure.colorbar(drawn, ax=heated, shrink=0.8)


def _parts(each: Explanation) -> list[tuple[str, float]]:
    """Words in the order of the text; other parts by the size of their effect."""
    pairs = list(zip(map(plain, each.input.names), map(float, each.input.effects), strict=True))
    order = sorted(range(len(pairs)), key=lambda n: -abs(pairs[n][1]))[:_MOST_PARTS]
    if each.place.text is not None:
        order = sorted(order)
    return [pairs[n] for n in order]


def _show(axes: Any, picture: np.ndarray) -> None:
    """A picture `(height, width, 1 or 3)` from 0 to 1."""
    grey = picture.shape[-1] == 1
    axes.imshow(picture[..., 0] if grey else picture, cmap="gray" if grey else None, vmin=0, vmax=1)


def _bars(figure: Any, title: str, rows: Sequence[tuple[str, float]]) -> None:
    """Horizontal bars, the first one at the top."""
    axes = figure.subplots()
    values = [value for _, value in rows]
    places = np.arange(len(rows))[::-1]
    axes.barh(places, values, color=[_FOR if value > 0 else _AGAINST for value in values])
    labels = [shortened(name) for name, _ in rows]
    size = 9 if len(rows) <= 14 else 7
    axes.set_yticks(places, labels=labels, fontsize=size, fontfamily=_fonts(), **_PLAIN)
    axes.axvline(0, color=_NEUTRAL, linewidth=0.8)
    axes.set_title(title)
    axes.margins(x=0.12)
    axes.set_ylim(len(rows) - max(len(rows), _LEAST_BARS) - 0.6, len(rows) - 0.4)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


# The weights


def _weights(figure: Any, each: Explanation) -> None:
    found = each.adaptation
    assert found is not None
    rows = [(layer_name(layer), layer) for layer in found.layers]
    axes = figure.subplots()
    places = np.arange(len(rows))[::-1]
    sizes = [100 * (layer.change or 0.0) for _, layer in rows]
    axes.barh(places, sizes, color=_NEUTRAL)
    axes.set_yticks(
        places,
        labels=[shortened(name) for name, _ in rows],
        fontsize=8,
        fontfamily=_fonts(),
        **_PLAIN,
    )
    axes.set_xlabel("change of the layer's weights, %")
    lines = [
        f"{words}: {score:+.2f}"
        for words, score in (
            ("before the first step", found.before),
            ("changed features alone", found.features_only),
            ("changed head alone", found.head_only),
            ("both", found.after),
        )
    ]
    axes.set_title("what adaptation changed\n" + "\n".join(lines), fontsize=9, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


# The support set


def _support(figure: Any, effects: SupportEffects, pictures: Any, root: str | None) -> None:
    known = [one for one in effects.strongest if one.effect]
    if len(known) > _MOST_SUPPORT:
        half = _MOST_SUPPORT // 2
        known = [*known[:half], *known[len(known) - half :]]
    shown = known or list(effects.examples)[:_MOST_SUPPORT]
    is_sum = effects.total is not None
    title = (
        "what the support example adds" if is_sum else "what is lost without the support example"
    )
    if pictures is None:
        rows = [(f"{_label(e)}: {name_of(e.place, root)}", e.effect or 0.0) for e in shown]
        _bars(figure, title, rows)
        return
    figure.suptitle(title, fontsize="large")
    rows_of = {id(example): row for row, example in enumerate(effects.examples)}
    num_rows = 1 if len(shown) <= _MOST_SUPPORT // 2 else 2
    grid = figure.subplots(num_rows, _MOST_SUPPORT // 2)
    for place, axes in enumerate(grid.flat):
        if place >= len(shown):
            axes.set_axis_off()
            continue
        example = shown[place]
        _thumbnail(axes, example, pictures[rows_of[id(example)]], root)


def _thumbnail(axes: Any, example: SupportExample, picture: np.ndarray, root: str | None) -> None:
    _show(axes, picture)
    effect = example.effect
    colour = _NEUTRAL if not effect else _FOR if effect > 0 else _AGAINST
    axes.set_title("?" if effect is None else f"{effect:+.3f}", fontsize=9, color=colour)
    same = " (the query)" if example.is_query else ""
    name = f"{name_of(example.place, root)}{same}"
    if "/" not in name:
        name = f"{_label(example)}: {name}"
    axes.set_xlabel(_fitting(name), fontsize=7, fontfamily=_fonts(), **_PLAIN)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_edgecolor(colour)
        spine.set_linewidth(2)


def _fitting(name: str) -> str:
    """The end of a long name, which tells files apart."""
    return name if len(name) <= 26 else f"…{name[-25:]}"


def _label(example: SupportExample) -> str:
    if isinstance(example.label, str):
        return plain(example.label)
    return ", ".join(f"{value:.4g}" for value in example.label)
