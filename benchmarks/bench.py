"""Training speed beside the peers, on the same tasks with the same weights: one table of ratios.

    make bench        # sets up the peers in runs/peers, then runs this

The cases A to D of `cases.py` are trained by tfmeta through `fit`, its data included, transductive
as the peers are and inductive, and by learn2learn's loop, higher, torch.func and JAX, which get
their data for free. Each measurement has a process of its own; rounds alternate, and the table has
medians. All start from the same weights, and the loss of the first step must be equal within 1e-4,
else the figure is left out. The other cases have no peers here. Then come the most memory by
meta-batch and by inner steps, and the start-up time of commands.
"""

import argparse
import dataclasses
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cases import CASES

WITH_PEERS = ("A", "B", "C", "D")
OURS = ("tfmeta transductive", "tfmeta inductive")
PEERS = ("learn2learn", "higher", "torch.func", "jax")
COMMANDS = {
    "import tfmeta": ["-c", "import tfmeta"],
    "tfmeta --help": ["-m", "tfmeta.cli", "--help"],
    "import tensorflow": ["-c", "import tensorflow"],
}


def run(python: str, what: dict[str, Any]) -> dict[str, Any]:
    """A measurement's result, from a process of its own; `{"error": ...}` if it fails."""
    command = [python, str(Path(__file__).with_name("bench_rows.py")), json.dumps(what)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    if ended.returncode:
        return {"error": (ended.stderr.strip().splitlines() or ["no message"])[-1][:200]}
    return json.loads(ended.stdout.splitlines()[-1])


def beside_peers(name: str, options: argparse.Namespace, folder: str) -> dict[str, Any]:
    """Tasks per second of each contender in one case, in alternating rounds."""
    tasks = f"{folder}/{name}.npz"
    first = run(sys.executable, {"measure": "save", "case": name, "file": tasks})
    if "error" in first:
        return first
    case = dataclasses.asdict(CASES[name])
    rates: dict[str, list[float]] = {}
    left_out: dict[str, str] = {}
    for _, who in itertools.product(range(options.rounds), [*OURS, *PEERS]):
        what = {"measure": "ours", "case": name, "who": who, "seconds": options.seconds}
        if who in PEERS:
            what |= {"measure": "peer", "case": case, "file": tasks, "folder": options.learn2learn}
        result = run(options.peers if who in PEERS else sys.executable, what)
        print(f"  {name} {who}: {result}", file=sys.stderr, flush=True)
        if "error" in result:
            left_out[who] = result["error"]
        elif who in PEERS and abs(result["loss"] - first["loss"]) > 1e-4:
            left_out[who] = f"first loss {result['loss']:.5f}, not {first['loss']:.5f}"
        else:
            rates.setdefault(who, []).append(result["tasks_per_second"])
    medians = {who: statistics.median(each) for who, each in rates.items()}
    ratios = {
        f"{ours} / {peer}": medians[ours] / medians[peer]
        for ours, peer in itertools.product(OURS, PEERS)
        if ours in medians and peer in medians
    }
    return {
        "about": case["about"],
        "tasks_per_second": rates,
        "medians": medians,
        "ratios": ratios,
        "left_out": left_out,
    }


def alone(options: argparse.Namespace) -> dict[str, Any]:
    """Tasks per second of the cases that have no peers here."""
    found = {}
    for name in CASES.keys() - set(WITH_PEERS):
        what = {"measure": "ours", "case": name, "who": OURS[1], "seconds": options.seconds}
        results = [run(sys.executable, what) for _ in range(options.rounds)]
        rates = [each["tasks_per_second"] for each in results if "error" not in each]
        found[name] = statistics.median(rates) if rates else results[0]["error"]
    return dict(sorted(found.items()))


def memory() -> dict[str, Any]:
    """The most megabytes of a process that trains MAML, by meta-batch and by inner steps."""
    sizes: list[dict[str, Any]] = [{"tasks": n} for n in (16, 64, 256)]
    sizes += [{"inner_steps": n} for n in (1, 5, 20, 50)]
    sizes += [{"inner_steps": n, "recompute": True} for n in (5, 50)]
    return {
        " ".join(f"{k}={v}" for k, v in each.items()): run(
            sys.executable, {"measure": "memory", **each}
        )
        for each in sizes
    }


def start_up(rounds: int) -> dict[str, float]:
    """Seconds until a command has ended, the median of so many and one more, which is left out."""
    found = {}
    for name, arguments in COMMANDS.items():
        times = []
        for _ in range(rounds + 1):
            started = time.monotonic()
            subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
            times.append(time.monotonic() - started)
        found[name] = statistics.median(times[1:])
    return found


def table(report: dict[str, Any]) -> str:
    """What a reader looks at."""
    lines = []
    for name, case in report["cases"].items():
        lines.append(f"{name}: {case.get('about', case.get('error'))}")
        lines += [f"  {who:22} {rate:12,.1f} tasks/s" for who, rate in case["medians"].items()]
        lines += [f"  {pair:38} {ratio:6.2f}" for pair, ratio in case["ratios"].items()]
        lines += [f"  {who:22} left out: {why}" for who, why in case["left_out"].items()]
    lines += [f"{key}: {value}" for key, value in report.items() if key != "cases"]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=sys.executable, help="a Python that has the peers")
    parser.add_argument("--learn2learn", help="the folder of its unpacked source")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement")
    parser.add_argument("--cases", nargs="*", default=list(WITH_PEERS), choices=list(WITH_PEERS))
    parser.add_argument("--only-peers", action="store_true", help="leave out the rest")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/bench.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report: dict[str, Any] = {
            "cases": {name: beside_peers(name, options, folder) for name in options.cases}
        }
    if not options.only_peers:
        report["tasks_per_second_alone"] = alone(options)
        report["peak_megabytes"] = memory()
        report["seconds_to_start"] = start_up(options.rounds)
    options.output.write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))


if __name__ == "__main__":
    main()
