"""What scikit-learn gets on the test episodes of a run, of texts or of rows of numbers.

    tfmeta train text --data-dir FILE --shots 5 --run-dir RUN
    tfmeta train arrays --data-dir FILE --shots 5 --run-dir RUN
    python benchmarks/texts.py RUN [--tasks 600] [--shots 1]

The vectors are those of the baselines of `tfmeta evaluate`: TF-IDF of character n-grams (2 to 4,
within words), counted on the training texts, or columns that the training rows scale. The
classifiers have scikit-learn's defaults. The run is evaluated on the same episodes. Prints JSON.
"""

import argparse
import json

import numpy as np


def shares_right(run, num_tasks: int, shots: int | None, seed: int = 0) -> dict[str, list[float]]:
    """The share of right answers in each task, of each classifier."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.neighbors import NearestCentroid

    from tfmeta.episodes.fixed_episodes import FixedEpisodes
    from tfmeta.training.opening import open_source_of_run
    from tfmeta.training.shapes import episode_shape

    settings = run.settings
    shape = episode_shape(settings)
    shape = shape.changed(num_shots=shots) if shots else shape
    source = open_source_of_run(run, settings).for_baselines("test")
    models = {
        "nearest mean": NearestCentroid(),
        "ridge": RidgeClassifier(),
        "logistic regression": LogisticRegression(max_iter=1000),
        "random forest": RandomForestClassifier(random_state=0),
    }
    found: dict[str, list[float]] = {name: [] for name in models}
    for batch in FixedEpisodes(source, shape, "test", num_tasks, seed).batches(50):
        for support_x, support_y, query_x, query_y in zip(*map(np.asarray, batch), strict=True):
            both = source.prepared.vectors(np.concatenate([support_x, query_x]))
            support, query = both[: len(support_x)], both[len(support_x) :]
            for name, model in models.items():
                answers = model.fit(support, support_y).predict(query)
                found[name].append(float(np.mean(answers == query_y)))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run")
    parser.add_argument("--tasks", type=int, default=600)
    parser.add_argument("--shots", type=int)
    options = parser.parse_args()

    import tfmeta

    tfmeta.configure_runtime()
    from tfmeta.evaluation.evaluator import mean_and_ci95
    from tfmeta.training.run_directory import RunDirectory

    chosen = {"shots": options.shots} if options.shots else {}
    result = tfmeta.evaluate(options.run, tasks=options.tasks, baselines=False, **chosen)
    rows = {"the run": {"accuracy": result.accuracy, "ci95": result.ci95}}
    found = shares_right(RunDirectory(options.run), options.tasks, options.shots)
    for name, shares in found.items():
        accuracy, ci95 = mean_and_ci95(np.array(shares))
        rows[name] = {"accuracy": accuracy, "ci95": ci95}
    print(json.dumps({"num_tasks": options.tasks, "seed": 0, "accuracies": rows}, indent=2))


if __name__ == "__main__":
    main()
