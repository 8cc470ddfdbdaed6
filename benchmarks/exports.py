"""Every learner's exports, on Omniglot: trained, exported as each kind, verified, calibrated.

    python benchmarks/exports.py [ALGORITHM ...] [--minutes 2] [--runs DIR] [--results FILE]

Each algorithm trains for some minutes by the command line (a run that is in `--runs` already is
taken as it is), and is exported as `learner`, `adapted` (to five characters that it never saw, an
image each) and, where its task state holds weights, `generator`; the learner also padded, the
adapted model also for LiteRT. `tfmeta verify` must end with 0 for every one. Prints JSON: what
verify found, the calibration error before and after fitting, and the AUROC of the unknown score
with their protocol. Omniglot is looked for in `TFDS_DATA_DIR`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from figures import SUITES, tfmeta
from PIL import Image


def support_folder(folder: Path) -> Path:
    """An image of each of five test characters."""
    from tfmeta.pipelines import build

    source = build("omniglot").index
    for character in source.classes("test")[:5]:
        pixels = source.examples[np.flatnonzero(source.labels == character)[0]][..., 0]
        home = folder / f"character-{character}"
        home.mkdir(parents=True)
        Image.fromarray(255 - pixels).save(home / "0.png")  # ink dark, as in the files
    return folder


def verified(export: Path) -> dict:
    """What `tfmeta verify` says of each check; raises RuntimeError if one fails."""
    call = [sys.executable, "-c", "from tfmeta.cli import main; main()", "verify", str(export)]
    done = subprocess.run([*call, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    report = json.loads(done.stdout)
    failed = [check for check in report["checks"] if not check["ok"]]
    if failed or done.returncode:
        raise RuntimeError(f"{export}: {failed}")
    return {check["check"]: check["detail"] for check in report["checks"]}


def kinds_of(run: Path, support: Path) -> dict:
    """`{name: arguments of tfmeta export}`; only the first fits the confidence."""
    import tfmeta as package
    from tfmeta.exporting import task_state

    learner = package.load(run)
    as_it_is = ["--calibration-tasks", "0"]
    kinds = {
        "learner": [],
        "padded": ["--padded-support", *as_it_is],
        "adapted": ["--kind", "adapted", "--support", str(support), *as_it_is],
    }
    import tensorflow as tf

    shape = tuple(learner.function.input_shape[1:])
    specs = tf.TensorSpec((5, *shape), tf.float32), tf.TensorSpec((5,), tf.int32)
    if "weights" in task_state.specification(learner.adapt, specs):
        kinds["generator"] = ["--kind", "generator", *as_it_is]
    return kinds


def measure(algorithm: str, run: Path, exports: Path, support: Path, minutes: float) -> dict:
    if not (run / "config.json").is_file():
        train = ["train", "omniglot", "--algorithm", algorithm, "--max-minutes", str(minutes)]
        tfmeta(*train, "--run-dir", str(run))
    report = {"step": json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["step"]}
    for name, arguments in kinds_of(run, support).items():
        output = exports / f"{algorithm}-{name}"
        tfmeta("export", str(run), *arguments, "--output", str(output))
        report[name] = verified(output)
        facts = json.loads((output / "1/tfmeta.json").read_text())
        if facts["confidence"]["report"]:
            report["confidence"] = facts["confidence"]
    litert = ["--kind", "adapted", "--support", str(support), "--calibration-tasks", "0"]
    tfmeta("export", str(run), *litert, "--format", "litert", "--output", str(exports / algorithm))
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("algorithms", nargs="*", default=[*SUITES["omniglot"].algorithms])
    parser.add_argument("--minutes", type=float, default=2, help="of training")
    parser.add_argument("--runs", type=Path, help="where the runs are, or are left")
    parser.add_argument("--results", type=Path, help="a JSON file to add to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        runs = options.runs or Path(scratch) / "runs"
        support = support_folder(Path(scratch) / "support")
        for algorithm in options.algorithms:
            exports = Path(scratch) / "exported"
            report = measure(algorithm, runs / algorithm, exports, support, options.minutes)
            print(json.dumps({algorithm: report}, indent=2), flush=True)
            if options.results:
                known = json.loads(options.results.read_text()) if options.results.exists() else {}
                known[algorithm] = report
                options.results.write_text(json.dumps(known, indent=2) + "\n")


if __name__ == "__main__":
    main()
