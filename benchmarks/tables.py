"""What `tfmeta learn` gets from a table, beside scikit-learn's usual models of the same rows.

    python benchmarks/tables.py                      scikit-learn's wines, digits, ... and diabetes
    python benchmarks/tables.py DIR --rows 100       every DIR/*.npz of x and y

Each draw learns from some rows (`--shots` of each class, at most half of what it has; or `--rows`
of a table whose `y` has fractions or is float) and asks about up to 600 others. Reports the mean
over the draws: accuracy in percent, or the root mean squared error in units of the deviation.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from functools import partial
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC, SVR

from tfmeta.evaluation.held_out import best_head
from tfmeta.evaluation.leave_one_out_values import best_strength
from tfmeta.evaluation.left_out import left_out_logits
from tfmeta.networks.in_parts import FittedFeatures, computed
from tfmeta.networks.mlp import mlp
from tfmeta.networks.table_features import TableNetworks

QUERIES = 600
CLASSES = {
    "logistic regression": lambda: LogisticRegression(max_iter=1000),
    "nearest neighbour": lambda: KNeighborsClassifier(1),
    "support vectors": SVC,
    "random forest": lambda: RandomForestClassifier(200, random_state=0),
}
VALUES = {
    "ridge regression": lambda: RidgeCV(np.logspace(-2, 3, 11)),
    "5 neighbours": KNeighborsRegressor,
    "support vectors": SVR,
    "random forest": lambda: RandomForestRegressor(200, random_state=0),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--shots", type=int, default=20)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--draws", type=int, default=5)
    given = parser.parse_args()
    tables = of_folder(given.folder) if given.folder else of_scikit_learn()
    means = {True: [], False: []}
    for name, x, y in tables:
        is_values = y.dtype.kind == "f"
        draw = values if is_values else classes
        size = given.rows if is_values else given.shots
        found = [draw(x, y, size, np.random.default_rng(seed)) for seed in range(given.draws)]
        mean = {each: np.mean([draw[each] for draw in found]) for each in found[0]}
        means[is_values].append(mean)
        print(name, "  ".join(f"{each} {value:.3f}" for each, value in mean.items()), flush=True)
    for is_values, found in means.items():
        if found:
            print(f"\nmean of {len(found)} tables of {'values' if is_values else 'classes'}")
            for each in found[0]:
                every = np.array([mean[each] for mean in found])
                ours = np.array([mean["learn"] for mean in found])
                ahead = np.mean(ours < every if is_values else ours > every)
                print(f"  {each:20} {every.mean():.3f}  learn is ahead on {100 * ahead:.0f}%")


def of_scikit_learn():
    for name in ("iris", "wine", "breast_cancer", "digits"):
        yield name, *getattr(datasets, f"load_{name}")(return_X_y=True)
    yield "diabetes", *datasets.load_diabetes(return_X_y=True)


def of_folder(folder):
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            yield path.stem, file["x"], file["y"]


def scaled(support, query):
    """Both in units of the support's deviations; 0 in columns that are constant in it."""
    centre, deviation = support.mean(0), support.std(0)
    varying = np.ptp(support, 0) > 0
    support, query = (np.where(varying, x, centre) for x in (support, query))
    deviation = np.where(varying, deviation, 1)
    return [(x - centre) / deviation for x in (support, query)]


def as_learn(network, support, query):
    return [network(np.float32(x)).numpy() for x in (support, query)]


def columns_of(support):
    return mlp(support.shape[1:], None, units=())


def classes(x, y, shots, rng):
    rows = [rng.permutation(np.flatnonzero(y == label)) for label in np.unique(y)]
    cuts = [max(1, min(shots, len(each) // 2)) for each in rows]
    labels = np.repeat(np.arange(len(rows)), cuts)
    support = np.concatenate([each[:cut] for each, cut in zip(rows, cuts, strict=True)])
    query = rng.permutation(np.setdiff1d(np.arange(len(y)), support))[:QUERIES]
    right = np.searchsorted(np.unique(y), y[query])
    support, query = scaled(x[support], x[query])
    support, query = np.float32(support), np.float32(query)
    made = TableNetworks(columns_of(support), support)
    fitted = FittedFeatures(partial(made.telling_apart, labels), support)
    networks = fitted.network(), made.plain()
    alike = best_head(fitted, labels)
    alone = best_head(computed(networks[1], support), labels)
    found = [
        head_answers(each.head, *as_learn(network, support, query), labels)
        for each, network in zip((alike, alone), networks, strict=True)
    ]
    answers = {"learn": found[1 if alone.is_surely_better_than(alike) else 0]}
    answers["columns alone"] = found[1]
    answers |= {name: make().fit(support, labels).predict(query) for name, make in CLASSES.items()}
    return {name: 100 * np.mean(each == right) for name, each in answers.items()}


def head_answers(head, support, query, labels):
    both = np.float64(np.concatenate([support, query]))
    every = np.concatenate([labels, np.zeros(len(query), int)])
    left = [np.arange(len(support), len(both))]
    return left_out_logits(head.algorithm, both, every, left, **head.options)[0].argmax(-1)


def values(x, y, number, rng):
    order = rng.permutation(len(y))
    number = min(number, int(0.7 * len(y)))
    support, query = order[:number], order[number:][:QUERIES]
    centre, deviation = y[support].mean(), y[support].std() or 1
    targets, right = ((y[rows] - centre) / deviation for rows in (support, query))
    support, query = scaled(x[support], x[query])
    support, query, outputs = np.float32(support), np.float32(query), targets[:, np.newaxis]
    columns = columns_of(support)
    fitted = FittedFeatures(partial(TableNetworks(columns, support).of_values, outputs), support)
    alone = best_strength(computed(columns, support), outputs)
    both = best_strength(fitted, outputs)
    found = [
        regressed(*as_learn(network, support, query), targets, each.strength)
        for network, each in ((columns, alone), (fitted.network(), both))
    ]
    is_alone = alone.are_exact or both.is_surely_worse_than(alone)
    answers = {"learn": found[0 if is_alone else 1]}
    answers["columns alone"] = found[0]
    answers |= {name: make().fit(support, targets).predict(query) for name, make in VALUES.items()}
    return {name: np.sqrt(np.mean((each - right) ** 2)) for name, each in answers.items()}


def regressed(support, query, targets, strength):
    support, query = (np.c_[np.float64(each), np.ones(len(each))] for each in (support, query))
    kernel = support @ support.T + strength * np.eye(len(support))
    return query @ support.T @ np.linalg.solve(kernel, targets)


if __name__ == "__main__":
    main()
