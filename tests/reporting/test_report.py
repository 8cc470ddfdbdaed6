"""A report of real runs, read as HTML, against Keras's `predict` and NumPy."""

import base64
import io
from collections import Counter

import numpy as np
import pytest
import trained
from PIL import Image
from read_reports import TASKS, Page

import tfmeta
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.evaluation.baselines import UNTRAINED
from tfmeta.pipelines import build
from tfmeta.reporting.sections import SECTIONS

CONDITIONS = "When something is wrong with the input"


@pytest.fixture(scope="module")
def answered():
    """The episodes, the names of their classes, and the answers of the first run by Keras."""
    source, shape = build("glyphs"), EpisodeShape(5, 1, 1)
    episodes = source.episodes("test", shape, num_tasks=TASKS).take(1)
    (batch,) = episodes
    names = source.names_of_classes("test", shape, 0, TASKS)
    outputs = trained.learner_of(trained.glyph_run()).predict(episodes, verbose=0)
    return batch, names, outputs


def test_it_has_each_section_that_was_asked_for(two):
    titles = [row.title for row in SECTIONS if row.module not in ("task_sizes", "conditions")]
    assert list(two.sections) == titles
    assert two.all("title") == [{}]
    runs = [str(trained.glyph_run()), str(trained.prototypical_run())]
    assert f"<title>Report of {', '.join(runs)}</title>" in two.source


def test_it_needs_no_other_file_and_may_load_none(two):
    (policy,) = (each["content"] for each in two.all("meta") if "http-equiv" in each)
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert not {"script", "link", "iframe", "object", "svg"} & {tag for tag, _ in two.elements}
    for _, attributes in two.elements:
        assert all(not name.startswith("on") for name in attributes)
        assert attributes.get("src", "data:image/").startswith("data:image/")
        assert attributes.get("href", "#").startswith("#")
    assert "url(" not in two.source
    assert "@import" not in two.source
    assert all(each["alt"] for each in two.all("img"))


def test_the_scores_are_those_of_keras(two, answered):
    batch, _, outputs = answered
    scores = (outputs.argmax(-1) == batch.query_y.numpy()).mean(-1)
    rows = two.table("run", "learner", "accuracy")
    interval = 1.96 * scores.std(ddof=1) / np.sqrt(TASKS)
    assert rows[0]["accuracy"] == f"{100 * scores.mean():.1f} ± {100 * interval:.1f}%"
    assert [row["learner"] for row in rows[:2]] == [
        "maml on conv4, inductive",
        "prototypical on conv4, inductive",
    ]
    beside = ["chance", "raw inputs, nearest mean", "raw inputs, ridge"]
    own = [f"{row['run']}: {UNTRAINED}" for row in rows[:2]]
    assert [row["run"] for row in rows[2:]] == [*beside, *own]
    differences = two.table("minus", "difference", "holds", "p")
    its = f"its {UNTRAINED}"
    assert [row["minus"] for row in differences] == [rows[1]["run"], *beside, its, *beside, its]
    chance = f"{100 * (scores.mean() - 0.2):+.2f} ± {100 * interval:.2f}%"
    assert differences[1]["difference"] == chance


def test_the_classes_and_confusions_are_counted_right(two, answered):
    batch, names, outputs = answered
    right, taken, both = {}, Counter(), Counter()
    for task, (of_task, y) in enumerate(zip(names, batch.query_y.numpy(), strict=True)):
        for query, label in enumerate(y):
            name, answer = of_task[label], of_task[outputs[task, query].argmax()]
            right.setdefault(name, []).append(name == answer)
            both.update((name, other) for other in of_task)
            if name != answer:
                taken[name, answer] += 1
    runs = [str(trained.glyph_run()), str(trained.prototypical_run())]
    rows = two.table("class", *runs, "tasks", "queries")
    shown = {row["class"]: row for row in rows}
    assert shown.keys() == right.keys()
    for name, each in right.items():
        assert shown[name]["queries"] == str(len(each))
        assert shown[name][runs[0]].startswith(f"{100 * np.mean(each):.1f}")
        assert ("±" in shown[name][runs[0]]) == (len(each) > 1)  # a query per task here
    confusions = two.table("queries of", "taken for", "number", "of those in tasks with both")
    most = [tuple(row.values()) for row in confusions][: min(10, len(taken))]
    for one, other, number, share in most:
        assert number == str(taken[one, other])
        assert share == f"{100 * taken[one, other] / both[one, other]:.1f}%"
    assert int(most[0][2]) == max(taken.values())


def test_the_worst_task_is_shown_with_its_pictures(two, answered):
    batch, names, outputs = answered
    scores = (outputs.argmax(-1) == batch.query_y.numpy()).mean(-1)
    worst = int(np.argsort(scores, kind="stable")[0])
    shown = two.sections["The worst tasks"]
    title = f"Task {worst} of {trained.glyph_run()}: {100 * scores[worst]:.1f}%"
    assert title in shown.splitlines()[0]
    assert all(name in shown for name in names[worst])
    drawings = [pixels(each["src"]) for each in two.all("img") if "image/png" in each["src"]]
    for example in batch.support_x.numpy()[worst]:
        levels = np.round(255 * example[..., 0]).astype(np.uint8)
        assert any(np.array_equal(levels, drawing) for drawing in drawings)


