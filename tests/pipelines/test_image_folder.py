"""A user's own images: what may be in the folder, and that nothing is dropped in silence."""

import json
import re
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from closeness import assert_same_answers
from drawn_episodes import drawn, same
from nightly import second_road
from photographs import make_photographs
from PIL import Image

from tfmeta.cli import main
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.errors import UserError
from tfmeta.pipelines import build
from tfmeta.reading import image_files
from tfmeta.reading.image_format import ImageFormat


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


def make(root, *classes, images=3, colour=False):
    """A folder a class, with images of noise."""
    rng = np.random.default_rng(len(classes))
    for name in classes:
        for number in range(images):
            shape = (9, 7, 3) if colour else (9, 7)
            write(root / name / f"{number}.png", rng.integers(0, 100, shape))
    return root


def folder(root, **options):
    return build("image-folder", data_dir=str(root), options=options)


def test_class_folders_are_split_by_class(tmp_path):
    index = folder(make(tmp_path, *"jihgfedcba")).index
    assert index.class_names == tuple("abcdefghij")
    assert np.bincount(index.labels).tolist() == [3] * 10
    assert {split: len(classes) for split, classes in index.splits.items()} == {
        "train": 6,
        "validation": 2,
        "test": 2,
    }
    again = folder(tmp_path).index.named_splits()
    assert again == index.named_splits()
    others = [folder(tmp_path, split_seed=seed).index.named_splits() for seed in range(1, 4)]
    assert any(other != again for other in others)
    counted = folder(tmp_path, validation=1, test=5).index
    assert [len(counted.splits[s]) for s in ("train", "validation", "test")] == [4, 1, 5]


def test_groups_are_found_and_not_torn_apart(tmp_path):
    names = [f"{group}/{name}" for group in "pqrst" for name in "xyz"]
    index = folder(make(tmp_path, *names)).index
    assert index.class_names == tuple(names)
    assert (index.group_names, index.groups.tolist()) == (tuple("pqrst"), sorted([*range(5)] * 3))
    sides = [{index.groups[c] for c in classes} for classes in index.splits.values()]
    assert sum(map(len, sides)) == 5
    assert all(sides)
    by_class = folder(tmp_path, split_by="class").index
    assert sum(len({by_class.groups[c] for c in p}) for p in by_class.splits.values()) > 5
    drawn(folder(tmp_path), "all", EpisodeShape(3, 1, 1, within_group=True))


@pytest.mark.parametrize("validation", ["val", "valid", "validation"])
def test_split_folders_are_the_splits(tmp_path, validation):
    make(tmp_path, "train/a", "train/b", "test/c", f"{validation}/d")
    assert folder(tmp_path).index.named_splits() == {
        "train": ["a", "b"],
        "validation": ["d"],
        "test": ["c"],
    }


def test_split_folders_may_hold_groups(tmp_path):
    make(tmp_path, "train/p/a", "train/p/b", "test/q/a")
    assert folder(tmp_path).index.named_splits()["test"] == ["q/a"]


@pytest.mark.parametrize(
    ("classes", "options", "message"),
    [
        ((), {}, r"has no class folders; expected a folder of images for each class"),
        (("a", "b/c"), {}, r"b holds folders and .*a holds files; expected class folders at one"),
        (("train/a", "test/a"), {}, r"class a of .* is in the splits test and train"),
        (
            ("a/b/c",),
            {},
            r"class folder .*a/b has a folder in it, c; .* move the files up .* as b-c",
        ),
        (("a", "b"), {}, r"1 class for validation and 1 for test leave none of 2 for training"),
        (("a", "b"), {}, r"Add more, or learn so few without training: tfmeta learn DATA$"),
        (("a", "b", "c"), {"split_by": "group"}, r"there are no groups; expected 'class'"),
        (("a", "b", "c"), {"split_by": "size"}, r"split_by='size'; expected 'auto', 'class'"),
        (("a", "b", "c"), {"test": -1}, r"pipeline.test=-1; expected a share from 0 to 1"),
        (("a", "b", "c"), {"test": 1.5}, r"pipeline.test=1.5; expected a whole number"),
        (("a", "b", "c"), {"size": "large"}, r"pipeline.size='large'"),
        (("a", "b", "c"), {"channels": 2}, r"pipeline.channels=2; expected pixels"),
    ],
)
def test_what_is_no_dataset_is_refused(tmp_path, classes, options, message):
    with pytest.raises(UserError, match=message):
        folder(make(tmp_path, *classes), **options)


