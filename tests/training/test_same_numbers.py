"""The numbers of two short runs, as the first version with fixtures wrote them.

Each folder of `fixtures/` holds a run's config.json (of format 1) and its metrics.jsonl;
`made_on.json` says on what they were made. To make them anew, where numbers change on purpose:

    python tests/training/test_same_numbers.py EMPTY_FOLDER
"""

import json
import os
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

import tfmeta
from tfmeta.precision import ROUNDINGS
from tfmeta.training.config_file import read_config

FIXTURES = Path(__file__).parent / "fixtures"
MADE_ON = FIXTURES / "made_on.json"
RUNS = ("glyphs", "sinusoid")  # convolutions task by task, and dense layers in XLA
# Another order of adding up moves each step's weights, and the next step starts from there.
STEPS = 60


def this_machine() -> dict:
    """All that the last digits depend on."""
    return {
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "processor": _processor(),
        "instructions": np.show_config(mode="dicts")["SIMD Extensions"],
        "cores": os.cpu_count(),
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
        "xla": os.environ.get("XLA_FLAGS"),
    }


def _processor() -> list[str]:
    """Its model and caches, by which Eigen divides sums: other models add up in another order."""
    found = Path("/proc/cpuinfo")
    lines = found.read_text().partition("\n\n")[0].splitlines() if found.exists() else []
    named = [line.partition(":") for line in lines]
    kept = ("vendor_id", "cpu family", "model", "stepping", "cache size")
    return [f"{name.strip()} {value.strip()}" for name, _, value in named if name.strip() in kept]


def train_again(name, folder) -> bytes:
    """The metrics.jsonl of a run with the settings of a fixture."""
    settings = dict(read_config(FIXTURES / name / "config.json"))
    run = tfmeta.train(run_dir=folder / name, **settings)
    return (run.path / "metrics.jsonl").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_the_same_settings_give_the_same_metrics_as_before(name, tmp_path):
    expected = (FIXTURES / name / "metrics.jsonl").read_bytes()
    received = train_again(name, tmp_path)
    if this_machine() == json.loads(MADE_ON.read_text()):
        assert received == expected
        return
    lines, others = ([json.loads(x) for x in each.splitlines()] for each in (received, expected))
    for line, other in zip(lines, others, strict=True):
        assert list(line) == list(other)
        # Not the accuracy: a query between two classes may fall to either side.
        for key in ("step", "loss", "learning_rate"):
            one, two = (np.float32(each[key]) for each in (line, other))
            assert_close(one, two, roundings=STEPS * ROUNDINGS)


def _make_anew():
    tfmeta.configure_runtime()
    folder = Path(sys.argv[1])
    for name in RUNS:
        (FIXTURES / name / "metrics.jsonl").write_bytes(train_again(name, folder))
        shutil.rmtree(folder / name)
    MADE_ON.write_text(json.dumps(this_machine(), indent=2) + "\n")


if __name__ == "__main__":
    _make_anew()
