"""Structure search beside random search and conv4, all with one learner and one training.

    python benchmarks/structure_search.py omniglot|cifar-fs [--data-dir DIR] [--seeds 0 1 2]
        [--steps 300] [--tasks 300] [--results FILE] [--runs DIR]

For each seed: `search_cells` is trained by `prototypical`, and derived at conv4's number of
parameters. Random search draws structures from the same space, trains each for a fifth of the
steps, and keeps the best on 50 validation tasks; it draws another one until it has used the
processor time of the search. Then the found structure, the drawn one and conv4 are each trained
from new weights for all of the steps, and tested on the same tasks. Prints JSON; a run that is
there already is not trained again. `--table` prints the rows of `docs/results.md`.
"""

import argparse
import functools
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import stats

LEARNER = {
    "algorithm": "prototypical",
    "ways": 5,
    "shots": 1,
    "train_ways": 20,
    "train_queries": 2,
    "meta_batch": 1,
}
CANDIDATE_SHARE, VALIDATION_TASKS = 5, 50
KINDS = ("found", "random", "conv4")
PAIRS = (("found", "conv4"), ("found", "random"), ("random", "conv4"))


@functools.cache
def _source(pipeline: str, data_dir: str | None):
    from tfmeta.pipelines import build

    return build(pipeline, data_dir=data_dir)


def omniglot(*, data_dir: str | None = None):
    """The pipeline of that name, opened once: its images take twenty seconds to decode."""
    return _source("omniglot", data_dir)


def cifar_fs(*, data_dir: str | None = None):
    """As `omniglot`."""
    return _source("cifar-fs", data_dir)


class Search:
    """The runs of one seed on one pipeline.

    Args:
        pipeline: settings that name it and its data.
        seed: of everything.
        steps: of a whole training.
        folder: of the runs.
    """

    def __init__(self, pipeline: dict, seed: int, steps: int, folder: Path):
        self._pipeline, self._seed, self._steps = pipeline, seed, steps
        self._folder = folder / f"seed{seed}"
        self._folder.mkdir(parents=True, exist_ok=True)

    def result(self, tasks: int) -> dict:
        """What was found, what it cost, and how it does on the test tasks."""
        import tfmeta

        searched = self._train("search", "search_cells", self._steps)
        best, candidates = self._random(searched["processor_seconds"])
        networks = {
            "found": self._derived("found"),
            "random": self._derived("best", random=best),
            "conv4": {"network": "conv4"},
        }
        trained = {
            kind: self._train(f"run-{kind}", networks[kind]["network"], self._steps)
            for kind in KINDS
        }
        folders = [self._folder / f"run-{kind}" for kind in KINDS]
        compared = tfmeta.compare(folders, tasks=tasks, baselines=False, trust=True)
        return {
            "seed": self._seed,
            "search": searched,
            "random_search": {
                "candidates": candidates,
                "processor_seconds": sum(each["processor_seconds"] for each in candidates),
            },
            "networks": {
                kind: {**networks[kind], **trained[kind], **_scores(scored)}
                for kind, scored in zip(KINDS, compared["runs"], strict=True)
            },
            "differences": [
                {**each, "of": _kind(each["of"]), "than": _kind(each["than"])}
                for each in compared["differences"]
            ],
        }

    def _random(self, seconds: float) -> tuple[int, list[dict]]:
        """The seed of the best structure of those drawn for so long, and all of them."""
        found: list[dict] = []
        while sum(each["processor_seconds"] for each in found) < seconds:
            number = 1000 * self._seed + len(found)
            derived = self._derived(f"draw{number}", random=number)
            options = {"validation_tasks": VALIDATION_TASKS}
            steps = self._steps // CANDIDATE_SHARE
            run = self._train(f"candidate{number}", derived["network"], steps, **options)
            found.append({"random": number, "structure": derived["structure"], **run})
        best = max(found, key=lambda each: each["validation_accuracy"])
        return best["random"], found

    def _derived(self, name: str, random: int | None = None) -> dict:
        import tfmeta

        place = self._folder / f"{name}.keras"
        output = None if place.exists() else place
        searched, options = self._folder / "search", {"seed": self._seed, "trust": True}
        made = tfmeta.derive(searched, output=output, random=random, **options)
        return {**made.facts["cost"], "network": str(place), "structure": made.facts["structure"]}

    def _train(self, name: str, network: str, steps: int, **options) -> dict:
        """Trains unless it was trained: the last line of metrics, and the processor's time."""
        import keras

        import tfmeta

        folder = self._folder / name
        times = self._folder / f"{name}.seconds"
        if not times.exists():
            keras.backend.clear_session()
            settings = {"validation_tasks": 0, **LEARNER, **self._pipeline, **options}
            started = time.process_time()
            tfmeta.train(run_dir=folder, network=network, steps=steps, seed=self._seed, **settings)
            times.write_text(str(time.process_time() - started))
        line = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
        kept = {k: v for k, v in line.items() if k in ("loss", "validation_accuracy")}
        return {"steps": steps, "processor_seconds": float(times.read_text()), **kept}


