"""Files of test episodes: the same result on any machine, with the data or without."""

import dataclasses
import json
import shutil
import zipfile

import numpy as np
import pytest
import trained
from click.testing import CliRunner
from drawn_episodes import same

from tfmeta.cli import main
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_file import EpisodeFile, write_episodes
from tfmeta.episodes.episode_shape import EpisodeShape, Range
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError
from tfmeta.pipelines import build


def vectors():
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    index = ClassIndex(x, np.repeat(np.arange(4), 10), {"test": np.arange(4)}, tuple("abcd"))
    return ClassSource("vectors", index)


CASES = {
    "images": (lambda: build("glyphs"), EpisodeShape(3, 1, 2)),
    "turned": (lambda: build("glyphs", options={"rotations": True}), EpisodeShape(3, 1, 2)),
    "vectors": (vectors, EpisodeShape(3, 2, 2)),
    "values": (lambda: build("sinusoid"), EpisodeShape(1, 4, 3)),
    "several sizes": (
        lambda: build("glyphs"),
        EpisodeShape(Range(2, 4), Range(1, 3), 2, unbalanced=True),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_read_is_what_was_drawn(tmp_path, case):
    source, shape = case[0](), case[1]
    path = tmp_path / "test.episodes"
    protocol = write_episodes(path, FixedEpisodes(source, shape, num_tasks=12, seed=5))
    file = EpisodeFile.read(path)
    assert (file.shape, file.split, file.seed, file.num_tasks) == (shape, "test", 5, 12)
    # How many examples there were to draw from is known of the data alone.
    assert file.facts == dataclasses.replace(source.facts, num_examples=None)
    assert file.sha256 == protocol["episodes_sha256"]
    drawn = next(iter(source.episodes("test", shape, seed=5, num_tasks=12)))
    read = next(iter(file.episodes("test", shape, num_tasks=12)))
    assert type(read) is type(drawn)
    assert same(read, drawn)
    assert [path] == list(tmp_path.iterdir())


def test_an_example_is_stored_once(tmp_path):
    source = vectors()  # 40 examples, and 12 * 3 * 4 places for them
    write_episodes(tmp_path / "e", FixedEpisodes(source, EpisodeShape(3, 2, 2), num_tasks=12))
    with np.load(tmp_path / "e") as archive:
        assert len(archive["examples"]) == 40


@pytest.fixture
def run(tmp_path):
    """A run of its own, because results are written into it."""
    return shutil.copytree(trained.glyph_run(), tmp_path / "run")


def test_evaluating_a_file_equals_evaluating_its_pipeline(run, tmp_path):
    file, invoke = tmp_path / "glyphs.episodes", CliRunner().invoke
    drawn = "--ways 4 --shots 2 --queries 3 --split validation --tasks 10 --seed 3"
    done = invoke(main, f"episodes glyphs {drawn} --output {file} --json")
    assert done.exit_code == 0, done.output
    protocol = json.loads(done.stdout)
    results = []
    for source in (drawn, f"--episodes {file}"):
        done = invoke(main, f"evaluate {run} {source} --json")
        assert done.exit_code == 0, done.output
        results.append(json.loads(done.stdout))
    assert results[0] == results[1]
    assert results[0]["episodes_sha256"] == protocol["episodes_sha256"]
    done = invoke(main, f"evaluate {run} --episodes {file} --ways 3")
    assert (done.exit_code, "--episodes and --ways; the file says" in done.output) == (2, True)
    done = invoke(main, f"episodes glyphs --output {file}")
    assert (done.exit_code, "is never overwritten" in done.output) == (2, True)


def test_a_file_that_is_not_for_the_learner_is_refused(run, tmp_path):
    def refusal(source, shape, split="test"):
        file = tmp_path / f"{source.name}-{split}.episodes"
        write_episodes(file, FixedEpisodes(source, shape, split, num_tasks=2))
        done = CliRunner().invoke(main, f"evaluate {run} --episodes {file}")
        assert done.exit_code == 2, done.output
        return done.output

    of_values = refusal(build("sinusoid"), EpisodeShape(1, 4, 3))
    assert "sinusoid asks for targets of size 1; " in of_values
    assert "was trained for classes" in of_values
    assert "have the shape (3,)" in refusal(vectors(), EpisodeShape(3, 1, 1))
    others = build("glyphs", options={"split_seed": 1})  # other glyphs under the same names
    assert "classes of the test split had a part in the training of" in refusal(
        others, EpisodeShape(3, 1, 1)
    )
    assert "had a part in the training" not in refusal_or_nothing(tmp_path, run)


def refusal_or_nothing(folder, run):
    file = folder / "own.episodes"
    shape = EpisodeShape(3, 1, 1)
    write_episodes(file, FixedEpisodes(build("glyphs"), shape, num_tasks=2))
    done = CliRunner().invoke(main, f"evaluate {run} --episodes {file}")
    assert done.exit_code == 0, done.output
    return done.output


def spoil(path, **changes):
    """Writes the archive anew with other arrays."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    with open(path, "wb") as file:
        np.savez(file, **{**arrays, **changes})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: p.unlink(), "No such file"),
        (lambda p: p.write_bytes(b"none"), "can't be read as a file of episodes"),
        (lambda p: p.write_bytes(p.read_bytes()[:-300]), "can't be read as a file of episodes"),
        (lambda p: spoil(p, query_y=np.zeros((4, 6), np.int32)), "is damaged: its episodes' SHA"),
        (lambda p: spoil(p, support=np.full((4, 3), 10**6)), "can't be read"),
        (lambda p: spoil(p, support=np.zeros(4, np.int32)), "can't be read"),
        (lambda p: spoil(p, protocol=json.dumps({"format": "else"})), "the format 'else'"),
        (lambda p: zipfile.ZipFile(p, "w").close(), "can't be read as a file of episodes"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path, damage, message):
    path = tmp_path / "test.episodes"
    write_episodes(path, FixedEpisodes(build("glyphs"), EpisodeShape(3, 1, 2), num_tasks=4))
    damage(path)
    with pytest.raises(UserError, match=message):
        EpisodeFile.read(path)
