"""Invented handwriting: a few-shot dataset like Omniglot that needs no download.

Alphabets are invented from a seed. Each has a style and a small stock of strokes that its
characters share. Every character is drawn by many drawers, each with a handwriting of their own.
Points are complex numbers, so that one product turns and scales them; the paper is the square from
-1-1j to 1+1j.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

# Headings in degrees of the pen along the six steps of a stroke, before an alphabet bends them.
_PRIMITIVES = {
    "line": (0, 0, 0, 0, 0, 0),
    "arc": (0, 32, 64, 96, 128, 160),
    "hook": (0, 0, 0, 20, 90, 170),
    "loop": (0, 60, 120, 180, 240, 300),
    "wave": (-60, 0, 60, 60, 0, -60),
    "corner": (0, 0, 0, 100, 100, 100),
    "zigzag": (0, 0, 145, 145, 0, 0),
    "curl": (0, 15, 55, 115, 190, 270),
    "dot": (0, 60, 120, 180, 240, 300),
}
_KNOTS = 7  # control points of a stroke: the ends of its six steps
_DOT_LENGTH = 0.15
_INK = (3.5, 9.0)  # length of the pen path of a character: more than a line, less than a scribble
_NARROWEST = 1.1  # smallest width or height of a character; the larger of the two is always 2
_MOST_ALIKE = 0.72  # largest correlation between the thumbnails of two characters
_COMPARED = 24  # characters of an alphabet from which later alphabets must differ
_THUMBNAIL = 16  # pixels; coarse on purpose, so that a small shift does not count as a difference
_ALPHABET, _CHARACTER, _DRAWER, _DRAWING = range(4)  # what a random stream is for


@dataclass(frozen=True)
class GlyphSet:
    """Drawings of invented characters, alphabet by alphabet."""

    images: np.ndarray  # uint8 [num_characters, num_drawers, size, size, 1], ink 255 on paper 0
    alphabets: np.ndarray  # int32 [num_characters], the alphabet each character belongs to
    names: tuple[str, ...]  # [num_characters], such as "alphabet03/character07", from 0


class _Style(NamedTuple):  # what the characters of one alphabet share
    stock: np.ndarray  # complex [10, _KNOTS], strokes that begin at 0
    angles: np.ndarray  # radians [3], the directions in which strokes are laid
    busyness: float  # probability of each of the two strokes beyond the first two
    flow: float  # probability that a stroke goes on where the last one ended
    curviness: float  # tangent length of the splines: 0 draws polygons, 1 Catmull-Rom curves


def draw_glyphs(
    *,
    num_alphabets: int = 24,
    characters_per_alphabet: int = 20,
    num_drawers: int = 20,
    size: int = 28,
    seed: int = 0,
) -> GlyphSet:
    """Invent alphabets and have every drawer draw every character once, as a GlyphSet.

    A drawing depends only on the seed, the size and its own numbers of alphabet, character and
    drawer. So a larger set contains the drawings of a smaller one unchanged.
    """
    _check(
        1,
        num_alphabets=num_alphabets,
        characters_per_alphabet=characters_per_alphabet,
        num_drawers=num_drawers,
    )
    _check(8, size=size)
    _check(0, seed=seed)
    hands = _invent_hands(num_drawers, seed)
    images, names, looks = [], [], np.empty((0, _THUMBNAIL**2))
    for alphabet in range(num_alphabets):
        style = _invent_style(_random(_ALPHABET, alphabet, seed))
        # More characters are invented than are asked for, to be compared with. Otherwise the next
        # alphabets would depend on how many characters of this one are asked for.
        rngs = [
            _random(_CHARACTER, alphabet, character, seed)
            for character in range(max(characters_per_alphabet, _COMPARED))
        ]
        characters, looks = _invent_characters(style, looks, rngs)
        looks = looks[: (alphabet + 1) * _COMPARED]
        spline = _spline(style.curviness, samples=4 * size)
        for character in range(characters_per_alphabet):
            rngs = [_random(_DRAWING, alphabet, character, d, seed) for d in range(num_drawers)]
            paths = _draw(characters[character], hands, rngs) @ spline
            images.append(_rasterise(paths, hands[2] * size, size))
            names.append(f"alphabet{alphabet:02d}/character{character:02d}")
    alphabets = np.repeat(np.arange(num_alphabets, dtype=np.int32), characters_per_alphabet)
    return GlyphSet(np.stack(images)[..., None], alphabets, tuple(names))


def _check(least: Any, **values: Any) -> None:
    for name, value in values.items():
        if not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")


def _random(role: Any, *key: Any) -> np.random.Generator:
    # The role comes first and the seed last. NumPy pads keys with zeros and splits large seeds into
    # words; in this order neither can make two streams equal.
    return np.random.default_rng([role, *key])


def _invent_hands(num_drawers: Any, seed: int) -> list[Any]:
    """Arrays [num_drawers]: where a hand puts 1 and 1j, half the width of its pen, its tremor."""
    traits = []
    for rng in (_random(_DRAWER, drawer, seed) for drawer in range(num_drawers)):
        turn = rng.uniform(0.6, 0.8) * np.exp(1j * np.radians(rng.uniform(-10, 10)))
        stretch, slant = np.exp(rng.uniform(-0.12, 0.12)), rng.uniform(-0.3, 0.3)
        traits.append(
            (
                turn * stretch,
                turn * (slant + 1j) / stretch,
                rng.uniform(0.026, 0.05),
                rng.uniform(0.02, 0.065),
            )
        )
    return [np.array(trait) for trait in zip(*traits, strict=True)]


def _invent_style(rng: np.random.Generator) -> _Style:
    kinds = rng.choice(list(_PRIMITIVES), 5, replace=False)
    headings = np.radians([_PRIMITIVES[kind] for kind in kinds]) * rng.uniform(0.85, 1.15, (5, 1))
    steps = rng.uniform(0.6, 1.4, headings.shape) * np.exp(1j * headings)
    lengths = np.where(kinds == "dot", _DOT_LENGTH, rng.uniform(1.2, 2.4, 5))[:, None]
    steps *= lengths / np.abs(steps).sum(axis=1, keepdims=True)
    knots = np.pad(np.cumsum(steps, axis=1), ((0, 0), (1, 0)))
    return _Style(
        stock=np.concatenate([knots, -knots.conj()]),  # as they are and mirrored
        angles=np.pi / 4 * rng.choice(8, 3, replace=False) + rng.normal(0, 0.1),
        busyness=rng.uniform(0.1, 0.7),
        flow=rng.uniform(0.1, 0.7),
        curviness=rng.choice([0.2, 0.7, 1.0, 1.2]),
    )


def _invent_characters(style: _Style, looks: Any, rngs: Sequence[np.random.Generator]) -> Any:
    """Invent a character, complex [strokes, _KNOTS], per generator and add its look to `looks`."""
    spline = _spline(style.curviness, samples=3 * _THUMBNAIL)
    characters = []
    for rng in rngs:
        best: tuple[Any, ...] = (np.inf,)
        for _ in range(100):  # if no shape is new enough, the best one so far is taken
            strokes = _invent_character(rng, style)
            look, ink = _look(strokes @ spline), np.abs(np.diff(strokes)).sum()
            narrow = min(np.ptp(strokes.real), np.ptp(strokes.imag)) < _NARROWEST
            untidy = narrow or not _INK[0] <= ink <= _INK[1]
            fault = (looks @ look).max(initial=-1.0) + 2 * untidy
            if fault < best[0]:
                best = fault, strokes, look
            if fault <= _MOST_ALIKE:
                break
        characters.append(best[1])
        looks = np.vstack([looks, best[2]])
    return characters, looks


def _invent_character(rng: np.random.Generator, style: _Style) -> Any:
    """Two to four strokes of the stock, joined and scaled to fill the area: [strokes, _KNOTS]."""
    strokes: list[np.ndarray] = []
    for _ in range(2 + rng.binomial(2, style.busyness)):
        stroke = rng.choice(style.stock) * np.exp(1j * rng.choice(style.angles))
        if strokes:
            flows, other = rng.random() < style.flow, strokes[rng.integers(len(strokes))]
            start, target = rng.choice(stroke[::3]), rng.choice(other[::3])  # ends, middles
            stroke = stroke + (strokes[-1][-1] - stroke[0] if flows else target - start)
        if np.abs(np.diff(stroke)).sum() < 2 * _DOT_LENGTH:  # nobody would see a dot on a line
            stroke = stroke + 0.5 * np.exp(1j * rng.choice(style.angles))
        strokes.append(stroke)
    drawn = np.array(strokes)
    x, y = drawn.real - drawn.real.min(), drawn.imag - drawn.imag.min()
    return (2 * (x + 1j * y) - x.max() - 1j * y.max()) / max(x.max(), y.max())


def _look(paths: np.ndarray) -> Any:
    """A coarse, bold thumbnail [_THUMBNAIL**2]; the product of two of them is their correlation."""
    pixels = _rasterise(0.8 * paths[None], np.array([1.5]), _THUMBNAIL).ravel() / 255.0
    pixels -= pixels.mean()
    return pixels / np.linalg.norm(pixels)


def _draw(strokes: np.ndarray, hands: Any, rngs: Sequence[np.random.Generator]) -> Any:
    """`strokes` [strokes, _KNOTS] as each hand draws them: complex [drawers, strokes, _KNOTS]."""
    shape = (len(strokes) + 1, 2 * (_KNOTS + 2))  # the last row is for the drawing as a whole
    noise = np.stack([rng.standard_normal(shape) for rng in rngs]).view(complex)
    jitter, shift, turn = noise[..., :_KNOTS], noise[..., -2, None], 1 + 0.1 * noise[..., -1, None]
    across, down, _, tremor = (trait[:, None, None] for trait in hands)
    centres = strokes.mean(axis=1, keepdims=True)
    drawn = (strokes - centres) * turn[:, :-1] + centres + 0.07 * shift[:, :-1]
    drawn = (drawn + tremor * jitter[:, :-1]) * (1 + turn[:, -1:]) / 2
    drawn = across * drawn.real + down * drawn.imag + 0.08 * shift[:, -1:]
    extent = np.maximum(np.abs(drawn.real), np.abs(drawn.imag)).max(axis=(1, 2), keepdims=True)
    return drawn * np.minimum(1, 0.9 / extent)  # a drawing that is too large is made to fit


def _spline(curviness: Any, samples: Any) -> Any:
    """The cardinal spline through _KNOTS points as a matrix [_KNOTS, samples]."""
    knots, time = np.eye(_KNOTS), np.linspace(0, _KNOTS - 1, samples)
    tangents = curviness * np.gradient(knots, axis=0)
    left = np.minimum(time.astype(int), _KNOTS - 2)
    u = (time - left)[:, None]
    start = ((1 + 2 * u) * knots[left] + u * tangents[left]) * (1 - u) ** 2
    end = ((3 - 2 * u) * knots[left + 1] + (u - 1) * tangents[left + 1]) * u**2
    return (start + end).T


def _rasterise(paths: np.ndarray, radius: Any, size: int) -> np.ndarray:
    """Antialiased strokes: complex paths [n, strokes, samples], radius [n] -> [n, size, size].

    Each sample is compared only with the pixels near it, which costs far less than with all.
    """
    reach = int(np.ceil(radius.max()))
    width = size + 2 * reach  # a margin, so that every sample has its pixels
    points = (paths.reshape(len(paths), -1, 1) + (1 + 1j)) * (size / 2) - (0.5 + 0.5j)
    x, y = np.clip([points.real, points.imag], 0, size - 1).astype(np.float32)
    column, row = np.rint([x, y]).astype(np.intp) + np.arange(-reach, reach + 1)
    across, down = ((column - x) ** 2).astype(np.float32), ((row - y) ** 2).astype(np.float32)
    row += width * np.arange(len(paths))[:, None, None] + reach
    pixels = width * row[..., None] + column[..., None, :] + reach
    nearest = np.full(len(paths) * width**2, (reach + 1) ** 2, np.float32)
    np.minimum.at(nearest, pixels.ravel(), (down[..., None] + across[..., None, :]).ravel())
    nearest = np.sqrt(nearest).reshape(-1, width, width)[:, reach:-reach, reach:-reach]
    return np.rint(255 * np.clip(radius[:, None, None] + 0.5 - nearest, 0, 1)).astype(np.uint8)
