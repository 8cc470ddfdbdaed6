"""`tfmeta inspect` on photographs: what is wrong is named before anything trains."""

import shutil
from collections import Counter

import numpy as np
import pytest
from inspecting import SMALL, inspect, refusal_of_training, run
from photographs import KINDS, make_photographs
from PIL import Image

from tfmeta import pipelines
from tfmeta.episodes.splitting import split_classes
from tfmeta.inspection.contact_sheet import draw_sheet
from tfmeta.reading.image_format import ImageFormat

NUM_CLASSES = 32
TRAIN = [f"class{number:02d}" for number in split_classes(NUM_CLASSES)["train"]]
CORRUPT, TWINS, LONE = f"{TRAIN[0]}/00.jpg", TRAIN[1:3], TRAIN[3]
COPY = f"{TWINS[1]}/[red]copy.png"  # a name that rich would take for its markup


# Photographs with all that can be wrong


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """32 classes of 20 photographs, of mixed sizes, modes and formats; nothing is wrong."""
    folder = tmp_path_factory.mktemp("photographs") / "photos"
    make_photographs(folder, NUM_CLASSES)
    return folder


@pytest.fixture(scope="module")
def damaged(photographs, tmp_path_factory):
    """The same with one corrupt file, one picture in two classes, and one class of one image."""
    folder = tmp_path_factory.mktemp("damaged") / "photos"
    shutil.copytree(photographs, folder)
    (folder / CORRUPT).write_bytes((folder / CORRUPT).read_bytes()[:300])
    with Image.open(folder / TWINS[0] / "04.bmp") as image:
        image.save(folder / COPY)  # the same picture, though not the same file
    for path in (folder / LONE).iterdir():
        if path.name != "00.jpg":
            path.unlink()
    (folder / "notes.txt").write_text("by the third of May")
    return folder


def test_every_defect_is_named(damaged):
    report = inspect("image-folder", "--data-dir", damaged, *SMALL, status=1)
    (unreadable,) = report["unreadable"]
    assert unreadable["name"] == CORRUPT
    assert "cannot be read" in unreadable["problem"]
    (twins,) = report["duplicates"].pop("across_classes")
    assert twins == [
        {"name": f"{TWINS[0]}/04.bmp", "class": TWINS[0], "split": "train"},
        {"name": COPY, "class": TWINS[1], "split": "train"},
    ]
    assert report["duplicates"] == {"across_splits": [], "within_class": []}
    assert report["small_classes"] == {"train": {LONE: 1}, "validation": {}, "test": {}}
    assert report["passed_over"] == ["notes.txt"]
    assert not report["ready"]
    assert report["contact_sheet"]["file"] is None


def test_every_defect_is_named_in_80_columns(damaged):
    result = run("inspect", "image-folder", "--data-dir", damaged, *SMALL)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    rows = {tuple(line.split()) for line in lines}
    assert {(f"{TWINS[0]}/04.bmp", TWINS[0], "train"), (COPY, TWINS[1], "train")} <= rows
    assert {(LONE, "1", "train"), ("notes.txt",)} <= rows
    assert any(row[:4] == (CORRUPT, "cannot", "be", "read") for row in rows)
    assert "`tfmeta train` would refuse this data" in result.stdout
    assert "contact sheet: none, because no training episode can be drawn" in result.stdout


@pytest.mark.slow
def test_the_refusals_are_those_of_training(damaged):
    data = ("image-folder", "--data-dir", damaged, *SMALL)
    unreadable, small = inspect(*data, status=1)["refusals"]
    assert CORRUPT in unreadable
    assert LONE in small
    assert refusal_of_training(*data) == unreadable
    assert refusal_of_training(*data, "--skip-unreadable") == small
    error = run("inspect", *data).stderr
    assert error == f"Error: {unreadable} (and 1 more; see the report)\n"
    assert run("inspect", *data, "--skip-unreadable").stderr == f"Error: {small}\n"


def test_what_is_to_be_left_out_is_a_warning(damaged):
    skips = ("--skip-unreadable", "--skip-small-classes")
    report = inspect("image-folder", "--data-dir", damaged, *SMALL, *skips)
    warnings = "\n".join(report["warnings"])
    assert "files that can't be read, and are left out: 1" in warnings
    assert "files beside the class folders, passed over: 1" in warnings
    assert "duplicates across classes: 1; their labels contradict each other" in warnings
    assert "1 shot and 15 queries: 1; left out" in warnings


def test_without_its_defects_the_data_is_ready_to_train(damaged, tmp_path):
    mended = shutil.copytree(damaged, tmp_path / "mended")
    for name in (CORRUPT, COPY, "notes.txt"):
        (mended / name).unlink()
    shutil.rmtree(mended / LONE)
    report = inspect("image-folder", "--data-dir", mended, *SMALL)
    assert (report["ready"], report["warnings"]) == (True, [])
    assert run("inspect", "image-folder", "--data-dir", mended, *SMALL).exit_code == 0


