"""What workers share is made by one of them, and is whole when others read it."""

import subprocess
import sys
from pathlib import Path

import made_once

HELPERS = Path(made_once.__file__).parent
PROGRAM = """
import time
from made_once import made_once

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


def test_what_a_failure_has_left_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(made_once, "_of_the_session", lambda: tmp_path)
    attempts = []

    @made_once.made_once("once")
    def make(path):
        path.mkdir()
        attempts.append(path)
        if len(attempts) == 1:
            raise OSError

    for _ in range(3):
        try:
            make()
        except OSError:
            assert len(attempts) == 1
    assert len(attempts) == 2