def pixels(address):
    """A data URI's image by another decoder."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))


def test_the_surest_mistakes_are_the_surest(two, answered):
    batch, names, outputs = answered
    task, query = surest(batch, outputs)
    name = names[task][batch.query_y.numpy()[task, query]]
    answer = names[task][outputs[task, query].argmax()]
    lines = two.sections["The surest mistakes"].splitlines()
    assert lines[1] == name
    assert lines[2].startswith(f"taken for {answer}, ")


def test_what_the_surest_mistake_rests_on_is_of_that_mistake(two, answered):
    batch, names, outputs = answered
    task, query = surest(batch, outputs)
    logits = outputs[task, query].astype(np.float64)
    answer = logits.argmax()
    others = np.log(np.exp(np.delete(logits, answer)).sum())
    which = f"Query {query} of task {task} of {trained.glyph_run()}, "
    (chart,) = (each for each in two.all("img") if each["alt"].startswith(which))
    assert chart["alt"].endswith(f"which is taken for {names[task][answer]}.")
    text = base64.b64decode(chart["src"].partition(",")[2]).decode()
    assert f"the log-odds of {names[task][answer]}: {logits[answer] - others:+.2f};" in text


def surest(batch, outputs):
    """The task and the query of the surest wrong answer."""
    wrong = outputs.argmax(-1) != batch.query_y.numpy()
    sureness = np.where(wrong, outputs.max(-1) - np.log(np.exp(outputs).sum(-1)), -np.inf)
    return np.unravel_index(sureness.argmax(), sureness.shape)


def test_the_commands_that_repeat_it_are_commands(two):
    from tfmeta.cli import main

    lines = [line for line in two.sections["To repeat it"].splitlines() if line[:7] == "tfmeta "]
    assert [line.split()[1] for line in lines] == ["train"] * 2 + ["evaluate"] * 2 + ["report"]
    for line in lines:
        _, name, *words = line.split()
        context = main.commands[name].make_context(name, words)
        assert name == "train" or context.params["tasks"] == TASKS


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    """The report of a run whose targets are values, at other sizes too."""
    place = tmp_path_factory.mktemp("reports") / "values.html"
    tfmeta.report(trained.sinusoid_run(), output=place, tasks=4)
    return Page(place.read_text())


def test_a_run_of_values_has_the_sections_that_mean_something(values):
    missing = {row.title for row in SECTIONS} - values.sections.keys()
    assert missing == {
        CONDITIONS,
        "Classes and confusions",
        "The surest mistakes",
        "Calibration and unknown classes",
    }
    found = tfmeta.evaluate(trained.sinusoid_run(), tasks=4, is_recorded=False)
    (row, *_) = values.table("run", "learner", "mse")
    assert row["mse"] == f"{found['mse']:.4g} ± {found['ci95']:.2g}"
    curve = [row["mse"] for row in values.table("run", "inner steps", "mse")]
    assert [each.split()[0] for each in curve] == [f"{e:.4g}" for e in found["adaptation_curve"]]
    (sizes,) = values.table("run", "1 shots", "2 shots", "5 shots", "10 shots", "20 shots")
    assert sizes["5 shots"] == row["mse"]
    other = tfmeta.evaluate(trained.sinusoid_run(), tasks=4, shots=2, is_recorded=False)
    assert sizes["2 shots"] == f"{other['mse']:.4g} ± {other['ci95']:.2g}"


def test_a_file_of_episodes_has_neither_names_nor_other_tasks(tmp_path):
    episodes, place = tmp_path / "few.episodes", tmp_path / "report.html"
    tfmeta.write_episodes("glyphs", output=episodes, tasks=3, shots=1, queries=1)
    tfmeta.report(trained.prototypical_run(), output=place, episodes=episodes)
    page = Page(place.read_text())
    missing = {row.title for row in SECTIONS} - page.sections.keys()
    assert missing == {
        CONDITIONS,
        "Adaptation",
        "Ways and shots",
        "Classes and confusions",
        "Calibration and unknown classes",
    }
    (split,) = page.table("split", "tasks", "most ways", "most examples")
    assert split == {"split": "test", "tasks": "3", "most ways": "5", "most examples": "2"}
    assert "class 4" in page.sections["The worst tasks"]
    assert f"--episodes={episodes}" in page.sections["To repeat it"]


def test_the_command_names_the_report_and_what_is_wrong(tmp_path, capfd):
    status, _, err = trained.inside(
        capfd, "report", trained.glyph_run(), "--output", tmp_path / "x" / "report.html"
    )
    assert (status, err.count("\n")) == (2, 1)
    assert "expected one for --output" in err
    status, _, err = trained.inside(capfd, "report", tmp_path)
    assert (status, err.count("\n")) == (2, 1)
    assert "is no run directory" in err
