"""The picture of docs/guide/robots.md: the cheetah with a model before and after adaptation.

    MUJOCO_GL=egl python benchmarks/half_cheetah_picture.py --folder FOLDER docs/robots.png

Needs the folder of `half_cheetah.py`, and a renderer of MuJoCo's (egl, osmesa or glfw).
"""

import argparse
from pathlib import Path
from typing import Any

import half_cheetah as benchmark
import matplotlib.pyplot as plt

import tfmeta
from tfmeta.control import Dynamics, ServedDynamics

SHOWN = (0, 40, 80, 120, 160, 199)  # steps
SEED = 0


class Film:
    """The frames that are shown, and where the cheetah is at each step."""

    def __init__(self) -> None:
        self.frames: list[Any] = []
        self.places: list[float] = []

    def __call__(self, env: Any) -> None:
        if len(self.places) in SHOWN:
            self.frames.append(env.render())
        self.places.append(float(env.unwrapped.data.qpos[0]))


def filmed(model: Dynamics) -> Film:
    film = Film()
    controller = benchmark.controller_of(model)
    benchmark.episode_return(controller, benchmark.TEST, SEED, film)
    return film


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    films = {
        "before": filmed(benchmark.Unadapted(tfmeta.load(options.folder / "run"))),
        "after": filmed(ServedDynamics(options.folder / "exported")),
    }
    figure = plt.figure(figsize=(10, 5.4), layout="constrained")
    grid = figure.add_gridspec(3, len(SHOWN), height_ratios=(1, 1, 1.2))
    for row, (name, film) in enumerate(films.items()):
        for column, (step, frame) in enumerate(zip(SHOWN, film.frames, strict=True)):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(frame[120:400])
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(f"step {step}: {film.places[step]:.1f} m", fontsize=8)
            if not column:
                axes.set_ylabel(f"{name}\nadaptation", fontsize=9)
    axes = figure.add_subplot(grid[2, :])
    for (name, film), colour in zip(films.items(), ("tab:gray", "tab:blue"), strict=True):
        axes.plot(film.places, color=colour, label=f"{name} adaptation")
    axes.set_xlabel("step")
    axes.set_ylabel("forward, in metres")
    axes.legend()
    figure.savefig(options.output, dpi=90)


if __name__ == "__main__":
    main()
