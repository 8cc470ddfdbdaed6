"""The processes that load exports: nothing of the folder runs in them, and none outlives us."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import made_once
import pytest
import trained

from tfmeta import children

ROOT = Path(children.__file__).parent
SHADOWS = (
    "base64 click google json keras numpy runpy site sitecustomize ssl struct tensorflow "
    "tensorflow_serving threading typing usercustomize"
)
AS_INSTALLED = [sys.executable, "-I", "-c", "from tfmeta.cli import main; main(prog_name='tfmeta')"]


@pytest.fixture
def strangers_folder(tmp_path):
    """An export among modules that leave a mark when they run."""
    version = trained.copy_of(trained.sinusoid_export(), tmp_path)
    for folder in (tmp_path, version):
        for name in SHADOWS.split():
            code = f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\n"
            (folder / f"{name}.py").write_text(code)
    return tmp_path


@pytest.mark.attack(
    "an `ssl.py`, a `numpy.py` and others lying in an export and in the working directory",
    "never imported by `verify`, by `train --dry-run` or by `predict`, which start one kind of "
    "child; all checks hold",
)
@pytest.mark.parametrize("place", [".", "1"])
def test_modules_in_the_folder(place, strangers_folder):
    done = trained.run(
        [*AS_INSTALLED, "verify", strangers_folder / "1"], cwd=strangers_folder / place
    )
    assert done.returncode == 0, done.stderr
    assert not (strangers_folder / "ran").exists()


@pytest.mark.attack(
    "the same, with a PYTHONPATH that has the working directory in it", "not imported"
)
def test_a_path_with_the_working_directory_in_it(strangers_folder, monkeypatch):
    monkeypatch.chdir(strangers_folder)
    monkeypatch.setenv("PYTHONPATH", f":.:{os.pathsep}1")
    monkeypatch.setenv("PYTHONSTARTUP", "ssl.py")
    said = children.run("timeit", "-n1", "-r1", "import ssl, numpy, os; print(os.listdir())")
    assert said.startswith("[]\n")
    assert not (strangers_folder / "ran").exists()


@pytest.mark.attack("the same, for `python -m tfmeta` and `python -m tfmeta.cli`", "not imported")
@pytest.mark.parametrize("module", ["tfmeta", "tfmeta.cli"])
def test_as_a_module(module, strangers_folder):
    done = trained.run([sys.executable, "-m", module, "--version"], cwd=made_once.folder())
    assert done.stdout.startswith("tfmeta, version")
    for name in ("runpy", "site", "sitecustomize", "usercustomize"):  # Python's own, before us
        (strangers_folder / f"{name}.py").unlink()
    done = trained.run([sys.executable, "-m", module, "verify", "--help"], cwd=strangers_folder)
    assert done.returncode == 0, done.stderr
    assert not (strangers_folder / "ran").exists()


def test_an_absolute_pythonpath_is_the_users_word(tmp_path, monkeypatch):
    (tmp_path / "only_there.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    children.run("timeit", "-n1", "-r1", "import only_there")


def test_every_process_is_started_in_one_place():
    # `multiprocessing.pool.ThreadPool` starts threads alone; all else in that package, processes
    threads = r"multiprocessing(?!\.pool import ThreadPool$)"
    starts = re.compile(rf"subprocess|{threads}|os\.(system|popen|exec|spawn|fork)", re.MULTILINE)
    found = {p.name for p in ROOT.rglob("*.py") if starts.search(p.read_text())}
    assert found == {"children.py"}


# How a child ends


@pytest.mark.attack(
    "a model that ends the process that runs it", "an error that names the signal, never silence"
)
def test_a_child_that_dies():
    with pytest.raises(children.ChildDied, match=r"was ended by SIGABRT"):
        children.run("timeit", "-n1", "-r1", "import os; os.abort()")
    with pytest.raises(children.ChildDied, match=r"ended with status 3"):
        children.run("timeit", "-n1", "-r1", "import os; os._exit(3)")


@pytest.mark.attack(
    "a model that never comes to an end", "ended at the limit of `--timeout`, by name"
)
def test_a_child_that_takes_too_long():
    started = time.monotonic()
    with pytest.raises(children.ChildDied, match=r"longer than 1 seconds.*--timeout"):
        children.run("timeit", "-n1", "-r1", "import time; time.sleep(100)", timeout=1)
    assert time.monotonic() - started < 30
    version = trained.version_of(trained.sinusoid_export())
    done = trained.tfmeta("verify", version, "--timeout", "0.01")
    assert done.returncode == 1
    assert "--timeout" in " ".join(done.stderr.split())


@pytest.mark.attack(
    "SIGTERM or SIGKILL to `tfmeta verify` while its child runs", "the child ends with it"
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_parent_that_dies(number, tmp_path):
    told = tmp_path / "told"
    code = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(100)"
    program = f"from tfmeta import children; children.run('timeit', '-n1', '-r1', {code!r})"
    parent = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    wait_until(lambda: told.exists() and told.read_text())
    child = int(told.read_text())
    assert is_alive(child)
    parent.send_signal(number)
    parent.wait()
    wait_until(lambda: not is_alive(child))


def is_alive(process):
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def wait_until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
