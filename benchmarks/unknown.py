"""How well `unknown` tells examples of other classes, beside the distance to the nearest example.

    python benchmarks/unknown.py                             scikit-learn's digits
    python benchmarks/unknown.py features.npz --ways 10      x (examples, features) and y

Each trial draws classes, of which as many are not learned (at least 4), learns the others from a
few examples each as `tfmeta learn` does, and asks about 15 further examples of each class. Reports
the mean AUROC over the trials: of one minus the confidence, of `unknown`, and of the distance to
the nearest example that was learned, which needs no model.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from tfmeta.confidence import Confidence
from tfmeta.evaluation.held_out import best_head
from tfmeta.evaluation.left_out import left_out_logits
from tfmeta.networks.mlp import mlp
from tfmeta.networks.table_features import TableNetworks

QUERIES = 15  # per class


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("features", nargs="?", help="NPZ of x and y")
    parser.add_argument("--ways", type=int, default=5)
    parser.add_argument("--shots", type=int, default=6)
    parser.add_argument("--trials", type=int, default=8)
    given = parser.parse_args()
    x, y = digits() if given.features is None else arrays(given.features)
    rng = np.random.default_rng(0)
    scores = [trial(x, y, given.ways, given.shots, rng) for _ in range(given.trials)]
    for name in scores[0]:
        values = [score[name] for score in scores]
        print(f"{name:26} {np.mean(values):.3f} +- {np.std(values) / len(values) ** 0.5:.3f}")


def digits():
    """The columns and the likeness of rows, as `learn` gives them to the heads of a table."""
    x, y = load_digits(return_X_y=True)
    deviation = x.std(0)
    x = np.float32((x - x.mean(0)) / np.where(deviation > 0, deviation, 1))
    network = TableNetworks(mlp(x.shape[1:], None, units=()), x).alike()
    return unit(np.float64(network(x))), y


def arrays(path):
    with np.load(path) as file:
        return unit(file["x"].astype(np.float64)), file["y"]


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def trial(x, y, ways, shots, rng):
    """`{name: AUROC}` of one draw of classes and examples."""
    support, known, other = [], [], []
    for number, label in enumerate(rng.permutation(np.unique(y))[: max(2 * ways, ways + 4)]):
        rows = rng.permutation(np.flatnonzero(y == label))
        if number < ways:
            support.append(rows[:shots])
            known.append(rows[shots : shots + QUERIES])
        else:
            other.append(rows[:QUERIES])
    labels = np.repeat(np.arange(ways), shots)
    support, query = x[np.concatenate(support)], x[np.concatenate([*known, *other])]
    is_other = np.arange(len(query)) >= len(np.concatenate(known))
    found = best_head(support, labels)
    both, rows = (
        np.concatenate([support, query]),
        np.arange(len(support), len(support) + len(query)),
    )
    every = np.concatenate([labels, np.zeros(len(query), int)])
    head = found.head
    (logits,) = left_out_logits(head.algorithm, both, every, [rows], **head.options)
    distance = 2 - 2 * np.maximum((query @ support.T).max(-1), 0)
    doubt = Confidence(found.confidence.temperature).unknown(logits)
    unknown = found.confidence.unknown(logits, distance=distance)
    each = {"one minus the confidence": doubt, "unknown": unknown, "nearest distance": distance}
    return {name: roc_auc_score(is_other, np.asarray(value)) for name, value in each.items()}


if __name__ == "__main__":
    main()
