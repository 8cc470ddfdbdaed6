"""The curves of docs/results.md: returns of a training window's tasks after one inner step.

    python benchmarks/policies_curve.py FOLDER docs/cheetah-curve.png

FOLDER is that of `policies.py`, whose runs need not be finished. Any other run in it is drawn too.
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for metrics in sorted(options.folder.glob("*/metrics.jsonl")):
        lines = [json.loads(line) for line in metrics.read_text().splitlines()]
        steps, returns = ([line[key] for line in lines] for key in ("step", "return"))
        axes.plot(steps, returns, label=metrics.parent.name.replace("-", " "))
    axes.set_xlabel("outer step")
    axes.set_ylabel("return after one inner step")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(options.output, dpi=110)


if __name__ == "__main__":
    main()