def test_photographs_are_described(photographs):
    report = inspect("image-folder", "--data-dir", photographs, "--algorithm", "maml")
    assert [(s, each["classes"]) for s, each in report["splits"].items()] == [
        ("train", 21),
        ("validation", 5),
        ("test", 6),
    ]
    train = report["splits"]["train"]
    assert train.pop("examples_per_class") == {"min": 20, "median": 20, "max": 20}
    assert train == {"classes": 21, "examples": 420, "groups": None}
    heights, sizes, modes = [], set(), Counter()
    for path in photographs.rglob("*.*"):
        with Image.open(path) as image:
            heights.append(image.height)
            sizes.add(image.size)
            modes[image.mode] += 1
    images, median = report["images"], np.median(heights)
    assert images["height"] == {"min": min(heights), "median": median, "max": max(heights)}
    assert (images["distinct_sizes"], images["modes"]) == (len(sizes), modes)
    assert set(modes) == {mode for mode, _ in KINDS}
    size = {"height": 84, "width": 84, "channels": 3, "invert": False}
    assert report["format"] == ImageFormat(**size).to_dict()
    assert report["memory"] == {
        "examples_bytes": NUM_CLASSES * 20 * 84 * 84 * 3,
        "on_disk": False,
        "meta_batch_bytes": 32 * 5 * 16 * 84 * 84 * 3 * 4,
    }


def test_photographs_can_be_told_apart(photographs):
    index = pipelines.build("image-folder", data_dir=photographs, options={"size": 8}).index
    x = index.examples.astype(float).mean(-1).reshape(NUM_CLASSES, 20, -1)
    x -= x.mean(-1, keepdims=True)
    means = x[:, ::2].mean(1)
    nearest = np.argmin(((x[:, 1::2, np.newaxis] - means) ** 2).sum(-1), -1)
    assert np.mean(nearest == np.arange(NUM_CLASSES)[:, np.newaxis]) > 0.9


def test_streamed_photographs_are_on_disk_and_have_the_same_report(damaged, monkeypatch):
    monkeypatch.setenv("TFMETA_CACHE", str(damaged.parent / "cache"))
    data = ("image-folder", "--data-dir", damaged, *SMALL)
    report = inspect(*data, status=1)
    streamed = inspect(*data, "--set", "pipeline.stream=true", status=1)
    assert streamed["memory"].pop("on_disk") is True
    assert report["memory"].pop("on_disk") is False
    held = report["memory"].pop("examples_bytes")
    assert 0.5 * held < streamed["memory"].pop("examples_bytes") < held  # compressed
    assert streamed == report


# The contact sheet


def test_the_contact_sheet_shows_the_episodes_and_replaces_its_like_alone(photographs, tmp_path):
    data = ("image-folder", "--data-dir", photographs, *SMALL, "--ways", "2-3", "--shots", 2)
    first = tmp_path / "image-folder-contact-sheet.png"
    assert inspect(*data)["contact_sheet"] == {"file": first.name, "skipped": None}
    with Image.open(first) as image:
        assert image.info["Software"] == "tfmeta inspect"
        columns, cell = 2 + 5, 80  # of 16 pixels, five times as large
        assert image.width > columns * cell
        assert image.height > 3 * 2 * cell
    before = first.read_bytes()
    Image.new("RGB", (8, 8)).save(first)
    mine = first.read_bytes()
    result = run("inspect", *data)
    assert result.exit_code == 2
    assert "is there already and is no contact sheet of tfmeta inspect" in result.stderr
    assert first.read_bytes() == mine
    first.write_bytes(before)
    assert run("inspect", *data).stdout.endswith(f"contact sheet: {first.name}\n")
    assert first.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [first.name]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_holds_the_pixels_of_the_episode(channels):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (2, 6, 28, 14, channels)) / 255
    labels = np.array([[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, -1, -1]])
    sheet = np.asarray(draw_sheet([x, labels, x[:, ::2], labels[:, ::2]], "two episodes"))
    for task, example in np.argwhere(labels >= 0):
        pixels = np.round(255 * x[task, example]).astype(np.uint8)
        assert holds(sheet, np.broadcast_to(pixels, (28, 14, 3)).repeat(3, 0).repeat(3, 1))
    padding = np.round(255 * x[1, 5]).astype(np.uint8)
    assert not holds(sheet, np.broadcast_to(padding, (28, 14, 3)).repeat(3, 0).repeat(3, 1))


def holds(sheet, cell):
    """Whether a picture `(height, width, 3)` has that one in it."""
    height, width = cell.shape[:2]
    corners = np.argwhere((sheet[:-height, :-width] == cell[0, 0]).all(-1))
    return any(np.array_equal(sheet[y : y + height, x : x + width], cell) for y, x in corners)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "unknown pipeline 'nope'"),
        (["glyphs", "--set", "ways=3"], "received --set ways; expected an option of the pipeline"),
        (["glyphs", "--set", "pipeline.size=3"], "has no option 'size'"),
        (["glyphs", "--contact-sheet", "sheet.jpg"], "expected a file name that ends in .png"),
        (["glyphs", "--contact-sheet", "no/sheet.png"], "there is no folder no;"),
        (["image-folder", "--data-dir", "missing"], "missing is no folder"),
    ],
)
def test_a_wrong_command_is_refused(arguments, message):
    result = run("inspect", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
