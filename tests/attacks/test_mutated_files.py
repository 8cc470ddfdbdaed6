"""Many mutated files of every kind: each is right or one line, soon and in little room."""

import json
import os
import subprocess
import sys

import mutated_files
import pytest
from mutations import NUMBER

_SECONDS, _MEBIBYTES = 10, 1024  # for one file
_START = 300  # seconds, of TensorFlow and of the whole files on a busy machine
_NAMES = [kind.__name__ for kind in mutated_files.KINDS]


@pytest.fixture(scope="module")
def came_of_it(tmp_path_factory):
    done = subprocess.run(
        [sys.executable, mutated_files.__file__, str(NUMBER), tmp_path_factory.mktemp("mutated")],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=_START + NUMBER * len(_NAMES) * _SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.attack(
    "mutated pickles, NPZ, CSV, episodes, optima, images, settings and `.keras` files",
    "each is read or refused in one line; no code run, no crash, 10 s and 1 GiB at most",
)
@pytest.mark.parametrize("kind", _NAMES)
def test_mutated(kind, came_of_it):
    found = came_of_it[kind]
    assert found["said"] == []
    assert found["ran"] == []
    assert found["slowest"] < _SECONDS
    assert found["mebibytes"] < _MEBIBYTES
    assert found["refused"] > 0
