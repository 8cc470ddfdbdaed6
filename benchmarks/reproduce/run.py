"""Reproduces results of papers: trains, evaluates, and keeps what came out beside its protocol.

    python benchmarks/reproduce/run.py CONFIG... [--runs DIR]

A config is a JSON file in this folder: its command, the minutes to expect on two cores, the
paper's figure, how the protocols differ, and the settings of `tfmeta.train` and
`tfmeta.evaluate`. The result goes to `results/`, in a file of the same name. Configs that train
alike share a run. A run that was interrupted goes on. Omniglot is looked for in `TFDS_DATA_DIR`,
CIFAR-FS in `CIFAR_FS_DIR`. `table.py` writes docs/reproduction.md.
"""

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import tfmeta

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
_DATA_DIRS = {"omniglot": "TFDS_DATA_DIR", "cifar-fs": "CIFAR_FS_DIR"}


def configs() -> dict[str, dict[str, Any]]:
    """Every config, by its name, such as "omniglot/maml-5way-1shot"."""
    found = sorted(path for path in FOLDER.glob("*/*.json") if path.parent != RESULTS)
    return {name_of(path): json.loads(path.read_text()) for path in found}


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def result_file(name: str) -> Path:
    return RESULTS / f"{name.replace('/', '-')}.json"


def reproduce(config: dict[str, Any], runs: Path) -> dict[str, Any]:
    """Trains and evaluates.

    Returns:
        What `tfmeta evaluate --json` prints, with the minutes of the training, the cores and the
        version of tfmeta.
    """
    train = dict(config["train"])
    run_dir = runs / hashlib.sha256(json.dumps(train, sort_keys=True).encode()).hexdigest()[:12]
    variable = _DATA_DIRS.get(train["pipeline"])
    if variable is not None:
        train["data_dir"] = os.environ[variable]
    if run_dir.exists():
        run = tfmeta.train(run_dir=run_dir, resume=True)
    else:
        run = tfmeta.train(run_dir=run_dir, **train)
    (summary,) = tfmeta.runs(run)
    facts = tfmeta.evaluate(run, **config["evaluate"]).facts
    here = {"minutes": round(summary["minutes"], 1), "cores": len(os.sched_getaffinity(0))}
    return {
        **facts,
        **here,
        "load_average": round(os.getloadavg()[2], 1),
        "tfmeta": tfmeta.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="+", type=Path, metavar="CONFIG")
    parser.add_argument("--runs", type=Path, default=Path("runs/reproduce"))
    options = parser.parse_args()
    tfmeta.configure_runtime()
    RESULTS.mkdir(exist_ok=True)
    for path in options.configs:
        result = reproduce(json.loads(path.read_text()), options.runs)
        text = json.dumps(result, indent=2, allow_nan=False) + "\n"
        result_file(name_of(path)).write_text(text)
        print(name_of(path), result.get("accuracy", result.get("mse")), "+-", result["ci95"])


if __name__ == "__main__":
    main()
