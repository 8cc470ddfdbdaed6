"""The half-cheetah as a stick figure, drawn from its observations without MuJoCo or OpenGL."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfmeta.environments.drawing import FAINT, INK, Colour, colours, finished, sheet

STEP_SECONDS = 0.05
_OBSERVATION = 17
_HEIGHT = 0.7  # of the root joint above the ground, where its observed height is 0
_METRES = 4.0  # across a picture
_THICK = 0.092  # metres: twice the radius of a limb
_SKY, _GROUND = 1.5, 0.3  # metres above and below the ground in a row


@dataclass(frozen=True)
class _Part:
    """A body of half_cheetah.xml of Gymnasium: numbers in metres and radians, (x, z).

    Attributes:
        joint: its place among the observed joints; None for the torso.
        at: of its joint, in its parent.
        limbs: the middle of each capsule, its angle, and half its length.
        children: bodies that hang on it.
    """

    joint: int | None
    at: tuple[float, float]
    limbs: tuple[tuple[tuple[float, float], float, float], ...]
    children: tuple["_Part", ...] = field(default=())


_BACK = _Part(
    0,
    (-0.5, 0.0),
    (((0.1, -0.13), -3.8, 0.145),),
    (
        _Part(
            1,
            (0.16, -0.25),
            (((-0.14, -0.07), -2.03, 0.15),),
            (_Part(2, (-0.28, -0.14), (((0.03, -0.097), -0.27, 0.094),)),),
        ),
    ),
)
_FRONT = _Part(
    3,
    (0.5, 0.0),
    (((-0.07, -0.12), 0.52, 0.133),),
    (
        _Part(
            4,
            (-0.14, -0.24),
            (((0.065, -0.09), -0.6, 0.106),),
            (_Part(5, (0.13, -0.18), (((0.045, -0.07), -0.6, 0.07),)),),
        ),
    ),
)
_TORSO = _Part(
    None, (0.0, 0.0), (((0.0, 0.0), np.pi / 2, 0.5), ((0.6, 0.1), 0.87, 0.15)), (_BACK, _FRONT)
)


def limbs(observation: np.ndarray) -> np.ndarray:
    """Both ends of the eight limbs: torso, head, and thigh, shin and foot behind and in front.

    Args:
        observation: `(17,)`, as of HalfCheetah-v5; numbers after these are ignored.

    Returns:
        `(8, 2, 2)`: of each limb two points (x, z) in metres, x from the root joint and z from the
        ground.
    """
    height, tilt, joints = observation[0], observation[1], observation[2:8]
    found: list[np.ndarray] = []

    def add(part: _Part, place: np.ndarray, angle: float) -> None:
        place = place + _turned(part.at, angle)
        angle = angle + (float(joints[part.joint]) if part.joint is not None else 0.0)
        for middle, own, half in part.limbs:
            centre = place + _turned(middle, angle)
            along = _turned((0.0, half), angle + own)
            found.append(np.stack([centre - along, centre + along]))
        for child in part.children:
            add(child, place, angle)

    add(_TORSO, np.array([0.0, _HEIGHT + height]), float(tilt))
    return np.stack(found)


def distances(observations: np.ndarray) -> np.ndarray:
    """How far it has come at each step, in metres: its observed velocity, summed up.

    Args:
        observations: `(steps, 17)`.

    Returns:
        `(steps,)`, from 0.
    """
    velocity = np.asarray(observations, float)[:, 8]
    moved = STEP_SECONDS * (velocity[1:] + velocity[:-1]) / 2
    return np.concatenate([[0.0], np.cumsum(moved)])


def half_cheetah_frames(
    episodes: Mapping[str, np.ndarray], *, every: int = 4, width: int = 320
) -> list[Image.Image]:
    """Episodes at the same time, one below the other; each is followed, over marks of metres.

    Args:
        episodes: such as `{"before": observations, "after 1 step": observations}`, each
            `(steps, 17)`; one that is shorter stays at its end.
        every: how many steps there are from one frame to the next.
        width: of a frame, in pixels.
    """
    far = {name: distances(each) for name, each in episodes.items()}
    longest = max(len(each) for each in episodes.values())
    chosen = [*range(0, longest - 1, every), longest - 1]
    return [_frame(episodes, far, step, width) for step in chosen]


def _frame(
    episodes: Mapping[str, np.ndarray], far: Mapping[str, np.ndarray], step: int, width: int
) -> Image.Image:
    scale = width / _METRES
    row = round((_SKY + _GROUND) * scale)
    canvas = sheet(width, row * len(episodes))
    said = []
    for number, (name, colour) in enumerate(zip(episodes, colours(len(episodes)), strict=True)):
        at = min(step, len(episodes[name]) - 1)
        figure, x = limbs(np.asarray(episodes[name], float)[at]), float(far[name][at])
        _draw_row(canvas, figure, x, (colour, number * row, scale))
        said.append(f"{name}: {x:.1f} m")
    picture = finished(canvas)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=12)
    for number, (text, colour) in enumerate(zip(said, colours(len(said)), strict=True)):
        draw.text((5, number * row + 3), text, colour, font)
    return picture


def _draw_row(
    canvas: Image.Image, figure: np.ndarray, x: float, style: tuple[Colour, int, float]
) -> None:
    """One cheetah, in the middle of its row; the canvas has two pixels for each."""
    colour, top, scale = style
    draw = ImageDraw.Draw(canvas)
    radius = scale * _THICK  # on the canvas

    def place(point: np.ndarray) -> tuple[float, float]:
        right, up = (float(each) for each in point)
        return 2 * scale * (right + _METRES / 2), 2 * (top + scale * (_SKY - up))

    left, right = x - _METRES / 2, x + _METRES / 2
    for metre in range(int(np.ceil(left)), int(np.floor(right)) + 1):
        foot = place(np.array([metre - x, 0.0]))
        draw.line([foot, (foot[0], foot[1] + 12)], INK if metre % 5 == 0 else FAINT, width=4)
    draw.line([place(np.array([side, 0.0])) for side in (-_METRES, _METRES)], INK, width=2)
    for one, other in figure:
        draw.line([place(one), place(other)], colour, width=round(2 * radius))
        for end in (place(one), place(other)):
            box = (end[0] - radius, end[1] - radius, end[0] + radius, end[1] + radius)
            draw.ellipse(box, colour)


def _turned(point: tuple[float, float], angle: float) -> np.ndarray:
    """By a rotation about y, which takes z towards x."""
    x, z = point
    return np.array([x * np.cos(angle) + z * np.sin(angle), z * np.cos(angle) - x * np.sin(angle)])
