"""The picture of docs/guide/policies.md: paths of the policy before and after one gradient step.

    python benchmarks/policies_picture.py RUN docs/policies.png

RUN is a run on gym:point-navigation, such as FOLDER/maml of `policies.py`. For each of four goals
that were not trained on, the policy tries 20 times, takes its step, and goes three times more.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import tfmeta
from tfmeta.control import Policy
from tfmeta.environments.environments import Environments
from tfmeta.environments.pictures import paths_picture

GOALS = np.float32([[0.4, 0.3], [-0.35, 0.4], [-0.45, -0.2], [0.1, -0.45]])
TRAJECTORIES, SHOWN = 20, 3


def paths(policy: Policy, world: Environments, goal: np.ndarray, number: int) -> list[np.ndarray]:
    """The places of so many trajectories, and what the policy then remembers of them."""
    found = []
    for seed in range(number):
        place, ended, places = world.reset(np.array([seed]), goal[np.newaxis]), False, []
        while not ended:
            places.append(place[0])
            place, reward, (ended,) = world.step(policy.act(place[0])[np.newaxis])
            policy.reward(float(reward[0]), ended=bool(ended))
        found.append(np.stack([*places, place[0]]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    tfmeta.configure_runtime()
    policy, world = Policy(options.run), Environments("point-navigation")
    pictures = []
    for goal in GOALS:
        policy.forget()
        before = paths(policy, world, goal, TRAJECTORIES)
        policy.adapt()
        after = paths(policy, world, goal, SHOWN)
        named = {"before": before[:SHOWN], "after 1 step": after}
        pictures.append(paths_picture(named, goal))
    widths = [picture.width for picture in pictures]
    whole = Image.new("RGB", (sum(widths), pictures[0].height), "white")
    for number, picture in enumerate(pictures):
        whole.paste(picture, (sum(widths[:number]), 0))
    whole.save(options.output)


if __name__ == "__main__":
    main()
