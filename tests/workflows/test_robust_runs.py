"""`tfmeta robustness` on trained runs, as a user calls it."""

import json
import shutil
from typing import NamedTuple

import numpy as np
import pytest
import trained
from closeness import assert_close
from PIL import Image

import tfmeta
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError
from tfmeta.evaluation.robustness.corrupted import corruption_conditions
from tfmeta.pipelines import build
from tfmeta.reporting.sections import repeating
from tfmeta.training.progress import Quiet
from tfmeta.training.run_directory import RunDirectory


class Shown(NamedTuple):
    """What a report asks of a run for the commands that repeat it."""

    run: RunDirectory
    name: str
    asked: tuple[str, ...] = ()


ONLY = ("--only", "mislabelled", "--only", "fgsm", "--tasks", 3, "--seed", 4)


@pytest.fixture
def few_classes(tmp_path):
    """A folder with images of four classes, one of which is for the test."""
    for n in range(4):
        (tmp_path / f"images/{n}").mkdir(parents=True)
        for k in range(3):
            pixels = np.full((8, 8), 40 * n + k, np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"images/{n}/{k}.png")
    return tmp_path / "images"


@pytest.fixture
def run(tmp_path):
    return shutil.copytree(trained.prototypical_run(), tmp_path / "run")


def test_the_command_prints_and_keeps_what_the_workflow_finds(run, capfd):
    before = trained.contents(run)
    status, out, _ = trained.inside(capfd, "robustness", run, *ONLY, "--json")
    assert status == 0
    facts = json.loads(out)
    names = [(row["name"], row["part"], row["severity"]) for row in facts["conditions"]]
    attacks = [("fgsm", part, n) for part in ("query", "support") for n in (1, 2, 3)]
    wrong = [("mislabelled", "support", n) for n in (1, 2, 3, 4)]
    assert names == [("clean", "", 0), *wrong, *attacks]
    protocol = {
        key: facts[key] for key in ("num_tasks", "num_ways", "num_queries", "seed", "split")
    }
    assert protocol == {"num_tasks": 3, "num_ways": 5, "num_queries": 1, "seed": 4, "split": "test"}
    clean = tfmeta.evaluate(run, tasks=3, seed=4, is_recorded=False, baselines=False)
    assert_close(facts["conditions"][0]["accuracy"], clean.accuracy, dtype=np.float32)
    assert trained.contents(run).items() - before.items() == {
        ("robustness.json", trained.digest(run / "robustness.json"))
    }
    options = {"tasks": 3, "seed": 4, "is_recorded": False}
    found = tfmeta.robustness(run, only=["mislabelled", "fgsm"], **options)
    assert found.facts == facts
    assert json.loads((run / "robustness.json").read_text()) == [facts]
    assert facts["options"] == ["--tasks=3", "--seed=4", "--only=mislabelled", "--only=fgsm"]
    lines, *_ = repeating.blocks([Shown(RunDirectory.open(run), str(run))], Quiet("report"))
    (line,) = [line for line in lines.lines if line.split()[1] == "robustness"]
    assert line == f"tfmeta robustness {run} {' '.join(facts['options'])}"
    assert facts["confidence"]["fitted_on"] == "validation"
    lines = str(found).splitlines()
    assert sum(line.startswith(" mislabelled 4 ") for line in lines) == 1
    assert "5-way 1-shot" in lines[0]
    assert max(map(len, found.lines(80))) <= 80
    assert lines[3].startswith(" clean ")  # a row is one line


def test_other_data_is_a_row_and_its_difference_is_not_paired(run):
    found = tfmeta.robustness(run, only=["mislabelled"], shifts=["glyphs"], tasks=3)
    clean, *_, other = found["conditions"]
    assert (other["name"], other["part"], other["strength"]) == ("glyphs", "episodes", "other data")
    assert other["accuracy"] == clean["accuracy"]  # the same data here
    assert other["difference"] == 0
    assert_close(other["difference_ci95"], np.sqrt(2) * clean["ci95"], dtype=np.float32)
    (kept,) = json.loads((run / "robustness.json").read_text())
    assert kept == found.facts
    with pytest.raises(UserError, match=r"unknown pipeline 'nothing'"):
        tfmeta.robustness(run, shifts=["nothing"])
    with pytest.raises(UserError, match=r"received --shift '=there'; expected PIPELINE or PIPE"):
        tfmeta.robustness(run, shifts=["=there"])
    with pytest.raises(UserError, match=r"received shifts='glyphs'; expected a list of names"):
        tfmeta.robustness(run, shifts="glyphs")


def test_other_data_with_too_few_classes_is_refused_before_the_tests(run, few_classes):
    with pytest.raises(UserError, match=r"5 ways need .* split of image-folder has 1"):
        tfmeta.robustness(run, shifts=[f"image-folder={few_classes}"], tasks=3)
    with pytest.raises(UserError, match=r"900 ways need .* split of glyphs has \d+"):
        tfmeta.robustness(run, ways=900, tasks=3)
    with pytest.raises(UserError, match=r"sinusoid asks for .*; .*run was trained for "):
        tfmeta.robustness(run, shifts=["sinusoid"], tasks=3)
    assert not (run / "robustness.json").exists()


def test_a_condition_that_there_is_not_is_refused_by_its_name():
    with pytest.raises(UserError, match=r"unknown condition 'typos'; .*: noise, blur, .*, pgd$"):
        tfmeta.robustness(trained.prototypical_run(), only=["typos"])
    with pytest.raises(UserError, match=r"received only='noise'; expected a list of names"):
        tfmeta.robustness(trained.prototypical_run(), only="noise")
    with pytest.raises(UserError, match=r"nothing is known that may be wrong with the .*sinusoid"):
        tfmeta.robustness(trained.sinusoid_run())


def test_texts_get_typos_before_they_are_tokens(tmp_path):
    words = ("lost my card", "order a new pin", "pay by transfer")
    rows = [f"{text} number {n},{label}" for label, text in enumerate(words) for n in range(6)]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    source = build("text", data_dir=tmp_path / "texts.csv")
    fixed = FixedEpisodes(source, EpisodeShape(num_ways=3, num_queries=2), "all", 4)
    (batch,) = fixed.batches(4)
    batch = type(batch)(*map(np.asarray, batch))
    conditions = corruption_conditions(fixed)
    assert [(each.name, each.severity) for each in conditions] == [
        ("typos", n) for n in range(1, 6)
    ]
    shares = []
    for condition in conditions:
        changed = condition.change(batch, 0)
        np.testing.assert_array_equal(changed.support_x, batch.support_x)
        shares.append(np.mean(changed.query_x != batch.query_x))
    assert 0 < shares[0] < shares[4]
    alone = conditions[4].change(type(batch)(*(each[2:] for each in batch)), 2)
    np.testing.assert_array_equal(alone.query_x, changed.query_x[2:])  # a task's number decides
