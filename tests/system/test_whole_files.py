"""A worker of xdist gets whole files: what a file's tests share is made once."""

import os
import subprocess
import sys
from collections import Counter

import whole_files
from whole_files import place_of

HELPERS = os.path.dirname(whole_files.__file__)
TESTS = """
import os, pytest

@pytest.mark.parametrize("number", range(6))
def test(number):
    with open(os.environ["WHERE"], "a") as file:
        file.write(f"{__file__} {os.environ['PYTEST_XDIST_WORKER']}\\n")
"""


def test_no_file_is_divided_among_workers(tmp_path):
    for name in ("room/test_a.py", "room/test_b.py", "room/deep/test_c.py", "room/deep/test_d.py"):
        path = tmp_path / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TESTS)
    where = tmp_path / "where.txt"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n2",
        "-p",
        "whole_files",
        "--import-mode=importlib",
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": HELPERS, "WHERE": str(where)}
    options = {"capture_output": True, "text": True, "check": False}
    done = subprocess.run([*command, "tests"], cwd=tmp_path, env=environment, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    tests = Counter(tuple(line.split()) for line in where.read_text().splitlines())
    workers = {}
    for path, worker in tests:
        workers.setdefault(path.rpartition("/")[2], []).append(worker)
    assert {name: len(each) for name, each in workers.items()} == dict.fromkeys(workers, 1)
    assert workers["test_c.py"] == workers["test_d.py"]
    assert {*tests.values()} == {6}
    assert len({worker for (worker,) in workers.values()}) == 2


def test_a_place_is_a_file_of_a_room_or_a_folder_in_it():
    assert place_of("tests/learners/test_maml.py::test_it[a/b]") == "tests/learners/test_maml.py"
    served = "tests/exporting/serving/test_served_answers.py::test_it"
    assert place_of(served) == "tests/exporting/serving"
