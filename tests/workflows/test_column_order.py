"""A run's features are told apart by the names of their columns, whatever the order in a table."""

import json

import pandas
import pytest
from sklearn.datasets import load_wine
from wines import six_classes, train_on_wines

import tfmeta
from tfmeta import UserError

TINY = {"steps": 2, "meta_batch": 2, "validation_tasks": 0, "network_options": {"units": [8]}}
TINY["learner_options"] = {"vectorised": False}  # without the wait for XLA
TASKS = {"tasks": 20, "is_recorded": False}


@pytest.fixture(scope="module")
def wines(tmp_path_factory):
    """A run on scikit-learn's wines, and the same table with its columns in another order."""
    folder = tmp_path_factory.mktemp("wines")
    table = load_wine(as_frame=True).frame
    table["label"] = six_classes(table.pop("target"))
    table.to_csv(folder / "wine.csv", index=False)
    table[table.columns[::-1]].to_csv(folder / "reversed.csv", index=False)
    table.rename(columns={"ash": "cinders"}).to_csv(folder / "renamed.csv", index=False)
    train_on_wines(folder, steps=2)
    return folder


def test_a_table_in_another_order_is_evaluated_alike(wines):
    expected = tfmeta.evaluate(wines / "run", **TASKS)
    found = tfmeta.evaluate(wines / "run", data_dir=wines / "reversed.csv", **TASKS)
    assert found.facts == expected.facts  # among them the digest of the episodes' numbers


def test_a_run_goes_on_alike_after_its_table_has_changed_its_order(wines, tmp_path):
    data = tmp_path / "wine.csv"
    data.write_bytes((wines / "wine.csv").read_bytes())
    options = {"algorithm": "prototypical", "ways": 2, "queries": 3, "log_every": 1, **TINY}
    options |= {"pipeline_options": {"validation": 0, "test": 2}, "data_dir": data}
    options |= {"outer_schedule": "constant"}
    whole = tfmeta.train("arrays", run_dir=tmp_path / "whole", **options | {"steps": 4})
    parts = tfmeta.train("arrays", run_dir=tmp_path / "parts", **options)
    data.write_bytes((wines / "reversed.csv").read_bytes())
    tfmeta.train(run_dir=parts, resume=True, steps=4)
    losses = [
        [json.loads(line)["loss"] for line in (run.path / "metrics.jsonl").read_text().splitlines()]
        for run in (whole, parts)
    ]
    assert len(losses[0]) == 4
    assert losses[0] == losses[1]


def test_columns_of_other_names_are_refused_unless_they_are_named(wines):
    with pytest.raises(UserError, match=r"renamed\.csv has no column 'ash'; it has: alcohol, "):
        tfmeta.evaluate(wines / "run", data_dir=wines / "renamed.csv", **TASKS)
    names = pandas.read_csv(wines / "renamed.csv").columns.drop("label").tolist()
    data = {"data_dir": wines / "renamed.csv", "pipeline_options": {"features": names}}
    expected = tfmeta.evaluate(wines / "run", **TASKS)
    assert tfmeta.evaluate(wines / "run", **data, **TASKS).facts == expected.facts


def test_the_same_columns_named_in_another_order_are_refused(wines):
    names = pandas.read_csv(wines / "reversed.csv").columns.drop("label").tolist()
    message = r"arrays come in the order proline, .*was trained on the order alcohol, "
    with pytest.raises(UserError, match=message):
        tfmeta.evaluate(wines / "run", pipeline_options={"features": names}, **TASKS)
