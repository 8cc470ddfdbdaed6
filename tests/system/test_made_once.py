"""What workers share is made by one of them, and is whole when others read it."""

import subprocess
import sys
from pathlib import Path

import made_once
import pytest

HELPERS = Path(made_once.__file__).parent
PROGRAM = """
import time
from made_once import made_once
import pytest

@made_once("shared-{}")
def slowly(path, name):
    path.mkdir()
    time.sleep(0.5)
    (path / "file").write_text(name)
    print("made")

print((slowly("one") / "file").read_text())
"""


def test_several_processes_make_it_once_and_read_it_whole(tmp_path):
    options = {"cwd": HELPERS, "env": {made_once.FOLDER: str(tmp_path)}, "text": True}
    command = [sys.executable, "-c", PROGRAM]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, **options) for _ in range(3)]
    assert sorted(each.communicate()[0] for each in processes) == ["made\none\n", "one\n", "one\n"]


def test_a_failure_is_not_tried_again_by_its_worker_and_by_another_from_the_start(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(made_once, "_of_the_session", lambda: tmp_path)
    attempts = []

    def make(path):
        path.mkdir()  # fails if anything were left
        attempts.append(path)
        if len(attempts) == 1:
            raise OSError("the disk")

    one, other = (made_once.made_once("once")(make) for _ in range(2))
    for _ in range(2):
        with pytest.raises(OSError, match="the disk"):
            one()
    assert other() == other() == tmp_path / "shared/once"
    assert len(attempts) == 2