def _kind(run: str) -> str:
    return Path(run).name.removeprefix("run-")


def _scores(scored: dict) -> dict:
    return {name: scored[name] for name in ("accuracy", "ci95", "episodes_sha256")}


def over_seeds(rows: list[dict]) -> dict:
    """Means over the seeds, with 95% intervals of Student's t over the seeds alone."""

    def summary(values: list[float]) -> dict:
        number = len(values)
        found = {"mean": float(np.mean(values)), "ci95": None, "seeds": number}
        if number > 1:  # one seed says nothing of others
            spread = np.std(values, ddof=1) / number**0.5
            found["ci95"] = float(stats.t.ppf(0.975, number - 1) * spread)
        return found

    scores = {kind: [row["networks"][kind]["accuracy"] for row in rows] for kind in KINDS}
    return {
        **{kind: summary(values) for kind, values in scores.items()},
        **{
            f"{of} minus {than}": summary(
                [a - b for a, b in zip(scores[of], scores[than], strict=True)]
            )
            for of, than in PAIRS
        },
    }


def table(found: dict) -> str:
    """The rows of docs/results.md, in Markdown."""
    rows, over = found["seeds"], found["over_seeds"]
    heads = ["network", *(f"seed {row['seed']}" for row in rows), "mean of the seeds"]
    lines = [
        f"| {' | '.join([*heads, 'seconds of training'])} |",
        f"|{' --- |' * (len(heads) + 1)}",
    ]
    for kind in KINDS:
        each = [row["networks"][kind] for row in rows]
        scores = [_percent(one["accuracy"], one["ci95"]) for one in each]
        seconds = ", ".join(f"{one['processor_seconds']:.0f}" for one in each)
        mean = _percent(over[kind]["mean"], over[kind]["ci95"])
        lines.append(f"| {' | '.join([kind, *scores, mean, seconds])} |")
    for pair in PAIRS:
        of, than = pair
        paired = [
            _percent(one["difference"], one["ci95"])
            for row in rows
            for one in _differences(row, of, than)
        ]
        mean = over[f"{of} minus {than}"]
        cells = [f"{of} minus {than}", *paired, _percent(mean["mean"], mean["ci95"]), ""]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _differences(row: dict, of: str, than: str) -> list[dict]:
    """The paired difference of a seed, turned round where it stands the other way."""
    found = []
    for each in row["differences"]:
        sign = {(of, than): 1, (than, of): -1}.get((each["of"], each["than"]))
        if sign:
            found.append({"difference": sign * each["difference"], "ci95": each["difference_ci95"]})
    return found


def _percent(mean: float, ci95: float | None) -> str:
    interval = "" if ci95 is None else f" +- {100 * ci95:.1f}"
    return f"{100 * mean:.1f}{interval}%"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipeline", choices=("omniglot", "cifar-fs"))
    parser.add_argument("--data-dir")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--runs", type=Path, default=None)
    parser.add_argument("--table", action="store_true", help="print what RESULTS has, in Markdown")
    options = parser.parse_args()
    if options.table:
        print(table(json.loads(options.results.read_text())[options.pipeline]))
        return
    runs = options.runs or Path(tempfile.mkdtemp(prefix="structure-search-"))

    import tfmeta

    tfmeta.configure_runtime()
    pipeline = {"pipeline": f"structure_search:{options.pipeline.replace('-', '_')}"}
    if options.data_dir:
        pipeline["data_dir"] = options.data_dir
    rows = []
    for seed in options.seeds:
        folder = runs / options.pipeline
        rows.append(Search(pipeline, seed, options.steps, folder).result(options.tasks))
        protocol = {**LEARNER, "steps": options.steps, "test_tasks": options.tasks}
        found = {"protocol": protocol, "over_seeds": over_seeds(rows), "seeds": rows}
        if options.results:
            known = json.loads(options.results.read_text()) if options.results.exists() else {}
            text = json.dumps({**known, options.pipeline: found}, indent=1)
            options.results.write_text(text + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
