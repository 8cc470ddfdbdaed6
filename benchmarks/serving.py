"""An exported learner under load: TensorFlow's C++ loader beside eager Python and torch.

    python benchmarks/serving.py [--run RUN --export EXPORT] [--output FILE]
    python benchmarks/serving.py --memory [--requests 10000]

The work: 28x28x1 images, conv4 (64 filters, strides), 5-way 1-shot, 15 queries, MAML's test steps;
without --run a learner is trained for 20 steps, for its speed and not its answers. Every side is
tried with each of its settings in a process of its own, since the loader switches XLA off and
threads are set once a process; all take turns, and the best of each side is compared. The answers
of all are checked to be the same. `--memory`: does the served model's process grow?
"""

import argparse
import functools
import itertools
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from serving_sides import WAYS, WEIGHTS, Eager, Served, Torch

from tfmeta.exporting.verifying.verification import newest_version

SHOTS, QUERIES, SEED = 1, 15, 0
TASKS, OPERATIONS = (1, 16), ("adapt_and_predict", "predict")
TOLERANCE = 1e-4
CORES = len(os.sched_getaffinity(0))
CLOCK = time.perf_counter


def request(num_tasks: int) -> dict:
    rng = np.random.default_rng(SEED)
    return {
        "support_x": rng.random((num_tasks, WAYS * SHOTS, 28, 28, 1), np.float32),
        "support_y": np.tile(np.repeat(np.arange(WAYS, dtype=np.int32), SHOTS), (num_tasks, 1)),
        "query_x": rng.random((num_tasks, QUERIES, 28, 28, 1), np.float32),
    }


# One side in its process


class Side:
    """A process of its own with one of the above in it."""

    def __init__(self, name, setting, kind, *arguments):
        self.name, self.setting = name, setting
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, context, initializer=_start, initargs=(kind, arguments))

    def ask(self, function, *arguments):
        return self._pool.submit(function, *arguments).result()


def _start(kind, arguments):
    global subject
    subject = kind(*arguments)


def _facts():
    return subject.facts()


@functools.cache
def _question(operation, num_tasks):
    """The operation on a request, as a function without arguments."""
    inputs = request(num_tasks)
    if operation == "adapt_and_predict":
        return lambda: subject.adapt_and_predict(**inputs)
    state = subject.adapt(**inputs)
    return lambda: subject.predict(state, inputs["query_x"])


def _answer(operation, num_tasks):
    return _question(operation, num_tasks)()


def _measure(operation, num_tasks, clients, seconds):
    """Latencies in milliseconds of clients that ask again once answered; requests a second."""
    ask, ready = _question(operation, num_tasks), threading.Barrier(clients)

    def client(_):
        ask()  # a thread's first is slow
        ready.wait()
        latencies, started = [], CLOCK()
        while len(latencies) < 2 or CLOCK() < started + seconds:
            asked = CLOCK()
            ask()
            latencies.append(1e3 * (CLOCK() - asked))
        return latencies, len(latencies) / (CLOCK() - started)

    with ThreadPoolExecutor(clients) as pool:
        latencies, rates = zip(*pool.map(client, range(clients)), strict=True)
    return [each for some in latencies for each in some], sum(rates)


