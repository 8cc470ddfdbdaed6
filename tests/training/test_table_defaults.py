"""What rows of classes are learned by for who names nothing of the learning, and how well."""

import numpy as np
import pytest
from closeness import assert_close
from sklearn.datasets import load_digits

import tfmeta
from tfmeta.training.plan import Plan
from tfmeta.training.settings import Settings

DIGITS = load_digits()


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The digits as vectors of 64 numbers: five classes to train on, five for the test."""
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    split = np.where(DIGITS.target % 2 == 0, "train", "test")
    np.savez(path, x=DIGITS.data, y=DIGITS.target, split=split)
    return path


def of(path, **flat):
    settings = {"pipeline": "arrays", "data_dir": str(path), "validation_tasks": 0, **flat}
    found = Plan.make(Settings.of_new_run(settings)).settings
    return found.algorithm, found.network, found.train, found.steps


def test_rows_are_learned_by_their_likeness(rows):
    assert of(rows) == ("ridge", "table", "head", 300)
    assert of(rows, steps=7) == ("ridge", "table", "head", 7)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"algorithm": "maml"}, ("maml", "auto", "all")),
        ({"algorithm": "prototypical"}, ("prototypical", "auto", "all")),
        ({"network": "mlp"}, ("ridge", "mlp", "all")),
        ({"train": "all"}, ("ridge", "auto", "all")),
        ({"learner.scale": 2.0}, ("ridge", "auto", "all")),
    ],
)
def test_naming_a_part_of_the_learning_takes_the_rest_away(rows, named, expected):
    assert of(rows, **named)[:3] == expected


def test_the_network_takes_the_ranks_of_training_if_it_is_named_too(rows):
    settings = {"pipeline": "arrays", "data_dir": str(rows), "network": "table", "train": "none"}
    found = Plan.make(Settings.of_new_run(settings | {"validation_tasks": 0})).settings
    knots = np.array(found.network_options["rank_knots"])
    assert knots.shape[1] == len(found.network_options["input_mean"]) == 64
    training = DIGITS.data[DIGITS.target % 2 == 0]
    scaled = (training - training.mean(0)) / np.where(training.std(0) > 0, training.std(0), 1)
    assert_close(knots.max(0), scaled.max(0))
    assert_close(knots.min(0), scaled.min(0))


def test_a_map_of_very_many_columns_is_not_made(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(12), 3)
    settings = {"queries": 1, "ways": 2}
    for columns, train, likeness in ((1500, "head", 548), (2048, "head", 64), (3000, "none", 64)):
        x = rng.normal(size=(len(y), columns)).astype(np.float32)
        np.savez(tmp_path / f"{columns}.npz", x=x, y=y)
        path = str(tmp_path / f"{columns}.npz")
        flat = {"pipeline": "arrays", "data_dir": path, "validation_tasks": 0, **settings}
        found = Plan.make(Settings.of_new_run(flat)).settings
        assert (found.train, found.network_options["likeness"]) == (train, likeness)


def test_a_run_goes_on_with_the_network_that_it_began_with(rows, tmp_path, caplog):
    run = tfmeta.train(
        "arrays", data_dir=rows, steps=2, validation_tasks=0, run_dir=tmp_path / "run"
    )
    again = tfmeta.train(run_dir=run.path, resume=True, steps=3)
    assert again.step == 3
    with caplog.at_level("INFO", "tfmeta"):
        assert tfmeta.train(run_dir=run.path, resume=True, steps=2).step == 3
    assert "is finished: it has 3 steps already" in caplog.text


@pytest.mark.slow
def test_it_is_ahead_of_everything_trivial(rows, tmp_path):
    run = tfmeta.train(
        "arrays", data_dir=rows, shots=5, validation_tasks=0, steps=50, run_dir=tmp_path / "run"
    )
    result = tfmeta.evaluate(run, tasks=200)
    ahead = {each["name"]: each["difference"] for each in result.facts["baselines"]}
    assert len(ahead) >= 4
    assert min(ahead.values()) > 0.01
