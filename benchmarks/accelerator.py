"""Measures an accelerator, and says which of its numbers agree with the CPU's.

    python benchmarks/accelerator.py [--device GPU] [--output results.json]

On a machine with a GPU this one command

- takes one step of every learner on the device, as one computation of all tasks, with XLA and
  without, in each precision, and compares the gradient with that of tasks mapped one by one on the
  CPU in float64. It agrees if it is about as near to that as the CPU is in the same precision;
- times training in tasks per second, through `fit` and with its data, of each case of `cases.py` in
  each way to run tasks, in each precision, beside the CPU of the same machine, with the time to
  compile and the most memory;
- times the embedding of photographs by a network of EfficientNet's kind, and an exported
  learner that adapts in its graph.

Each measurement has a process of its own and ten minutes; what fails is listed with its error.
`--device CPU` does the same on the CPU, and `--quick` with few and small tasks, to try the script.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from accelerator_rows import MEASUREMENTS, WAYS_TO_RUN
from cases import CASES

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
SECONDS = 600


def rows(device: str, algorithms: list[str]) -> list[dict]:
    """What is measured, in order: the numbers first, since speed is worth nothing without them."""
    agreement = [{"what": "agreement", "algorithm": name} for name in algorithms]
    training = [
        {"what": "training", "case": case, "way": way, "policy": policy}
        for case in CASES
        for policy in POLICIES
        for way in WAYS_TO_RUN
    ]
    others = [{"what": what, "policy": p} for what in ("embedding", "serving") for p in POLICIES]
    found = [{**row, "device": device} for row in [*agreement, *training, *others]]
    if device != "CPU":  # what the same machine's cores do
        found += [
            {
                "what": "training",
                "case": case,
                "way": "mapped",
                "policy": "float32",
                "device": "CPU",
            }
            for case in CASES
        ]
    return found


def measured(row: dict, quick: bool) -> dict:
    """A row with its result, or with the last line of its error."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if row["device"] == "CPU":
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    command = [sys.executable, __file__, "--one", json.dumps({**row, "quick": quick})]
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, env=environment
        )
    except subprocess.TimeoutExpired:
        return {**row, "error": f"not done in {SECONDS} s"}
    if run.returncode:
        return {**row, "error": (run.stderr.strip().splitlines() or ["no message"])[-1][:300]}
    return {**row, **json.loads(run.stdout.splitlines()[-1])}


def line(row: dict) -> str:
    """A row in words, with its result."""
    subject = row.get("case") or row.get("algorithm") or ""
    how = " ".join(row[key] for key in ("way", "policy") if key in row)
    start = f"{row['device']:4} {row['what']:10} {subject:14} {how:28}"
    if "error" in row:
        return f"{start} failed: {row['error']}"
    if row["what"] == "agreement":
        verdict = ", ".join(
            f"{name}: {'agrees' if each['agrees'] else 'DIFFERS'} "
            f"({each['error']:.1e}, the CPU's own {each['cpu']:.1e})"
            for name, each in row["ways"].items()
        )
        return start + verdict
    figures = {k: v for k, v in row.items() if isinstance(v, float)}
    return start + "  ".join(f"{k.replace('_', ' ')} {v:,.1f}" for k, v in figures.items())


def environment(device: str) -> dict:
    """What the figures depend on."""
    code = (
        "import json, tensorflow as tf, keras; d = tf.config.list_physical_devices(%r); "
        "print(json.dumps({'tensorflow': tf.__version__, 'keras': keras.__version__, 'devices': "
        "[tf.config.experimental.get_device_details(x).get('device_name', x.name) for x in d]}))"
    )
    run = subprocess.run([sys.executable, "-c", code % device], capture_output=True, text=True)
    return {"cores": os.cpu_count(), **json.loads(run.stdout.splitlines()[-1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="GPU", choices=["GPU", "CPU"])
    parser.add_argument("--output", type=Path, help="the JSON file; written after every row")
    parser.add_argument("--quick", action="store_true", help="few and small tasks")
    parser.add_argument("--only", help="rows whose JSON has this text")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        row = json.loads(options.one)
        return print(json.dumps(MEASUREMENTS[row["what"]](row)))
    from tfmeta.learners import ALGORITHMS

    report = {"environment": environment(options.device), "rows": []}
    if not report["environment"]["devices"]:
        parser.error(f"TensorFlow sees no {options.device} here; --device CPU tries the script")
    print(json.dumps(report["environment"]), flush=True)
    for row in rows(options.device, list(ALGORITHMS)):
        if options.only and options.only not in json.dumps(row):
            continue
        report["rows"].append(measured(row, options.quick))
        print(line(report["rows"][-1]), flush=True)
        if options.output:
            options.output.write_text(json.dumps(report, indent=1) + "\n")
    failed = sum("error" in row for row in report["rows"])
    differ = sum(
        not each["agrees"] for row in report["rows"] for each in row.get("ways", {}).values()
    )
    print(f"{len(report['rows'])} rows; {failed} failed; {differ} gradients differ from the CPU's")
    sys.exit(bool(failed or differ))


if __name__ == "__main__":
    main()
