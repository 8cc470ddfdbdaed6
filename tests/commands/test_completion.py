"""The shell completes names, runs and exports, at once: without TensorFlow."""

import os
import pty
import shutil
import subprocess
import sys
import time

import pytest
from click.shell_completion import BashComplete

from tfmeta.cli import main
from tfmeta.learners import ALGORITHMS
from tfmeta.network_registry import NETWORKS
from tfmeta.pipelines import PIPELINES


def completed(*words):
    """What is offered for the last of these words, after `tfmeta`."""
    *before, incomplete = words
    complete = BashComplete(main, {}, "tfmeta", "_TFMETA_COMPLETE")
    return [item.value for item in complete.get_completions(before, incomplete) if item.value]


@pytest.fixture
def somewhere(tmp_path, monkeypatch):
    """A folder with two runs, an export, and a folder that is neither."""
    for place in ("runs/first", "runs/second", "exported/photos/1", "data/cats"):
        (tmp_path / place).mkdir(parents=True)
    for place in ("runs/first", "runs/second"):
        (tmp_path / place / "config.json").write_text("{}")
    (tmp_path / "exported/photos/1/tfmeta.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["train", "inspect", "episodes"])
def test_pipelines_are_completed(command):
    assert completed(command, "") == list(PIPELINES)
    assert completed(command, "o") == ["omniglot", "optima"]


def test_algorithms_and_networks_are_completed():
    for command in ("train", "inspect"):
        assert completed(command, "glyphs", "--algorithm", "") == list(ALGORITHMS)
    assert completed("train", "glyphs", "--algorithm", "meta") == ["meta-sgd", "meta-lstm"]
    assert completed("train", "glyphs", "--network", "") == list(NETWORKS)
    assert completed("evaluate", "run", "--pipeline", "gl") == ["glyphs"]


@pytest.mark.parametrize("command", ["evaluate", "export", "optima", "replay", "report"])
def test_runs_are_completed(command, somewhere):
    assert completed(command, "") == ["runs/first", "runs/second"]
    assert completed(command, "ru") == ["runs/first", "runs/second"]
    assert completed(command, "runs/s") == ["runs/second"]
    assert completed(command, f"{somewhere}/runs/f") == [f"{somewhere}/runs/first"]
    assert completed(command, "exp") == []
    assert completed(command, "nowhere/at/all") == []


def test_exports_are_completed(somewhere):
    assert completed("verify", "") == ["exported/photos"]
    assert completed("predict", "") == ["exported/photos", "runs/first", "runs/second"]
    assert completed("predict", "exported/p") == ["exported/photos"]


def test_completing_imports_no_tensorflow(somewhere):
    """As the shell asks: by the environment, in a process of its own."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('tensorflow' in sys.modules, 'keras' in sys.modules))\n"
        "from tfmeta.cli import main\nmain(prog_name='tfmeta')"
    )
    for words in ("train ", "train glyphs --algorithm ", "train glyphs --network ", "predict "):
        environment = {
            **os.environ,
            "_TFMETA_COMPLETE": "bash_complete",
            "COMP_WORDS": f"tfmeta {words}",
            "COMP_CWORD": str(len(words.split()) + 1),
        }
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        *offered, modules = done.stdout.splitlines()
        assert len(offered) > 2
        assert modules == "False False"


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_when_the_tab_key_is_pressed(somewhere):
    """In a real terminal, with the line that the guide says to put into .bashrc."""
    (somewhere / "bin").mkdir()
    command = somewhere / "bin" / "tfmeta"
    command.write_text(
        f"#!{sys.executable}\nfrom tfmeta.cli import main\nmain(prog_name='tfmeta')\n"
    )
    command.chmod(0o755)
    (somewhere / "rc").write_text(
        f"PS1='ready> '\nexport PATH={somewhere}/bin:$PATH\n"
        'eval "$(_TFMETA_COMPLETE=bash_source tfmeta)"\n'
    )
    shell, terminal = pty.openpty()
    bash = subprocess.Popen(
        ["bash", "--noprofile", "--rcfile", somewhere / "rc", "-i"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=somewhere,
        start_new_session=True,
        env={**os.environ, "TERM": "dumb"},
    )
    os.close(terminal)
    try:
        shown_until(shell, "ready> ")
        for typed, expected in (
            ("tfmeta train gly\t", "glyphs "),
            ("\x15tfmeta verify e\t", "photos"),
        ):
            os.write(shell, typed.encode())
            assert expected in shown_until(shell, expected)
    finally:
        bash.kill()
        bash.wait()
        os.close(shell)


def shown_until(shell, expected, seconds=60):
    """What the terminal shows until it has shown that, or the time is over."""
    os.set_blocking(shell, False)
    shown, end = "", time.monotonic() + seconds
    while expected not in shown and time.monotonic() < end:
        try:
            shown += os.read(shell, 4096).decode(errors="replace")
        except BlockingIOError:
            time.sleep(0.05)
    return shown