def test_pixels_that_are_too_many_for_the_memory_are_kept_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("TFMETA_CACHE", str(tmp_path / "cache"))
    make(tmp_path / "photos", "a", "b", "c")
    monkeypatch.setattr(image_files, "most_in_memory", lambda: 9 * 16 * 16 * 3)
    source = folder(tmp_path / "photos", size=16, channels=3)
    assert isinstance(source.index.examples, np.ndarray)
    assert source.left_out({}) == []
    monkeypatch.setattr(image_files, "most_in_memory", lambda: 9 * 16 * 16 * 3 - 1)
    source = folder(tmp_path / "photos", size=16, channels=3)
    assert not isinstance(source.index.examples, np.ndarray)
    (line,) = source.left_out({})
    assert line.startswith(f"pixels are kept on disk, in {tmp_path / 'cache'}, and not in memory")
    asked = folder(tmp_path / "photos", size=16, channels=3, stream=False)
    assert isinstance(asked.index.examples, np.ndarray)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="nowhere is no folder; expected one with a folder"):
        folder(tmp_path / "nowhere")
    with pytest.raises(UserError, match="needs its folder: --data-dir DIR"):
        build("image-folder")


def test_the_format_is_seen_from_the_images(tmp_path):
    dark = make(tmp_path / "dark", *"abc")
    assert folder(dark).input_format == ImageFormat(28, 28, 1, False)
    bright = tmp_path / "bright"
    for name in "abc":
        write(bright / name / "0.png", np.full((5, 5), 250))
    seen = folder(bright)
    assert seen.input_format == ImageFormat(28, 28, 1, True)
    assert seen.index.examples.max() == 5  # ink high, the paper dark
    assert folder(bright, invert=False).index.examples.min() == 250
    pinned = folder(dark, size=20).pinned_options
    assert pinned == {"channels": 1, "invert": False, "deep_range": [0, 65535]}
    make(dark, "d", colour=True)
    assert folder(dark).input_format == ImageFormat(84, 84, 3, False)
    assert folder(dark, size=20, **pinned).input_format == ImageFormat(20, 20, 1, False)
    assert folder(dark, size=[20, 30], channels=1).input_format == ImageFormat(20, 30, 1, False)


def test_files_that_are_no_images_are_refused_or_named(tmp_path):
    make(tmp_path, *"abcd")
    (tmp_path / "b" / "note.txt").write_text("not an image")
    whole = (tmp_path / "c" / "1.png").read_bytes()
    (tmp_path / "c" / "1.png").write_bytes(whole[:40])
    (tmp_path / "README").write_text("beside the classes")
    (tmp_path / "a" / ".hidden").write_text("passed over")
    with pytest.raises(
        UserError, match=r"2 files can't be read: b/note.txt, c/1.png: each is no image"
    ):
        folder(tmp_path)
    source = build("image-folder", data_dir=str(tmp_path), skip_unreadable=True)
    assert np.bincount(source.index.labels).tolist() == [3, 3, 2, 3]
    origins = source.index.origins
    assert [name for name, _ in origins.unreadable] == ["b/note.txt", "c/1.png"]
    assert origins.passed_over == ("README", "a/.hidden")
    assert origins.names[6:8] == ("c/0.png", "c/2.png")
    lines = source.left_out({})
    assert len(lines) == 3
    assert lines[2] == "not used: 2 other entries: README, a/.hidden"
    assert "b/note.txt" in lines[0]


def test_an_example_is_the_file_as_serving_would_decode_it(tmp_path):
    make_photographs(tmp_path / "photos", num_classes=4, num_examples=7)
    source = folder(tmp_path / "photos", size=20)
    from tfmeta.reading.support_set import read_image

    for number, name in enumerate(source.index.origins.names):
        served = source.input_format.decode(read_image(tmp_path / "photos" / name)).numpy()
        assert np.array_equal(source.index.examples[number], served)


def test_streamed_episodes_are_those_in_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("TFMETA_CACHE", str(tmp_path / "cache"))
    make_photographs(tmp_path / "photos", num_classes=5, num_examples=6)
    shape = EpisodeShape(2, 1, 2)
    in_memory = folder(tmp_path / "photos", size=16)
    for _ in range(2):  # written, then found
        streamed = folder(tmp_path / "photos", size=16, stream=True)
        assert not isinstance(streamed.index.examples, np.ndarray)
        assert streamed.index.origins.names == in_memory.index.origins.names
        assert np.array_equal(streamed.index.origins.sizes, in_memory.index.origins.sizes)
        for split in ("train", "all"):
            assert same(drawn(in_memory, split, shape), drawn(streamed, split, shape))
        assert len(list((tmp_path / "cache").iterdir())) == 1
    first = next((tmp_path / "photos").glob("*/*"))
    write(first.with_suffix(".png"), np.zeros((4, 4)))
    assert len(folder(tmp_path / "photos", size=16, stream=True).index.labels) == 31
    assert len(list((tmp_path / "cache").iterdir())) == 2


