"""The picture of docs/guide/robots.md: the cheetah with a model before and after adaptation.

    python benchmarks/half_cheetah_picture.py poses FOLDER poses.npz
    MUJOCO_GL=egl python benchmarks/half_cheetah_picture.py draw poses.npz docs/robots.png

The first command needs the folder of `half_cheetah.py`, the second a renderer of MuJoCo's (egl,
osmesa or glfw). They are two, because EGL and TensorFlow in one process may crash it.
"""

import argparse
from pathlib import Path
from typing import Any

import half_cheetah_data as cheetah
import numpy as np

SHOWN = (0, 40, 80, 120, 160, 199)  # steps
SEED = 0
COLOURS = {"before": "tab:gray", "after": "tab:blue"}


def save_poses(folder: Path, output: Path) -> None:
    """Saves the joints' positions at each step of one episode with each model."""
    import half_cheetah as benchmark

    import tfmeta
    from tfmeta.control import ServedDynamics

    models = {
        "before": benchmark.Unadapted(tfmeta.load(folder / "run")),
        "after": ServedDynamics(folder / "exported"),
    }
    found: dict[str, Any] = {}
    for name, model in models.items():
        poses: list[Any] = []
        controller = benchmark.controller_of(model)
        benchmark.episode_return(controller, benchmark.TEST, SEED, poses.append)
        found[name] = np.stack(poses)
    np.savez(output, **found)


def draw(poses: Path, output: Path) -> None:
    """Draws the cheetah at some steps, and where it is at each."""
    import matplotlib.pyplot as plt

    env = cheetah.environment(render_mode="rgb_array")
    env.reset(seed=SEED)
    found = dict(np.load(poses))
    figure = plt.figure(figsize=(10, 5.4), layout="constrained")
    grid = figure.add_gridspec(3, len(SHOWN), height_ratios=(1, 1, 1.2))
    for row, name in enumerate(COLOURS):
        for column, step in enumerate(SHOWN):
            pose = found[name][step]
            here = np.array([0.0, *pose[1:]])  # where the camera looks
            env.unwrapped.set_state(here, np.zeros_like(here))
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(env.render()[120:400])
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(f"step {step}: {pose[0]:.1f} m", fontsize=8)
            if not column:
                axes.set_ylabel(f"{name}\nadaptation", fontsize=9)
    axes = figure.add_subplot(grid[2, :])
    for name, colour in COLOURS.items():
        axes.plot(found[name][:, 0], color=colour, label=f"{name} adaptation")
    axes.set_xlabel("step")
    axes.set_ylabel("forward, in metres")
    axes.legend()
    figure.savefig(output, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("poses", "draw"))
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    {"poses": save_poses, "draw": draw}[options.what](options.source, options.output)


if __name__ == "__main__":
    main()
