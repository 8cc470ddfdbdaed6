"""Trained runs: kills, readers, locks, full disks, signals and pipes; nothing good is lost."""

import contextlib
import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import disks
import kill_points
import mutations
import numpy as np
import peak_memory
import pytest
import trained

import tfmeta
from tfmeta.errors import UserError
from tfmeta.training.run_directory import RunDirectory

LOCK = """
import sys
from tfmeta import files
with files.locked(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""
SINUSOID = ["sinusoid", "--shots", 5, "--meta-batch", 4, "--inner-steps", 1]
for _setting in ("validation_tasks=0", "checkpoint_seconds=0", "log_every=4"):
    SINUSOID += ["--set", _setting]
SINUSOID += ["--set", "learner.vectorised=false"]  # without the wait for XLA


@pytest.fixture
def run(tmp_path):
    """A copy of a run of 20 steps."""
    return shutil.copytree(trained.sinusoid_run(), tmp_path / "run")


@pytest.fixture
def locks():
    """Has another process hold the lock of a path; returns its number."""
    processes = []

    def lock(path):
        command = [sys.executable, "-c", LOCK, str(path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        processes.append(subprocess.Popen(command, **pipes))
        processes[-1].stdout.readline()
        return processes[-1].pid

    yield lock
    for process in processes:
        process.kill()
        process.communicate()


def the_line(capfd, *arguments, status=1, output=""):
    """The one line on standard error, but for progress, of a command that fails."""
    received, shown, errors = trained.inside(capfd, *arguments)
    assert received == status, errors
    assert shown.startswith(output) and bool(shown) == bool(output), shown  # noqa: PT018
    *progress, line = errors.splitlines()
    assert all(each.startswith(f"{arguments[0]}  ") for each in progress), errors
    assert line.startswith("Error: ")
    return line


def arrays(run):
    learner, step = RunDirectory.open(run).load_checkpoint()
    return step, [v.numpy() for v in (*learner.variables, *learner.optimizer.variables)]


def assert_same(run, other):
    """To the bit: step, weights, the optimizer's state, metrics."""
    (step, values), (other_step, others) = arrays(run), arrays(other)
    assert step == other_step
    for value, expected in zip(values, others, strict=True):
        np.testing.assert_array_equal(value, expected)
    assert (run / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()


# Kills

# A run as training writes it, by a learner that saves what the real one saved; no TensorFlow.
REWRITTEN = """
import json, shutil, sys, types
from pathlib import Path
guard = types.ModuleType("tfmeta.learners.finite_guard")
guard.refuse_not_finite = lambda learner: None
sys.modules[guard.__name__] = guard
from tfmeta.training.run_directory import RunDirectory

class Learner:
    def __init__(self, saved):
        self.saved = saved

    def save(self, path):
        with open(path, "wb") as file:  # as Keras does
            file.write(self.saved)

run, whole = RunDirectory(sys.argv[1]), Path(sys.argv[2])
with run.locked():
    for text in (whole / "metrics.jsonl").read_text().splitlines():
        line = json.loads(text)
        run.metrics.append(line)
        saved = whole / f"saved/{line['step']}.keras"
        run.save_checkpoint(Learner(saved.read_bytes()), line["step"], minutes=0.1)
"""


@pytest.mark.attack(
    "a run killed at any moment at which it writes metrics or a checkpoint",
    "going on with it ends in the same bits as if nothing had happened",
)
def test_a_run_killed_at_every_point_of_its_checkpoints_ends_in_the_same_bits(
    tmp_path, capfd, monkeypatch
):
    from tfmeta.learners.meta_learner import MetaLearner

    whole, start = tmp_path / "whole", tmp_path / "start"
    save = MetaLearner.save

    def save_twice(learner, path):
        save(learner, path)
        (whole / "saved").mkdir(exist_ok=True)
        step = int(learner.optimizer.iterations.numpy())
        shutil.copy(path, whole / f"saved/{step}.keras")

    monkeypatch.setattr(MetaLearner, "save", save_twice)
    arguments = ["train", *SINUSOID, "--steps", 12, "--run-dir", whole]
    assert trained.inside(capfd, *arguments)[0] == 0
    monkeypatch.undo()
    parts = shutil.ignore_patterns("saved", "metrics.jsonl", "tensorboard", "step-*")
    shutil.copytree(whole, start, ignore=parts)

    def rewritten(number):
        run = shutil.copytree(start, tmp_path / f"run{number}")
        variables = kill_points.environment(tmp_path, run, number)
        done = trained.run([sys.executable, "-c", REWRITTEN, run, whole], **variables)
        assert done.returncode == (-signal.SIGKILL if number else 0), done.stderr
        return run

    assert_same(rewritten(0), whole)
    points = [point.split("/")[-1] for point in kill_points.points(tmp_path)]
    assert ".tfmeta-partial-step-000000004.keras" in points
    assert "step-000000004.keras" in points  # removed when there are two that are newer
    seen = []
    for number in range(1, len(points) + 1):
        run = rewritten(number)
        content = sorted(path.name for path in (run / "checkpoints").glob("step-*"))
        if content in seen:  # and one resumption of each kind will do
            continue
        seen.append(content)
        status, _, errors = trained.inside(capfd, "train", "--resume", "--run-dir", run)
        assert status == 0, errors
        assert_same(run, whole)
        assert not list(run.rglob(".tfmeta-*"))
    assert [len(content) for content in seen] == [0, 1, 2, 3, 2]


# Readers


@pytest.mark.attack(
    "reading a run that another process trains, or that lies on a read-only medium",
    "readers change nothing, and need not be able to",
)
def test_readers_touch_nothing(run, capfd):
    for name in ("partial-1.keras", ".tfmeta-partial-step-000000040.keras"):
        (run / "checkpoints" / name).write_bytes(b"half")
    before = trained.contents(run)
    with disks.read_only(run):
        tfmeta.load(run)
        assert trained.inside(capfd, "replay", run, "--step", 20, "--json")[0] == 0
        line = the_line(
            capfd, "evaluate", run, "--tasks", 2, "--json", output='{"algorithm": "maml", "mse": '
        )
    assert "the result is not recorded: cannot write" in line
    assert "Read-only file system" in line
    assert trained.contents(run) == before


@pytest.mark.attack(
    "evaluating a run whose results.json is damaged, or on a full disk",
    "the figure is shown, then one line says that it is not recorded; the file stays",
)
@pytest.mark.parametrize("harm", ["damaged", "full"])
def test_a_figure_is_shown_before_it_is_recorded(harm, tmp_path, capfd):
    with disks.full(tmp_path / "disk", 1024) as fill:
        run = shutil.copytree(trained.sinusoid_run(), tmp_path / "disk/run")
        (run / "results.json").write_text("[{" if harm == "damaged" else "[]")
        if harm == "full":
            fill()
        before = trained.contents(run)
        shown = the_line(capfd, "evaluate", run, "--tasks", 2, output="mean squared error ")
        assert "the result is not recorded" in shown
        assert {"damaged": "results.json is missing or damaged", "full": "No space left"}[
            harm
        ] in shown
        assert trained.contents(run) == before


@pytest.mark.attack(
    "a run of the first versions, with its progress beside its checkpoints",
    "loaded, evaluated and gone on with as before",
)
def test_a_run_of_before_goes_on(run, tmp_path, capfd):
    shutil.copytree(run, tmp_path / "new")
    trained.as_of_before(run, minutes=500)
    assert (RunDirectory.open(run).step, RunDirectory.open(run).minutes) == (20, 500)
    assert trained.inside(capfd, "evaluate", run, "--tasks", 2)[0] == 0
    for path in (run, tmp_path / "new"):
        arguments = ["train", "--resume", "--run-dir", path, "--steps", 40]
        assert trained.inside(capfd, *arguments)[0] == 0
    assert_same(run, tmp_path / "new")
    assert RunDirectory.open(run).minutes > 500 > RunDirectory.open(tmp_path / "new").minutes > 0
    assert not (run / "progress.json").exists()


# Damage


@pytest.mark.attack(
    "`--resume` with a bad byte in the metrics", "refused by the line, and nothing is changed"
)
def test_metrics_that_are_damaged_end_nothing(run, capfd):
    lines = [json.dumps({"step": step, "loss": 1.0}) for step in (10, 20)]
    (run / "metrics.jsonl").write_text(f"{lines[0][:-1]}\n{lines[1]}\n")
    before = trained.contents(run)
    line = the_line(capfd, "train", "--resume", "--run-dir", run, "--steps", 30)
    assert "metrics.jsonl is damaged: line 1 is no metrics of a step" in line
    assert trained.contents(run) == before


@pytest.mark.attack(
    "mutated checkpoints: flipped bits, cut, empty, a FIFO, a folder, endless",
    "loaded with the very weights, or refused in one line; within 10 s and 1 GB",
)
def test_mutated_checkpoints_are_loaded_as_they_were_or_refused(run):
    from test_run_start import mutated

    rng = np.random.default_rng(1)
    (checkpoint,) = (run / "checkpoints").iterdir()
    content = checkpoint.read_bytes()
    expected = arrays(run)[1]
    memory = peak_memory.start_again()
    refused = 0
    for _ in range(mutations.NUMBER):
        kind, began = mutated(checkpoint, rng), time.monotonic()
        try:
            received = arrays(run)[1]
        except UserError as error:
            refused += 1
            assert f"checkpoint {checkpoint} is damaged" in str(error)  # noqa: PT017
        except TypeError:
            assert kind == "delete"
        else:
            for value, before in zip(received, expected, strict=True):
                np.testing.assert_array_equal(value, before)
        assert time.monotonic() - began < 10, kind
        shutil.rmtree(checkpoint) if checkpoint.is_dir() else checkpoint.unlink(missing_ok=True)
        checkpoint.write_bytes(content)
    assert refused
    assert peak_memory.mebibytes() - memory < 1024


# Locks


@pytest.mark.attack(
    "`--resume` of a run that is being trained", "refused, with who trains it; nothing changes"
)
def test_a_run_is_trained_by_one_process(run, locks, capfd):
    process = locks(run / "run")
    before = trained.contents(run)
    line = the_line(capfd, "train", "--resume", "--run-dir", run, "--steps", 30)
    assert f"{run} is in use by process {process} on " in line
    assert trained.contents(run) == before


@pytest.mark.attack(
    "two commands with one `--output` at once", "the second is refused before it works"
)
def test_an_output_is_written_by_one_process(tmp_path, locks, capfd):
    output = tmp_path / "out"
    process = locks(output)
    (tmp_path / ".tfmeta-partial-out").write_text("half")
    commands = (
        ["episodes", "sinusoid", "--tasks", 2, "--output", output],
        ["optima", trained.sinusoid_run(), "--tasks", 2, "--output", output],
    )
    for command in commands:
        line = the_line(capfd, *command)
        assert f"{output} is in use by process {process} on" in line
    assert (tmp_path / ".tfmeta-partial-out").read_text() == "half"


@pytest.mark.attack(
    "what killed writers left beside episodes and exports", "the next writer removes it"
)
def test_leftovers_go_when_the_next_one_writes(tmp_path, locks, capfd):
    from tfmeta.exporting.writing import litert

    for name in ("episodes", "1.tflite", "2.tflite"):
        (tmp_path / f".tfmeta-partial-{name}").write_text("half")
        (tmp_path / f".tfmeta-lock-{name}").write_text("process 1")
    locks(tmp_path / "2.tflite")  # one that is still being written
    arguments = ["sinusoid", "--tasks", 2, "--output", tmp_path / "episodes"]
    assert trained.inside(capfd, "episodes", *arguments)[0] == 0
    (tmp_path / ".partial-77").mkdir()  # an older version's
    (tmp_path / ".tfmeta-partial-2.tflite").write_text("half")
    assert litert._write(tmp_path, b"content", {}) == tmp_path / "1.tflite"
    held = {".tfmeta-partial-2.tflite", ".tfmeta-lock-2.tflite"}
    assert {path.name for path in tmp_path.iterdir()} == {"episodes", "1.tflite", *held}
    assert litert._write(tmp_path, b"content", {}) == tmp_path / "3.tflite"


# Full disks


@pytest.mark.attack(
    "a disk that is full when a checkpoint is written",
    "one line; with room again the run goes on and ends in the same bits",
)
def test_a_checkpoint_on_a_full_disk(tmp_path, capfd):
    whole = tmp_path / "whole"
    assert trained.inside(capfd, "train", *SINUSOID, "--steps", 20, "--run-dir", whole)[0] == 0
    size = sum(path.stat().st_size for path in (whole / "checkpoints").iterdir()) // 1024
    with disks.full(tmp_path / "disk", size + 32) as fill:  # for three there is no room
        del fill
        run = tmp_path / "disk/run"
        line = the_line(capfd, "train", *SINUSOID, "--steps", 20, "--run-dir", run)
        assert line.startswith(f"Error: cannot write {run}/")
        assert "No space left on device" in line
        assert 0 < RunDirectory.open(run).step < 20
        assert not list(run.rglob(".tfmeta-*"))
        subprocess.run(["mount", "-o", "remount,size=8m", tmp_path / "disk"], check=True)
        assert trained.inside(capfd, "train", "--resume", "--run-dir", run)[0] == 0
        assert_same(run, whole)


@pytest.mark.attack(
    "a full or read-only disk for episodes, optima, exports, LiteRT files, contact sheets and "
    "streamed images",
    "one line, and nothing is left under any name",
)
@pytest.mark.parametrize("harm", ["full", "read-only"])
def test_outputs_on_a_disk_that_takes_none(harm, tmp_path, capfd, monkeypatch):
    from tfmeta.exporting.writing import litert
    from tfmeta.exporting.writing.exporter import export_learner

    disk, reason = tmp_path / "disk", {"full": "No space left", "read-only": "Read-only file"}[harm]
    learner = trained.learner_of(trained.sinusoid_run())
    monkeypatch.setenv("TFMETA_CACHE", str(disk / "cache"))
    streamed = ["image-folder", "--data-dir", trained.support_folder(), "--ways", 1, "--queries", 1]
    commands = [
        ["episodes", "glyphs", "--tasks", 20, "--output", disk / "episodes"],
        ["optima", trained.sinusoid_run(), "--tasks", 50, "--output", disk / "optima"],
        ["inspect", "glyphs", "--contact-sheet", disk / "sheet.png"],
        ["inspect", *streamed, "--set", "pipeline.stream=true"],
    ]
    with disks.full(disk, 64, left=8) as fill:
        fill()
        before = trained.contents(disk)
        with disks.read_only(disk) if harm == "read-only" else _nothing():
            for command in commands:
                line = the_line(capfd, *command)
                assert line.startswith(f"Error: cannot write {disk}/"), line
                assert reason in line, line
            with pytest.raises(UserError, match=f"cannot write .*{reason}.*--output"):
                export_learner(learner, disk / "exported", is_regression=True)
            with pytest.raises(UserError, match=f"cannot write .*{reason}.*--output"):
                litert._write(disk / "lite", b"x" * 100_000, {})
        assert trained.contents(disk) == before


class _nothing:
    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


# Signals and pipes


@contextlib.contextmanager
def training(run, *arguments, shell=""):
    """`tfmeta train` in a process, or a shell's pipe of it."""
    parts = [*trained.COMMAND, "train", *SINUSOID, "--run-dir", run, *arguments]
    command = shlex.join(map(str, parts))
    process = subprocess.Popen(
        ["bash", "-c", f"{'exec ' * (not shell)}{command} {shell}"],
        stderr=subprocess.PIPE,
        text=True,
        # As in a terminal, even where the tests run under nohup, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.attack(
    "a terminal that is closed (SIGHUP, twice as shells do) or a polite kill, amid training",
    "a checkpoint, then the end; `--resume` goes on",
)
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_hang_up_leaves_a_checkpoint(number, tmp_path):
    metrics = tmp_path / "run/metrics.jsonl"
    endless = ["--steps", 10**6, "--set", "checkpoint_seconds=1000"]
    with training(tmp_path / "run", *endless) as process:
        while not metrics.exists():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(number)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1, errors
    assert "interrupted at step" in errors
    lines = metrics.read_text().splitlines()
    assert RunDirectory.open(tmp_path / "run").step == json.loads(lines[-1])["step"] > 0


@pytest.mark.attack(
    "standard error that is closed, or a pipe whose reader goes away, amid training",
    "training goes on to its end, in silence",
)
@pytest.mark.parametrize("shell", ["2>&-", "2>&1 | true; exit ${PIPESTATUS[0]}"])
def test_nobody_need_listen(shell, tmp_path):
    with training(tmp_path / "run", "--steps", 12, shell=shell) as process:
        assert process.communicate(timeout=120)[1] == ""
    assert process.returncode == 0
    assert RunDirectory.open(tmp_path / "run").step == 12
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [4, 8, 12]


def test_nohup_is_respected():
    from tfmeta.commands.train import _Interruption

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with _Interruption(None):
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_checkpoint_says_how_long_it_took_and_is_a_keras_file(run):
    (checkpoint,) = (run / "checkpoints").iterdir()
    with zipfile.ZipFile(checkpoint) as archive:
        minutes = json.loads(archive.read("training.json"))["minutes"]
    assert 0 < minutes == RunDirectory.open(run).minutes
    assert isinstance(tfmeta.load(checkpoint), tfmeta.MAML)
