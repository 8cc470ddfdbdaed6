"""The accuracy figures of docs/results.md: each learner with its defaults, by the commands alone.

    python benchmarks/figures.py sinusoid [ALGORITHM ...] [--results FILE] [--runs DIR]
    python benchmarks/figures.py omniglot [ALGORITHM ...] [--results FILE] [--runs DIR]

Each algorithm trains (`tfmeta train PIPELINE --algorithm X`, for the sinusoid with `--shots 10`)
and is evaluated on the same 600 test tasks, inductive, seed 0. Omniglot is looked for in
`TFDS_DATA_DIR`. Prints JSON: the figure with its 95% interval, the curve over the inner steps, the
time of the whole training command (start-up and compilation included) by the clock and by the
processor, which other work on the machine changes less. `--results` adds the runs to those of a
file, so that they can be made one at a time.
"""

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

TASKS, SEED = 600, 0
_PROTOCOL = ("pipeline", "split", "num_ways", "num_shots", "num_queries", "num_tasks", "mode")
_PROTOCOL += ("seed", "episodes_sha256")


@dataclass(frozen=True)
class Suite:
    """What is measured on a pipeline.

    Args:
        metric: of `tfmeta evaluate --json`.
        shots: of every task.
        ways: evaluations, one for each number of ways.
        algorithms: with what each is to reach at the first number of ways, where there is such a
            figure; a name stands for what that algorithm reached.
    """

    metric: str
    shots: int
    ways: tuple[int, ...]
    algorithms: dict


SUITES = {
    "sinusoid": Suite(
        "mse",
        10,
        (1,),
        {"maml": 0.36, "meta-sgd": "maml", "reptile": 1.0, "meta-lstm": 1.0, "hypernetwork": 0.01},
    ),
    "omniglot": Suite(
        "accuracy",
        1,
        (5, 20),
        {
            "prototypical": 0.988,
            "matching": 0.98,
            "relation": 0.98,
            "siamese": 0.965,
            "hypernetwork": 0.97,
            "meta-sgd": 0.965,
            "maml": 0.965,
            "reptile": 0.92,
            "meta-lstm": 0.75,
        },
    ),
}


def tfmeta(*arguments) -> str:
    """Runs the command of this Python's tfmeta; its standard output. Progress is shown."""
    call = [sys.executable, "-c", "from tfmeta.cli import main; main()", *arguments]
    return subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True).stdout


def cpu_seconds() -> float:
    """Of all commands that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(pipeline: str, algorithm: str, run_dir: Path, extra: list[str]) -> dict:
    """Trains one learner and evaluates it at each number of ways that it can answer."""
    suite = SUITES[pipeline]
    train = ["train", pipeline, "--algorithm", algorithm, "--shots", str(suite.shots), *extra]
    started, cpu_before = time.monotonic(), cpu_seconds()
    tfmeta(*train, "--run-dir", str(run_dir))
    seconds, cpu = time.monotonic() - started, cpu_seconds() - cpu_before
    report = {
        "train_seconds": round(seconds, 1),
        "train_cpu_seconds": round(cpu, 1),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": round(os.getloadavg()[1], 1),  # of 5 minutes; above `cores`: we waited
        "commands": [shlex.join(["tfmeta", *train])],
        "figures": [],
    }
    for ways in suite.ways:
        evaluate = ["--shots", str(suite.shots), "--tasks", str(TASKS), "--seed", str(SEED)]
        if ways != suite.ways[0]:
            if not takes_any_classes(run_dir):
                continue
            evaluate += ["--ways", str(ways)]
        result = json.loads(tfmeta("evaluate", str(run_dir), *evaluate, "--json"))
        report["outer_steps"] = result["step"]
        report["commands"].append(shlex.join(["tfmeta", "evaluate", "RUN", *evaluate]))
        kept = (suite.metric, "ci95", "adaptation_steps", "adaptation_curve", *_PROTOCOL)
        report["figures"].append({name: result[name] for name in kept})
    return report


def takes_any_classes(run_dir) -> bool:
    import tfmeta as package

    return package.load(run_dir).num_outputs is None


def with_targets(pipeline: str, report: dict) -> dict:
    """The report in the order of the suite, each figure beside what it is to reach."""
    suite, ordered = SUITES[pipeline], {}
    for algorithm in filter(report.get, suite.algorithms):
        target = suite.algorithms[algorithm]
        if isinstance(target, str):
            other = report.get(target)
            target = other and other["figures"][0][suite.metric]
        value = report[algorithm]["figures"][0][suite.metric]
        reached = None
        if target is not None:
            reached = value >= target if suite.metric == "accuracy" else value < target
        ordered[algorithm] = {**report[algorithm], "target": target, "reached": reached}
    return ordered


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pipeline", choices=SUITES)
    parser.add_argument("algorithms", nargs="*", metavar="ALGORITHM", help="[default: every one]")
    parser.add_argument("--runs", type=Path, help="keep the run directories in this folder")
    parser.add_argument("--results", type=Path, help="JSON report to add to")
    options, extra = parser.parse_known_args()  # the rest is for `tfmeta train`
    known = SUITES[options.pipeline].algorithms
    unknown = set(options.algorithms) - set(known)
    if unknown:
        parser.error(f"received {', '.join(unknown)}; expected of: {', '.join(known)}")
    report = {}
    if options.results and options.results.exists():
        report = json.loads(options.results.read_text())
    with tempfile.TemporaryDirectory() as temporary:
        for algorithm in options.algorithms or known:
            run_dir = (options.runs or Path(temporary)) / algorithm
            report[algorithm] = measure(options.pipeline, algorithm, run_dir, extra)
            text = json.dumps(with_targets(options.pipeline, report), indent=2) + "\n"
            if options.results:
                options.results.write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
