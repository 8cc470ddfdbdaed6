"""Every command and every example of the guide runs, page by page, from the pages' own text.

A block ```sh or ```python is run, unless a comment `<!-- not run: REASON -->` stands before it.
The numbers are small: a run has a few steps and an evaluation a few tasks, whatever the page says.
"""

import glob
import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from drifting import arrays
from PIL import Image
from recordings import make_sounds
from trained import call
from trained import run as run_process

from tfmeta.cli import main
from tfmeta.evaluation import held_out
from tfmeta.workflows import learn_exports

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
PAGES = sorted(path.name for path in GUIDE.glob("*.md"))
# Options that are added behind those of the page, where they win.
SMALL = {
    "train": ["--steps", "4", "--meta-batch", "2", "--set", "validation_tasks=0"],
    "evaluate": ["--tasks", "5", "--no-baselines"],
    "compare": ["--tasks", "5"],
    "robustness": ["--tasks", "2"],
    "export": ["--calibration-tasks", "4"],
    "episodes": ["--tasks", "5"],
    "optima": ["--tasks", "4", "--steps", "2"],
    "replay": ["--step", "2"],
    "report": ["--tasks", "5", "--no-sizes"],
}
SMALL_IMAGES = [  # for a pipeline of images
    *("--set", "network.filters=4", "--set", "network.num_blocks=2"),
    *("--set", "train_ways=5", "--set", "train_queries=1"),
]
SMALL_CALLS = {
    "steps=200": "steps=4, meta_batch=2, train_ways=5, "
    "network_options={'filters': 4, 'num_blocks': 2}",
    "num_outputs=5)": "num_outputs=5, filters=4, num_blocks=2)",
    "=600": "=5, baselines=False",
    'output="exported/notebook"': 'output="exported/notebook", calibration_tasks=4',
    "epoch=100": "epoch=2",
    '"steps": 100': '"steps": 4',
}
SMALL_DENSE = ["--set", "learner.vectorised=false"]  # for others: without the wait for XLA
_TAKES_NO_NUMBERS = {"--episodes", "litert"}
_BLOCK = re.compile(r"(<!-- not run: [^>]+ -->\n)?^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r'"""(\w+\.py):')


def blocks(page, kind, *, run=True):
    """The texts of a page's blocks of a kind that are to be run, or that are not."""
    found = _BLOCK.findall((GUIDE / page).read_text())
    return [text for skipped, language, text in found if language == kind and run != bool(skipped)]


def files(page):
    """`{name: text}` of the Python blocks that begin with the name of a file."""
    named = ((_FILE.match(code), code) for code in blocks(page, "python"))
    return {match[1]: code for match, code in named if match}


def cells(page):
    """The other Python blocks."""
    return [code for code in blocks(page, "python") if not _FILE.match(code)]


def write_files(page, folder):
    for name, code in files(page).items():
        (folder / name).write_text(code)


def commands(block):
    """Each command of a block, in words, with its file patterns as they are."""
    lines = block.replace("\\\n", " ").splitlines()
    return [words for words in (shlex.split(line, comments=True) for line in lines) if words]


def write_images(folder, pattern, rng, number):
    folder.mkdir(parents=True, exist_ok=True)
    for example in range(number):
        pixels = (3 * pattern + rng.integers(0, 256, pattern.shape)) // 4
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{example}.png")


def test_pages_that_train_alike_alone_share_a_run():
    """Pages share a folder of runs, and a run is made once per command."""
    made = {}
    for page in PAGES:
        for words in (each for block in blocks(page, "sh") for each in commands(block)):
            if (
                words[:2] == ["tfmeta", "train"]
                and "--run-dir" in words
                and "--resume" not in words
            ):
                run = words[words.index("--run-dir") + 1]
                assert made.setdefault(run, words) == words, f"{page}: {run} is another page's"
    assert len(made) > 5


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """What the guide takes for the user's own data."""
    folder = tmp_path_factory.mktemp("own")
    rng = np.random.default_rng(0)
    for number in range(35):
        pattern = rng.integers(0, 256, (12, 12))
        write_images(folder / "photos" / f"class{number:02d}", pattern, rng, 24)
        if number < 3:
            write_images(folder / "new-classes" / f"class{number:02d}", pattern, rng, 1)
            write_images(folder / "kept-back" / f"class{number:02d}", pattern, rng, 2)
    write_images(folder, pattern, rng, 1)
    (folder / "0.png").rename(folder / "new.png")
    make_sounds(folder / "sounds", groups=7, classes=5, sounds=20)
    shutil.copytree(folder / "sounds" / "voice0", folder / "new-words")
    shutil.copy(folder / "sounds" / "voice1" / "word0" / "0.wav", folder / "new-word.wav")
    kinds = [f"kind{number:02d}" for number in range(35) for _ in range(20)]
    for name, header in (("plants", "species,length,width"), ("ratings", "user,age,rating")):
        numbers = zip(kinds, rng.normal(size=(700, 2)), strict=True)
        rows = [f"{kind},{a:.4f},{b:.4f}" for kind, (a, b) in numbers]
        (folder / f"{name}.csv").write_text("\n".join([header, *rows]))
    np.savez(folder / "robot.npz", **arrays(length=30))
    texts = [f"word{kind} about thing{rng.integers(9)},{kind}" for kind in kinds]
    (folder / "intents.csv").write_text("\n".join(["text,intent", *texts]))
    few = [each for kind in ("kind00", "kind01") for each in texts if each.endswith(kind)]
    for name, rows in (("new", few[10:30]), ("kept", few[5:35])):
        (folder / f"{name}-intents.csv").write_text("\n".join(["text,intent", *rows]))
    return folder


@pytest.fixture(scope="module")
def done():
    """The commands that have been run."""
    return []


@pytest.fixture
def place(data, monkeypatch, kept_exports):
    """The working folder, with the user's data in it and what other pages' commands made.

    `test_learn.py` and its neighbours have the exports of `learn` verified. Of images that takes
    25 s of the processor, and so long do logistic regressions of 35 kinds of plants.
    """
    monkeypatch.setattr(held_out, "_MOST_WORK", 1e9)
    monkeypatch.setattr(learn_exports, "verify_export", lambda _: {"ok": True, "checks": []})
    monkeypatch.chdir(data)
    monkeypatch.syspath_prepend(str(data))
    return data


def run(words):
    """One command of the guide; `tfmeta` in this process."""
    words = [file for word in words for file in (sorted(glob.glob(word)) or [word])]
    if words[0] == "tfmeta":
        options = SMALL.get(words[1], [])
        if words[1] == "train" and {"glyphs", "image-folder", "audio-folder"} & {*words[2:]}:
            is_own = any(word.startswith("network=") for word in words)
            options = [*options, *(SMALL_IMAGES[4:] if is_own else SMALL_IMAGES)]
        if words[1] == "train" and {"sinusoid", "arrays", "regression", "text"} & {*words[2:]}:
            options = [*options, *SMALL_DENSE]
        if words[1] == "learn":
            options = ["--network", "conv4"] if words[2] == "new-classes" else []
        try:
            return call(*words[1:], *([] if _TAKES_NO_NUMBERS & {*words} else options))
        except SystemExit as end:  # of a command that says by its status what it found
            if end.code:
                raise
            return None
    assert words[:2] == ["python", "-m"], f"the guide has a command of an unknown kind: {words}"
    ended = run_process([sys.executable, *words[1:]])
    assert ended.returncode == 0, ended.stderr
    return None


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "sh")])
def test_the_commands_of_a_page_run(page, place, done):
    write_files(page, place)
    for words in [words for block in blocks(page, "sh") for words in commands(block)]:
        if words not in done:  # two pages that begin alike share what they made
            run(words)
            done.append(words)


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if cells(p)])
def test_the_notebook_of_a_page_runs(page, place):
    """A page's Python blocks that are no files, one after another, as cells."""
    write_files(page, place)
    run_cells(cells(page), page)


def run_cells(code, name):
    """But for `verify`, which takes 15 s of the processor, and runs in `test_workflows.py`."""
    code = "\n".join(code).replace("assert tfmeta.verify(", "assert str(")
    for number, small in SMALL_CALLS.items():
        code = code.replace(number, small)
    exec(compile(code, name, "exec"), {"__name__": "notebook"})


def cells_of_the_notebook():
    notebook = json.loads((GUIDE / "notebook.ipynb").read_text())
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(place):
    run_cells(cells_of_the_notebook(), "notebook.ipynb")


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_may_not_be_run_have_options_that_there_are(page):
    for block in [*blocks(page, "sh"), *blocks(page, "sh", run=False)]:
        for words in commands(block):
            if words[0] == "tfmeta":
                main.commands[words[1]].make_context(words[1], words[2:])
