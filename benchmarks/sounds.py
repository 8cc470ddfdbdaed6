"""What `tfmeta learn` gets from a folder of sounds, beside scikit-learn on means of MFCCs.

    pip install librosa
    python benchmarks/sounds.py DIR [--shots 5] [--draws 3] [--network NAME]
    python benchmarks/sounds.py DIR --across-groups      of DIR/GROUP/CLASS, such as speakers

Each draw learns from some sounds of each class, at most half of what it has, and asks about up to
`--queries` others. Of DIR/GROUP/CLASS the classes of all groups are one; with `--across-groups` the
sounds of one group are learned, and those of others are asked about. The models of scikit-learn
have means and deviations over time of librosa's 20 MFCCs and of their changes, scaled. Prints the
accuracy in percent of each draw, and the means.
"""

import argparse
import os
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import tfmeta
from tfmeta.reading.sound_files import SOUND_SUFFIXES

SHARED = {}  # what librosa made of a file


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--across-groups", action="store_true")
    parser.add_argument("--network")
    given = parser.parse_args()
    tfmeta.configure_runtime()
    warnings.filterwarnings("ignore", module="librosa")
    files = [
        file for file in sorted(given.folder.rglob("*")) if file.suffix.lower() in SOUND_SUFFIXES
    ]
    rows = []
    for seed in range(given.draws):
        support, queries = drawn(files, given, np.random.default_rng(seed))
        chosen, right, seconds = learned(support, queries, given.network)
        rows.append({"learn": right, **of_scikit_learn(support, queries)})
        figures = "  ".join(f"{name} {value:.1f}" for name, value in rows[-1].items())
        print(
            f"{len(support)} sounds, seed {seed}  {figures}  ({chosen}, {seconds:.0f} s)",
            flush=True,
        )
    means = "  ".join(f"{name} {np.mean([row[name] for row in rows]):.1f}" for name in rows[0])
    print(f"{given.folder.name}, {given.shots} shots, mean  {means}")


def drawn(files, given, rng):
    """The sounds that are learned, and those that are asked about."""
    groups = np.array([file.parent.parent.name for file in files])
    classes = np.array([file.parent.name for file in files])
    learned_from = np.ones(len(files), bool)
    if given.across_groups:
        learned_from = groups == rng.choice(np.unique(groups))
    support = []
    for name in np.unique(classes):
        of_class = rng.permutation(np.flatnonzero((classes == name) & learned_from))
        support += of_class[: max(1, min(given.shots, len(of_class) // 2))].tolist()
    others = ~learned_from if given.across_groups else np.ones(len(files), bool)
    others[support] = False
    queries = rng.permutation(np.flatnonzero(others))[: given.queries]
    return [files[n] for n in support], [files[n] for n in queries]


def learned(support, queries, network):
    """By the model that `tfmeta learn` exports: the network, percent that are right, seconds."""
    with tempfile.TemporaryDirectory() as place:
        for number, file in enumerate(support):
            folder = Path(place) / "data" / file.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}{file.suffix}").symlink_to(file.resolve())
        started = time.monotonic()
        found = tfmeta.learn(Path(place) / "data", network=network, output=Path(place) / "model")
        seconds = time.monotonic() - started
        answers = tfmeta.predict(Path(place) / "model", queries)
    right = [each.label == file.parent.name for each, file in zip(answers, queries, strict=True)]
    return found.network, 100 * np.mean(right), seconds


def of_scikit_learn(support, queries):
    """Percent that are right."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    models = {
        "logistic regression": LogisticRegression(max_iter=1000),
        "random forest": RandomForestClassifier(300, random_state=0),
    }
    x, asked = (np.array([figures(file) for file in each]) for each in (support, queries))
    y, right = (np.array([file.parent.name for file in each]) for each in (support, queries))
    made = {name: make_pipeline(StandardScaler(), model) for name, model in models.items()}
    return {
        name: 100 * np.mean(each.fit(x, y).predict(asked) == right) for name, each in made.items()
    }


def figures(file):
    """`(80,)`: means and deviations over time of the MFCCs and of their changes."""
    if file not in SHARED:
        import librosa

        samples, rate = librosa.load(file, sr=None)
        mfcc = librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=20)
        both = np.concatenate([mfcc, librosa.feature.delta(mfcc, mode="nearest")])
        SHARED[file] = np.concatenate([both.mean(1), both.std(1)])
    return SHARED[file]


if __name__ == "__main__":
    main()