def trained_on_photographs(tmp_path):
    """The photographs and a run on them, which was refused without two flags."""
    photos, run = tmp_path / "photos", tmp_path / "run"
    make_photographs(photos, num_classes=10, num_examples=6)
    (photos / "class03" / "00.jpg").write_bytes(b"\xff\xd8\xff corrupt")
    lone = photos / "class05"
    for path in sorted(lone.iterdir())[1:]:
        path.unlink()
    train = (
        f"train image-folder --data-dir {photos} --algorithm prototypical --ways 2 --queries 2 "
        f"--steps 30 --set train_ways=4 --set network.filters=8 --set pipeline.size=16 "
        f"--set pipeline.split_seed=1 --set validation_tasks=0 --run-dir {run}"
    )
    invoke = CliRunner().invoke
    for flags, words in (
        ("", "1 file can't be read: class03/00.jpg"),
        ("--skip-unreadable", "1 shot and 1 query need 2 examples per class; 1 of 6 classes"),
    ):
        done = invoke(main, f"{train} {flags}")
        assert done.exit_code == 2, done.output
        assert words in done.output
        assert not run.exists()
    done = invoke(main, f"{train} --skip-unreadable --skip-small-classes")
    assert done.exit_code == 0, done.output
    assert "left out class03/00.jpg" in done.stderr
    assert "train: left out class05: 1" in done.stderr
    config = json.loads((run / "config.json").read_text())
    assert (config["pipeline.channels"], config["pipeline.invert"]) == (3, False)
    return photos, run


def test_photographs_are_refused_or_left_out_and_a_change_of_them_is_seen(tmp_path):
    photos, run = trained_on_photographs(tmp_path)
    splits = json.loads((run / "splits.json").read_text())
    assert sorted(name for names in splits.values() for name in names) == [
        f"class{n:02d}" for n in range(10)
    ]
    removed = photos / splits["train"][0] / "05.png"
    kept = removed.read_bytes()
    removed.unlink()
    done = CliRunner().invoke(main, f"train --resume --run-dir {run} --steps 31")
    (numbers,) = re.findall(r"made: train has (\d+) and had (\d+)\. Bring", done.output)
    assert (done.exit_code, int(numbers[1]) - int(numbers[0])) == (2, 1)
    removed.write_bytes(kept)
    done = CliRunner().invoke(main, f"train --resume --run-dir {run} --steps 31")
    assert done.exit_code == 0, done.output
    (photos / "class99").mkdir()
    done = CliRunner().invoke(main, f"evaluate {run}")
    assert (done.exit_code, "has changed since it was made" in done.output) == (2, True)


@second_road(
    "tests/pipelines/test_image_folder.py"
    "::test_photographs_are_refused_or_left_out_and_a_change_of_them_is_seen",
    "tests/workflows/test_predict.py::test_run_and_export_answer_alike",
    "tests/commands/test_commands_on_runs.py"
    "::test_evaluate_prints_one_json_object_of_the_contracts_keys",
)
def test_from_photographs_to_an_answer(tmp_path):
    """The export answers as the run does."""
    photos, run = trained_on_photographs(tmp_path)
    export, invoke = tmp_path / "export", CliRunner().invoke
    splits = json.loads((run / "splits.json").read_text())
    done = invoke(main, f"evaluate {run} --split all --tasks 20 --json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["accuracy"] > 0.6
    support, query = tmp_path / "support", photos / splits["test"][0] / "05.png"
    for name in splits["test"]:
        (support / name).mkdir(parents=True)
        shutil.copy(photos / name / "01.png", support / name)
    done = invoke(main, f"export {run} --output {export} --calibration-tasks 0")
    assert done.exit_code == 0, done.output
    answers = []
    for model in (run, export):
        done = invoke(main, f"predict {model} --support {support} {query} --json")
        assert done.exit_code == 0, done.output
        answers.append(json.loads(done.stdout)["predictions"])
    assert_same_answers(*answers)
