"""A run's start, killed at every point, and its metrics when they are damaged."""

import json
import shutil
import signal

import kill_points
import pytest
import trained
from untrained_runs import LINES, SPLITS, START, create, python

from tfmeta.errors import UserError
from tfmeta.training.run_directory import RunDirectory

# A run's start


@pytest.mark.attack(
    "a run killed at any moment of its start", "there is a whole run, or the place is free for one"
)
def test_a_start_killed_at_every_point_leaves_a_run_or_a_free_place(tmp_path):
    home = tmp_path / "runs"
    home.mkdir()
    python(START, home / "run", **kill_points.environment(tmp_path, home))
    points = kill_points.points(tmp_path)
    expected = trained.contents(home / "run")
    assert {"config.json", "source.json", "splits.json", "environment.json"} == expected.keys()
    assert len(points) > 10
    assert any(point.startswith("os.rename") and "config.json" in point for point in points)
    whole = 0
    for number, point in enumerate(points, 1):
        shutil.rmtree(home / "run")
        killed = python(START, home / "run", **kill_points.environment(tmp_path, home, number))
        assert killed.returncode == -signal.SIGKILL, (point, killed.stderr)
        if (home / "run/config.json").exists():
            whole += 1
            assert (
                trained.contents(RunDirectory.open(home / "run").path).items() >= expected.items()
            )
        else:
            with pytest.raises(UserError, match="is no run directory"):
                RunDirectory.open(home / "run")
            create(home / "run")
            assert trained.contents(home / "run") == expected
    assert 0 < whole < len(points)


@pytest.mark.attack(
    "a folder that is no run, as `--run-dir`", "refused in one line, and nothing in it changes"
)
@pytest.mark.parametrize(
    "names", [("notes.txt",), ("source.json",), ("config.json", "checkpoints/")]
)
def test_a_folder_of_something_else_is_no_place_for_a_run(names, tmp_path):
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).write_text("mine")
    before = trained.contents(tmp_path)
    with pytest.raises(UserError, match="is there already, and is no run to go on with"):
        create(tmp_path)
    with pytest.raises(UserError, match="is no run directory"):
        RunDirectory.open(tmp_path)
    assert trained.contents(tmp_path) == before


@pytest.mark.attack(
    "a run without its splits.json", "evaluating refuses: nobody knows what it was trained on"
)
def test_a_run_without_its_splits_is_not_trusted_to_be_tested(tmp_path):
    run = create(tmp_path / "run")
    run.check_splits(SPLITS)
    run.check_unseen({"test": ["c"]}, "test")
    for content in (None, "{", "[]", '{"train": 3}', '{"test": ["c"]}', '{"train": [[]]}'):
        (run.path / "splits.json").unlink()
        if content:
            (run.path / "splits.json").write_text(content)
        else:
            content = (run.path / "splits.json").touch
        for check in (lambda: run.check_splits(SPLITS), lambda: run.check_unseen(SPLITS, "test")):
            with pytest.raises(UserError, match=r"splits\.json is (missing or )?damaged"):
                check()
        (run.path / "splits.json").touch()


# Metrics


@pytest.fixture
def metrics(tmp_path):
    run = create(tmp_path / "run")
    for line in LINES:
        run.metrics.append(line)
    return run.metrics


@pytest.mark.attack(
    "one bad byte in the metrics of a run that is to go on",
    "the line is named, and nothing is cut but what is after the checkpoint's step",
)
@pytest.mark.parametrize("byte", [b"\x00", b"\xff", b"\n", b"{"])
def test_damaged_metrics_are_named_and_kept(byte, metrics):
    good = metrics.path.read_bytes()
    at = good.index(b"\n") + 3
    metrics.path.write_bytes(good[:at] + byte + good[at + 1 :])
    for step in (24, 8):
        with pytest.raises(UserError, match=r"metrics\.jsonl is damaged: line 2 is not a step"):
            metrics.until(step)
    with pytest.raises(UserError, match=r"damaged: line 2"):
        list(metrics.read())
    # What is wrong after the checkpoint is cut with all that is there.
    assert metrics.until(4) == good[: good.index(b"\n") + 1]


def test_only_what_is_after_the_step_is_cut_and_the_rest_is_the_same_bytes(metrics):
    good = metrics.path.read_bytes()
    assert metrics.until(24) == metrics.until(99) == good
    assert [json.loads(line)["step"] for line in metrics.until(14).splitlines()] == [4, 8, 12]
    assert metrics.until(0) == b""
    with metrics.path.open("ab") as file:
        file.write(b'{"step": 28, "lo')  # as a kill cuts it
    assert metrics.until(24) == good
    assert [line["step"] for line in metrics.read()] == [4, 8, 12, 16, 20, 24]
    metrics.cut_to(metrics.until(16))
    assert metrics.path.read_bytes() == good[: len(metrics.path.read_bytes())]
    assert [line["step"] for line in metrics.read()] == [4, 8, 12, 16]
