"""Small trained runs, their exports and copies of them, made once a session."""

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from made_once import made_once
from PIL import Image, ImageDraw

CLASSES = ("arrow", "bar", "cross", "disc", "ring")
SMALL = ["--set", "network.filters=8", "--set", "network.num_blocks=2"]
TINY = ["--steps", "20", "--meta-batch", "4", "--set", "validation_tasks=0"]
# At this size the compilation is all the time, and that of whoever goes on with a run.
WITHOUT_XLA = ["--set", "learner.vectorised=false"]
AS_IT_IS = ["--calibration-tasks", "0"]  # the probabilities are then a run's own
COMMAND = [sys.executable, "-c", "from tfmeta.cli import main; main(prog_name='tfmeta')"]


def tfmeta(*arguments, cwd=None, **environment) -> subprocess.CompletedProcess:
    """`tfmeta ARGUMENTS` in a process of its own."""
    return run([*COMMAND, *arguments], cwd=cwd, **environment)


def run(command, cwd=None, **environment) -> subprocess.CompletedProcess:
    command = [str(part) for part in command]
    environment = {**os.environ, **{k: str(v) for k, v in environment.items()}}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)  # users have none either
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def call(*arguments) -> None:
    """`tfmeta ARGUMENTS` in this process; for what must go well."""
    from tfmeta.cli import main

    main([str(argument) for argument in arguments], standalone_mode=False)


def inside(capfd, *arguments) -> tuple[int, str, str]:
    """Status, standard output and standard error of `tfmeta ARGUMENTS` in this process.

    What TensorFlow's C++ writes is in it; what it writes when it starts is not. Nothing that loads
    an export may run here.
    """
    from tfmeta.cli import main

    capfd.readouterr()
    status = 0
    try:
        main([str(argument) for argument in arguments], prog_name="tfmeta")
    except SystemExit as exit:
        status = exit.code
    return status, *capfd.readouterr()


# Runs


@made_once("runs/glyphs")
def glyph_run(path):
    one_step = ["--set", "learner.test_inner_steps=1"]  # its export is traced and loaded sooner
    call("train", "glyphs", *TINY, "--queries", 1, *SMALL, *one_step, "--run-dir", path)


@made_once("runs/prototypical")
def prototypical_run(path):
    """Nothing is trained, with the tasks of `glyph_run`."""
    small = ["--set", "network.filters=4", "--steps", 0, "--set", "validation_tasks=0"]
    learner = ["--algorithm", "prototypical", "--queries", 1]
    call("train", "glyphs", *learner, *small, "--run-dir", path)


@made_once("runs/sinusoid")
def sinusoid_run(path):
    steps = ["--shots", 5, "--inner-steps", 2, *WITHOUT_XLA]
    call("train", "sinusoid", *TINY, *steps, "--run-dir", path)


@functools.cache
def learner_of(run_dir):
    import tfmeta

    return tfmeta.load(run_dir)


# Exports: each is the folder of a model, with version 1 in it.


@made_once("exported/learner")
def learner_export(path):
    call("export", glyph_run(), *AS_IT_IS, "--output", path)


@made_once("exported/adapted")
def adapted_export(path):
    support = support_folder()
    kind = ["--kind", "adapted", "--support", support]
    call("export", glyph_run(), *kind, *AS_IT_IS, "--output", path)


@made_once("exported/sinusoid")
def sinusoid_export(path):
    call("export", sinusoid_run(), "--output", path)


# Images


@made_once("support")
def support_folder(path):
    """Two drawings of each of `CLASSES`."""
    for label, name in enumerate(CLASSES):
        (path / name).mkdir(parents=True)
        for number in range(2):
            draw(label, number).save(path / name / f"{number}.png")


def query_files() -> tuple[Path, ...]:
    """One more drawing of each class, the first two of other sizes, modes and formats."""
    return tuple(sorted(_queries().iterdir()))


@made_once("queries")
def _queries(path):
    path.mkdir()
    draw(0, 2, size=90).convert("RGB").save(path / "arrow.jpg", quality=95)
    draw(1, 2, size=60).convert("RGBA").save(path / "bar.png")
    for label in (2, 3, 4):
        draw(label, 2).save(path / f"{CLASSES[label]}.png")


def draw(label: int, number: int, *, size: int = 28) -> Image.Image:
    """A grey drawing of class `label`, white on black, a little different for each number."""
    image = Image.new("L", (size, size))
    pen = ImageDraw.Draw(image)
    unit, shift = size / 28, number - 1

    def scaled(*points):
        return [(p + shift) * unit for p in points]

    width = max(1, round((2 + number) * unit))
    if label == 0:
        pen.line(scaled(5, 22, 14, 5, 23, 22), 255, width)
    elif label == 1:
        pen.line(scaled(14, 3, 14, 25), 255, width)
    elif label == 2:
        pen.line(scaled(4, 14, 24, 14), 255, width)
        pen.line(scaled(14, 4, 14, 24), 255, width)
    else:
        pen.ellipse(scaled(5, 5, 22, 22), 255 if label == 3 else 0, 255, width)
    return image


def version_of(export) -> Path:
    return export if (export / "saved_model.pb").is_file() else export / "1"


# Copies to do harm to


def copy_of(export, target) -> Path:
    """A copy of an export's version as `target/1`; returns the version's folder."""
    shutil.copytree(version_of(export), target / "1")
    return target / "1"


def rewrite_manifest(version) -> None:
    """Makes the manifest agree with whatever the files are now."""
    manifest = version / "tfmeta.json"
    facts = json.loads(manifest.read_text())
    facts["files"] = {name: digest(version / name) for name in facts["files"]}
    manifest.write_text(json.dumps(facts))


def as_of_before(run, minutes: float = 0.5):
    """Lays a run out as the first versions did: its progress beside its checkpoints."""
    checkpoints = sorted((run / "checkpoints").iterdir())
    for path in checkpoints:
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name in entries.keys() - {"training.json"}:
                archive.writestr(name, entries[name])
    step = int(checkpoints[-1].stem.removeprefix("step-"))
    (run / "progress.json").write_text(json.dumps({"step": step, "minutes": minutes}, indent=2))
    return run


def digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(path) -> dict:
    """Every file below `path`, by its digest: equal before and after means nothing changed."""
    return {str(p.relative_to(path)): digest(p) for p in sorted(path.rglob("*")) if p.is_file()}


def flip_byte(path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(bytes(content))


def random_images(*shape, seed: int = 0) -> np.ndarray:
    """`(*shape, 28, 28, 1)` in [0, 1]."""
    return np.random.default_rng(seed).random((*shape, 28, 28, 1), dtype=np.float32)


def error_line(done, status):
    """The one line of a process that failed."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    return line
