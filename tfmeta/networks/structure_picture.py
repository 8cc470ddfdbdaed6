"""A found structure as a picture, in SVG."""

from collections.abc import Sequence
from html import escape

from tfmeta.networks.found_structure import Connection

_WIDTH, _HEIGHT, _GAP, _RISE = 80, 34, 130, 46  # of a box, between boxes, of a curve per box passed
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
    'font-family="sans-serif" font-size="13" text-anchor="middle">\n'
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#444"/></marker></defs>\n'
    '<rect width="{w}" height="{h}" fill="#fff"/>\n'
)


def picture_of(connections: Sequence[Connection]) -> str:
    """The boxes in a row, and a line with its operation for each connection.

    Args:
        connections: what leads to a box comes after what leads to the boxes before it.
    """
    names = list(dict.fromkeys(end for each in connections for end in each[:2]))
    last = {each.target: number for number, each in enumerate(connections)}
    names.sort(key=lambda name: last.get(name, -1))
    steps = [names.index(each.target) - names.index(each.source) for each in connections]
    middle = 30 + _RISE * max(steps)
    width = 20 + len(names) * (_WIDTH + _GAP) - _GAP + 20
    parts = [_HEAD.format(w=width, h=middle + _HEIGHT + 20)]
    parts += [_line(each, names, middle) for each in connections]
    parts += [_box(name, _left(names, name), middle) for name in names]
    return "".join(parts) + "</svg>\n"


def _left(names: Sequence[str], name: str) -> int:
    return 20 + names.index(name) * (_WIDTH + _GAP)


def _box(name: str, left: int, middle: int) -> str:
    return (
        f'<rect x="{left}" y="{middle - _HEIGHT // 2}" width="{_WIDTH}" height="{_HEIGHT}" rx="5" '
        'fill="#eef3fa" stroke="#444"/>\n'
        f'<text x="{left + _WIDTH // 2}" y="{middle + 5}">{escape(name)}</text>\n'
    )


def _line(connection: Connection, names: Sequence[str], middle: int) -> str:
    """Straight to the next box, in a curve above the boxes to a later one."""
    first, last = _left(names, connection.source), _left(names, connection.target)
    passed = names.index(connection.target) - names.index(connection.source) - 1
    if passed:
        top = middle - _HEIGHT // 2
        height = top - _RISE * passed
        start, end, half = first + _WIDTH // 2, last + _WIDTH // 2, (first + last + _WIDTH) // 2
        path = f"M{start},{top} C{start + 40},{height} {end - 40},{height} {end},{top}"
        label = (half, top - _RISE * passed * 3 // 4 - 6)
    else:
        path = f"M{first + _WIDTH},{middle} L{last},{middle}"
        label = ((first + _WIDTH + last) // 2, middle - 8)
    return (
        f'<path d="{path}" fill="none" stroke="#444" marker-end="url(#tip)"/>\n'
        f'<text x="{label[0]}" y="{label[1]}">{escape(connection.operation)}</text>\n'
    )
