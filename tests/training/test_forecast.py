"""What is said beforehand of how long a run will take."""

from types import SimpleNamespace

import pytest
from small_runs import CLASSES, train
from stops import after
from told import Told

from tfmeta.training.callbacks import progress_reports
from tfmeta.training.callbacks.progress_reports import ProgressReports
from tfmeta.training.forecast import forecast
from tfmeta.training.settings import Settings


def said(seconds, *, step=0, minutes=0.0, **settings):
    return forecast(seconds, Settings(**settings), step=step, minutes=minutes)


def test_a_run_of_less_than_a_minute_says_nothing():
    assert said(0.5, steps=100) == []
    assert said(0.5, steps=6_000, step=5_900) == []
    assert said(0.5, steps=6_000, max_minutes=10, minutes=9.5) == []


@pytest.mark.parametrize(
    ("seconds", "steps", "words"),
    [
        (0.5, 200, "at 500 ms per step, validations aside, the 200 steps left take about 2 min"),
        (
            3.25,
            999,
            "at 3.25 s per step, validations aside, the 999 steps left take about 54 min",
        ),
    ],
)
def test_the_steps_that_are_left_take_so_long(seconds, steps, words):
    assert said(seconds, steps=steps) == [words]


def test_a_run_says_it_once_after_a_window_without_compilation():
    lines = []
    progress = SimpleNamespace(say=lines.append, window=lambda *_: None, call=lambda _: None)
    plan = SimpleNamespace(meta_batch=4, settings=Settings(steps=2_000))
    state = SimpleNamespace(plan=plan, step=20, minutes=1.0, failure=None, progress=0.01)
    timing = SimpleNamespace(tasks_per_second=0.0)
    reports = ProgressReports(state, timing, progress)
    for rate in (0.0, 4.0, 8.0):
        timing.tasks_per_second = rate
        reports.on_epoch_end(0, {})
    assert lines == ["at 1 s per step, validations aside, the 1,980 steps left take about 33 min"]


@pytest.mark.fault(
    "a recipe that needs hours or days on this machine",
    "training says so after its first steps, and --dry-run; what an hour reaches, and what to do",
)
@pytest.mark.parametrize(
    ("seconds", "long"), [(1.0, "2 h 47 min"), (12.0, "1 day 9 h"), (30.0, "3 days 11 h")]
)
def test_more_than_an_hour_comes_with_what_to_do(seconds, long):
    first, second = said(seconds, steps=10_100, step=100)
    assert first.endswith(f"the 10,000 steps left take about {long}")
    reached = 100 + int(3600 / seconds)
    assert f"--max-minutes 60 reaches about step {reached:,}. To end sooner" in second
    assert "--train head" in second
    assert "tfmeta learn" in second


def test_the_end_of_the_time_is_told_where_it_comes_first():
    spent = {"step": 10, "minutes": 1.0, "max_minutes": 11}
    reaches = "at 2 s per step, validations aside, max_minutes=11 reaches about step 310"
    assert said(2.0, **spent) == [reaches]
    assert said(2.0, **spent, steps=1_000) == [f"{reaches} of 1,000"]
    (line,) = said(2.0, **spent, steps=200)
    assert line.endswith("the 190 steps left take about 6 min")


class ToldOfWindows(Told):
    """Keeps when a window ended, too."""

    def window(self, line, tasks_per_second, progress):
        self.lines.append("a window")


def first_steps(monkeypatch, seconds, **settings):
    """What is said in a window whose steps take so many seconds each, the first a minute."""
    told, now = ToldOfWindows(), 0.0
    monkeypatch.setattr(progress_reports, "time", SimpleNamespace(monotonic=lambda: now))
    plan = SimpleNamespace(meta_batch=4, settings=Settings(**settings))
    state = SimpleNamespace(plan=plan, step=0, minutes=0.0, failure=None, progress=0.0)
    reports = ProgressReports(state, SimpleNamespace(tasks_per_second=0.0), told)
    for number, took in enumerate((60.0, *seconds)):
        reports.on_train_batch_begin(number)
        now += took
        state.step += 1
        reports.on_train_batch_end(number)
    reports.on_epoch_end(0, {})
    return told.lines


def test_a_run_of_hours_is_told_of_after_its_first_steps(monkeypatch):
    first, second, window = first_steps(monkeypatch, (1.0, 3.0, 2.0, 9.0), steps=10_004)
    assert first.startswith("at 2 s per step, validations aside, the 10,000 steps left take about")
    assert second.startswith("that is more than an hour")
    assert window == "a window"
    slow = first_steps(monkeypatch, (20.0,), steps=1_000)  # one such step is enough
    assert slow[0].startswith("at 20 s per step, validations aside, the 998 steps left")


def test_a_run_that_ends_within_the_hour_is_not(monkeypatch):
    assert first_steps(monkeypatch, (1.0, 3.0, 2.0), steps=1_004) == ["a window"]
    limited = first_steps(monkeypatch, (1.0, 3.0, 2.0), steps=10_004, max_minutes=30)
    assert limited == ["a window"]
    assert first_steps(monkeypatch, (1.0, 3.0, 2.0), max_minutes=300) == ["a window"]


def test_training_says_it_before_its_first_window_ends(tmp_path):
    told = ToldOfWindows()
    settings = {**CLASSES, "steps": 10**8, "log_every": 5, "validation_tasks": 0}
    settings["learner_options"] = {"vectorised": False}
    train(tmp_path / "run", settings, progress=told, should_stop=after(1))
    speed, remedy, window = told.lines[-3:]
    assert "validations aside, the 99,999,996 steps left take about" in speed
    assert remedy.startswith("that is more than an hour: --max-minutes 60 reaches about step")
    assert window == "a window"
