"""The configs of papers' results: what they ask for exists, and the page says what came out."""

import dataclasses
import inspect
import json
import sys
from pathlib import Path

import pytest

import tfmeta
from tfmeta.learners import ALGORITHMS
from tfmeta.pipelines import PIPELINES
from tfmeta.training.settings import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "reproduce"
OF_CLASSES = (
    "maml",
    "fomaml",
    "reptile",
    "prototypical",
    "matching",
    "relation",
    "siamese",
    "meta-sgd",
)


@pytest.fixture(scope="module")
def scripts():
    """The two modules, which find each other as they do when a script is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        import run
        import table

        yield run, table
    for name in ("run", "table"):
        sys.modules.pop(name, None)


def test_a_config_has_its_command_at_its_top_and_asks_for_what_there_is(scripts):
    settings = {each.name for each in dataclasses.fields(Settings)}
    of_evaluate = inspect.signature(tfmeta.evaluate).parameters
    of_protocol = {"tasks", "ways", "shots", "queries"}
    for name, config in scripts[0].configs().items():
        assert list(config)[:3] == ["command", "expected_minutes", "paper"]
        assert config["command"].endswith(f"run.py benchmarks/reproduce/{name}.json")
        assert config["expected_minutes"] <= 180
        assert config["train"].keys() <= settings
        assert config["train"]["pipeline"] in PIPELINES
        assert config["train"]["algorithm"] in ALGORITHMS
        assert config["evaluate"].keys() <= of_evaluate.keys() | of_protocol


def test_each_learner_has_its_configs(scripts):
    names = set(scripts[0].configs())
    for algorithm in OF_CLASSES:
        for size in ("5way-1shot", "5way-5shot", "20way-1shot", "20way-5shot"):
            assert f"omniglot/{algorithm}-{size}" in names
    for algorithm in (*OF_CLASSES, "ridge", "transfer"):
        assert {f"cifar-fs/{algorithm}-5way-{shots}shot" for shots in (1, 5)} <= names


def test_the_page_is_what_the_results_make(scripts):
    assert (ROOT / "docs" / "reproduction.md").read_text() == scripts[1].page()


def test_a_config_is_trained_and_evaluated_once_for_those_that_train_alike(scripts, tmp_path):
    config = {
        "train": {"pipeline": "sinusoid", "algorithm": "maml", "shots": 10, "steps": 2},
        "evaluate": {"tasks": 3, "queries": 4},
    }
    first, second = (scripts[0].reproduce(config, tmp_path) for _ in range(2))
    assert first["num_tasks"] == 3
    assert first["num_queries"] == 4
    assert first["mse"] == second["mse"]
    assert len(list(tmp_path.iterdir())) == 1
    assert json.dumps(first, allow_nan=False)
