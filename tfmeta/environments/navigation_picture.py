"""Pictures of point navigation: where the point went in the plane, and where its goal is."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from tfmeta.environments.drawing import FAINT, INK, PAPER, colours, finished, legend, sheet

_EXTENT = 0.65  # metres from the origin to an edge, at least; goals are up to 0.5
_REACHED = 0.01  # from the goal, where an episode ends
_DOT = 4  # pixels

Point = tuple[float, float]


def paths_picture(
    paths: Mapping[str, Sequence[np.ndarray]], goal: np.ndarray, *, side: int = 320
) -> Image.Image:
    """The paths before and after inner steps, a colour for each.

    Args:
        paths: such as `{"before": trajectories, "after 1 step": trajectories}`, each trajectory
            the positions `(steps, 2)` of its own number of steps; columns after the second are
            ignored.
        goal: `(2,)`.
        side: of the picture, in pixels.

    Returns:
        A picture in colours, `side` wide and high.
    """
    plane = _Plane([path for each in paths.values() for path in each], goal, side)
    for colour, each in zip(colours(len(paths)), paths.values(), strict=True):
        for path in each:
            plane.line(path, colour)
    return plane.done(list(paths))


def navigation_frames(
    paths: Mapping[str, np.ndarray], goal: np.ndarray, *, every: int = 2, side: int = 240
) -> list[Image.Image]:
    """One path for each name, as it grows; one that has ended stays.

    Args:
        paths: such as `{"before": positions, "after 1 step": positions}`, each `(steps, 2)`.
        goal: `(2,)`.
        every: how many steps there are from one frame to the next.
        side: of a frame, in pixels.
    """
    longest = max(len(path) for path in paths.values())
    frames = []
    for end in [*range(1, longest, every), longest]:
        plane = _Plane(list(paths.values()), goal, side)
        for colour, path in zip(colours(len(paths)), paths.values(), strict=True):
            plane.line(path[:end], colour)
            plane.dot(path[:end][-1], colour)
        frames.append(plane.done(list(paths)))
    return frames


class _Plane:
    """A square of the plane around the origin."""

    def __init__(self, paths: Sequence[np.ndarray], goal: np.ndarray, side: int):
        self._side, self._goal = side, np.asarray(goal, float)[:2]
        farthest = [np.abs(np.asarray(path)[:, :2]).max(initial=0.0) for path in paths]
        self._extent = max(_EXTENT, 1.1 * max([*farthest, float(np.abs(self._goal).max())]))
        self._canvas = sheet(side, side)
        self._draw = ImageDraw.Draw(self._canvas)
        for tick in np.arange(-np.floor(2 * self._extent), np.floor(2 * self._extent) + 1) / 2:
            ends = [(tick, -self._extent), (tick, self._extent)]
            self._segment(ends, FAINT)
            self._segment([end[::-1] for end in ends], FAINT)

    def line(self, path: np.ndarray, colour: tuple[int, int, int]) -> None:
        points = [self._at(point) for point in np.asarray(path)[:, :2]]
        if len(points) > 1:
            self._draw.line(points, colour, width=3, joint="curve")

    def dot(self, point: np.ndarray, colour: tuple[int, int, int]) -> None:
        x, y = self._at(point)
        self._draw.ellipse((x - 2 * _DOT, y - 2 * _DOT, x + 2 * _DOT, y + 2 * _DOT), colour)

    def done(self, names: Sequence[str]) -> Image.Image:
        x, y = self._at(self._goal)
        reached = max(3 * _DOT, _REACHED * self._side / self._extent)
        box = (x - reached, y - reached, x + reached, y + reached)
        self._draw.ellipse(box, PAPER, INK, width=3)
        self._draw.ellipse((x - 2, y - 2, x + 2, y + 2), INK)
        return legend(finished(self._canvas), names)

    def _segment(self, ends: Sequence[Point], colour: tuple[int, int, int]) -> None:
        self._draw.line([self._at(np.array(end)) for end in ends], colour, width=2)

    def _at(self, point: np.ndarray) -> Point:
        """On the canvas, which has two pixels for each of the picture."""
        x, y = (float(each) / self._extent for each in point[:2])
        return self._side * (1 + x), self._side * (1 - y)
