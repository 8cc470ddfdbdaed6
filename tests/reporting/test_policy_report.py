"""A report of a policy in environments: what is right of it is there, and the rest is left out."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from policy_runs import point_run
from read_reports import Page

import tfmeta
from tfmeta.reporting.figures import score
from tfmeta.training.loading import load

TASKS = 3
SECTIONS = (
    *("Result", "Data", "Learning", "Adaptation", "The worst tasks"),
    *("Protocol", "Environment", "To repeat it"),
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    tfmeta.report(point_run(), output=path, tasks=TASKS, sizes=False)
    return Page(path.read_text())


@pytest.fixture(scope="module")
def returns():
    """Of each task before and after the inner step, summed up from the rewards of the queries."""
    learner = load(point_run(), checkpoint="best")
    source = tfmeta.pipelines.build("gym:point-navigation", options={"horizon": 6, "discount": 0.9})
    acted_in = learner.embedded(source, "test")
    (episodes,) = acted_in.episodes("test", tfmeta.EpisodeShape(1, 2, 2), num_tasks=TASKS).take(1)
    return episodes.query_y.numpy()[..., -2:].astype(np.float64).sum(1) / 2


def test_it_has_what_makes_sense_of_a_policy(page):
    assert tuple(page.sections) == SECTIONS
    assert "2 trajectories to learn from and 2 afterwards" in page.sections["Result"]
    (split, *_) = page.table("split", "tasks", "most trajectories")
    assert split == {"split": "train", "tasks": "any number", "most trajectories": "1,000"}
    assert not [text for text in page.texts if "-way" in text or "accuracy" in text]


def test_the_returns_are_sums_of_rewards(page, returns):
    rows = page.table("run", "inner steps", "return")
    means = returns.mean(0), 1.96 * returns.std(0, ddof=1) / np.sqrt(TASKS)
    expected = [score("return", *each) for each in zip(*means, strict=True)]
    assert [row["return"] for row in rows] == expected
    assert page.table("run", "learner", "return")[0]["return"] == expected[1]


def test_the_worst_tasks_are_drawn(page, returns):
    order = np.argsort(returns[:, 1])
    pictures = [each for each in page.all("img") if "the goal" in each["alt"]]
    for task, shown in zip(order.tolist(), pictures, strict=True):
        assert shown["alt"].startswith(f"Task {task} of ")
        assert score("return", returns[task, 1]) in shown["alt"]
    moving = [each["src"] for each in page.all("img") if each["src"].startswith("data:image/gif")]
    assert len(moving) == TASKS
    for each in moving:
        file = base64.b64decode(each.partition("base64,")[2])
        assert Image.open(io.BytesIO(file)).n_frames > 1
