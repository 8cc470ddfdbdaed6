"""What `tfmeta learn` gets from windows of sensor data, beside scikit-learn.

    python benchmarks/windows.py DIR [--shots 5] [--draws 3]

Every DIR/*.npz has `x`, `(examples, time, channels)`, and `y`. Each draw learns from some windows
of each class, at most half of what it has, and asks about up to 300 others. Prints the accuracy in
percent: of the exported model, of a random forest on figures of each channel (mean, deviation,
least, greatest and median, of the steps and of their differences), of one on the steps themselves,
and of the nearest neighbour.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

import tfmeta

QUERIES = 300


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--draws", type=int, default=3)
    given = parser.parse_args()
    tfmeta.configure_runtime()
    means = []
    for path in sorted(given.folder.glob("*.npz")):
        with np.load(path) as file:
            x, y = file["x"], file["y"].astype(str)  # as answers are
        rows = [answered(*drawn(x, y, given.shots, seed)) for seed in range(given.draws)]
        means.append({name: np.mean([row[name] for row in rows]) for name in rows[0]})
        print(path.stem, in_words(means[-1]), flush=True)
    print("mean", in_words({name: np.mean([row[name] for row in means]) for name in means[0]}))


def in_words(figures):
    return "  ".join(f"{name} {value:.1f}" for name, value in figures.items())


def drawn(x, y, shots, seed):
    rng, support = np.random.default_rng(seed), []
    for label in np.unique(y):
        of_class = rng.permutation(np.flatnonzero(y == label))
        support += of_class[: max(1, min(shots, len(of_class) // 2))].tolist()
    queries = rng.permutation(np.setdiff1d(np.arange(len(y)), support))[:QUERIES]
    return x[support], y[support], x[queries], y[queries]


def answered(x, y, asked, right):
    forest = RandomForestClassifier(200, random_state=0)
    centre, deviation = x.mean((0, 1)), x.std((0, 1))
    steps, asked_steps = (
        ((each - centre) / np.where(deviation > 0, deviation, 1)).reshape(len(each), -1)
        for each in (x, asked)
    )
    found = {
        "learn": learned(x, y, asked),
        "forest on figures": forest.fit(figures(x), y).predict(figures(asked)),
        "forest on steps": forest.fit(steps, y).predict(asked_steps),
        "nearest neighbour": KNeighborsClassifier(1).fit(steps, y).predict(asked_steps),
    }
    return {name: 100 * np.mean(answers == right) for name, answers in found.items()}


def learned(x, y, asked):
    with tempfile.TemporaryDirectory() as place:
        np.savez(Path(place) / "windows.npz", x=x, label=y)
        np.savez(Path(place) / "asked.npz", x=asked)
        tfmeta.learn(Path(place) / "windows.npz", output=Path(place) / "model")
        answers = tfmeta.predict(Path(place) / "model", Path(place) / "asked.npz")
    return np.array([each.label for each in answers])


def figures(x):
    by = (np.mean, np.std, np.min, np.max, np.median)
    return np.concatenate([each(a, 1) for a in (x, np.diff(x, axis=1)) for each in by], -1)


if __name__ == "__main__":
    main()