def resident_megabytes() -> float:
    """What this process holds in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _growth(num_requests):
    """Megabytes held after a warm-up of a tenth as many requests, and after them all."""
    ask, held = _question("adapt_and_predict", 1), []
    with ThreadPoolExecutor(2 * CORES) as pool:
        for number in (num_requests // 10, num_requests):
            list(pool.map(lambda _: ask().shape, range(number)))
            held.append(resident_megabytes())
    return held


# All of them


def measure(sides, *, rounds, seconds) -> list[dict]:
    """A row for each operation, size of request, number of clients and side."""
    rows = []
    for operation, tasks, clients in itertools.product(OPERATIONS, TASKS, (1, CORES)):
        seen = {side: ([], []) for side in sides}
        for side in itertools.chain.from_iterable([sides] * rounds):
            latencies, rate = side.ask(_measure, operation, tasks, clients, seconds)
            seen[side][0].extend(latencies)
            seen[side][1].append(rate)
        for side, (latencies, rates) in seen.items():
            p50, p90, p99 = np.percentile(latencies, (50, 90, 99)).round(2).tolist()
            rows.append(
                {
                    **{"operation": operation, "tasks": tasks, "clients": clients},
                    **{"side": side.name, "setting": side.setting, "requests": len(latencies)},
                    **{"p50_ms": p50, "p90_ms": p90, "p99_ms": p99},
                    "requests_per_second": round(statistics.median(rates), 2),
                }
            )
    return rows


def check_same(sides) -> float:
    """The largest difference between answers; an error if it is more than rounding."""
    worst = 0.0
    for operation, tasks in itertools.product(OPERATIONS, TASKS):
        first, *others = (side.ask(_answer, operation, tasks) for side in sides)
        worst = max(worst, *(float(np.abs(other - first).max()) for other in others))
    if not worst <= TOLERANCE:
        raise SystemExit(f"the sides don't do the same: their answers differ by {worst:.1e}")
    return worst


def best_of_each(rows) -> dict:
    """`{(operation, tasks, clients): {side: its row with the most requests a second}}`."""
    cells = {}
    for row in sorted(rows, key=lambda row: row["requests_per_second"]):
        key = (row["operation"], row["tasks"], row["clients"])
        cells.setdefault(key, {})[row["side"]] = row
    return {key: cells[key] for key in sorted(cells)}


def show(cells) -> None:
    key = ("operation", "tasks", "clients", "side", "setting")
    table = Table(*key, "p50", "p90", "p99", "requests/s", "served/side")
    table.caption = "latencies in ms; each side with its best setting"
    for (operation, tasks, clients), sides in cells.items():
        for name, row in sorted(sides.items()):
            ratio = sides["served"]["requests_per_second"] / row["requests_per_second"]
            times = [f"{row[key]:.1f}" for key in ("p50_ms", "p90_ms", "p99_ms")]
            rate = f"{row['requests_per_second']:.1f}"
            cell = (operation, str(tasks), str(clients), name, row["setting"])
            table.add_row(*cell, *times, rate, f"{ratio:.2f}", end_section=name == "torch")
    Console(width=140).print(table)


def all_sides(run, export) -> tuple[list[Side], dict]:
    """Each side with each of its settings, and the learner's facts."""
    threads = sorted({1, CORES})
    sides = [
        Side("served", f"threads={n} onednn={onednn}", Served, export, n, onednn)
        for n, onednn in itertools.product(threads, (0, 1))
    ]
    confidence = json.loads((export / "tfmeta.json").read_text()).get("confidence") or {}
    temperature = confidence.get("temperature", 1.0)
    sides.append(Side("eager", "one core a task", Eager, run, temperature))
    facts = sides[-1].ask(_facts)
    if find_spec("torch") is None:
        print("torch is not installed: its rows are left out")
    elif facts["weights"].keys() != WEIGHTS or facts["algorithm"] != "MAML":
        print("torch does MAML on the default conv4 alone: its rows are left out")
    else:
        sides += [
            Side("torch", f"threads={n} vmap={vmapped}", Torch, facts, n, vmapped)
            for n, vmapped in itertools.product(threads, (0, 1))
        ]
    return sides, {key: value for key, value in facts.items() if key != "weights"}


def make_export(folder) -> tuple[Path, Path]:
    """A learner of few steps, and its export."""
    run, export = Path(folder) / "run", Path(folder) / "export"
    tfmeta = [sys.executable, "-c", "from tfmeta.cli import main; main()"]
    for arguments in (
        ["train", "glyphs", "--steps", "20", "--seed", str(SEED), "--run-dir", run],
        ["export", run, "--output", export],
    ):
        subprocess.run([*tfmeta, *arguments], check=True)
    return run, export


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="directory of a run, with its --export")
    parser.add_argument("--export", type=Path, help="exported/NAME or exported/NAME/VERSION")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--memory", action="store_true", help="measure growth, not speed")
    parser.add_argument("--requests", type=int, default=10_000, help="of --memory")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args()
    if (options.run is None) != (options.export is None):
        parser.error("--run and --export go together")
    with tempfile.TemporaryDirectory() as folder:
        run, export = (options.run, options.export) if options.run else make_export(folder)
        report = (memory if options.memory else speed)(run, newest_version(export), options)
    report["protocol"] |= {"ways": WAYS, "shots": SHOTS, "queries": QUERIES, "seed": SEED}
    report["machine"] = {"machine": platform.machine(), "cores": CORES, "system": platform.system()}
    if options.output:
        options.output.write_text(json.dumps(report, indent=1) + "\n")


def speed(run, export, options) -> dict:
    sides, facts = all_sides(run, export)
    difference = check_same(sides)
    print(f"all sides do the same: their answers differ by {difference:.1e}")
    rows = measure(sides, rounds=options.rounds, seconds=options.seconds)
    show(best_of_each(rows))
    protocol = {"tasks": TASKS, "rounds": options.rounds, "seconds": options.seconds, **facts}
    return {"protocol": protocol, "largest_difference": difference, "rows": rows}


def memory(run, export, options) -> dict:
    before, after = Side("served", "", Served, export, CORES, 0).ask(_growth, options.requests)
    percent = 100 * (after / before - 1)
    print(f"{options.requests} requests: {before:.0f} -> {after:.0f} MB, {percent:+.1f}%")
    protocol = {"requests": options.requests, "warm_up": options.requests // 10}
    held = {"before_megabytes": before, "after_megabytes": after, "growth_percent": percent}
    return {"protocol": protocol, **held}


if __name__ == "__main__":
    main()
