"""The text figures of docs/results.md: TF-IDF with three classifiers on a run's test episodes.

    tfmeta train text --data-dir FILE --shots 5 --run-dir RUN
    python benchmarks/texts.py RUN [--tasks 600]

The vectors are scikit-learn's TF-IDF of character n-grams (2 to 4, within words), counted on the
training texts, as in the baselines of `tfmeta evaluate`; the classifiers are scikit-learn's nearest
centroid, ridge and logistic regression with their defaults. The run is evaluated on the same
episodes. Prints JSON.
"""

import argparse
import json

import numpy as np


def shares_right(run, num_tasks: int, seed: int = 0) -> dict[str, list[float]]:
    """The share of right answers in each task, of each classifier."""
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.neighbors import NearestCentroid

    from tfmeta.episodes.fixed_episodes import FixedEpisodes
    from tfmeta.training.opening import episode_shape, open_source_of_run

    settings = run.settings
    source = open_source_of_run(run, settings).for_baselines("test")
    fixed = FixedEpisodes(source, episode_shape(settings), "test", num_tasks, seed)
    found = {"nearest mean": [], "ridge": [], "logistic regression": []}
    for batch in fixed.batches(50):
        for support_x, support_y, query_x, query_y in zip(*map(np.asarray, batch), strict=True):
            both = source.prepared.vectors(np.concatenate([support_x, query_x]))
            support, query = both[: len(support_x)], both[len(support_x) :]
            models = (NearestCentroid(), RidgeClassifier(), LogisticRegression(max_iter=1000))
            for shares, model in zip(found.values(), models, strict=True):
                answers = model.fit(support, support_y).predict(query)
                shares.append(float(np.mean(answers == query_y)))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run")
    parser.add_argument("--tasks", type=int, default=600)
    options = parser.parse_args()

    import tfmeta

    tfmeta.configure_runtime()
    from tfmeta.evaluation.evaluator import mean_and_ci95
    from tfmeta.training.run_directory import RunDirectory

    result = tfmeta.evaluate(options.run, tasks=options.tasks, baselines=False)
    rows = {"the run": {"accuracy": result.accuracy, "ci95": result.ci95}}
    for name, shares in shares_right(RunDirectory(options.run), options.tasks).items():
        accuracy, ci95 = mean_and_ci95(np.array(shares))
        rows[f"TF-IDF of character n-grams, {name}"] = {"accuracy": accuracy, "ci95": ci95}
    print(json.dumps({"num_tasks": options.tasks, "seed": 0, "accuracies": rows}, indent=2))


if __name__ == "__main__":
    main()
