"""Answers with a variance: by a run, by its exports, and in an evaluation."""

import json
from dataclasses import replace

import numpy as np
import pandas
import pytest
import trained
from closeness import assert_close
from nightly import rows

import tfmeta
from tfmeta.pipelines import build
from tfmeta.precision import OF_AN_EXPORT

SHOTS, QUERIES = 5, 4
COLUMNS = ["reading", "value", "device"]


@pytest.fixture(scope="module")
def devices(tmp_path_factory):
    """Devices whose values are lines of their own about 10,000."""
    folder, rng = tmp_path_factory.mktemp("devices"), np.random.default_rng(0)
    reading = rng.uniform(0, 10, (20, 12))
    line = rng.normal(10_000, 1_000, (20, 1)) + rng.normal(1_000, 300, (20, 1)) * reading
    value = line + rng.normal(0, 200, line.shape)
    name = np.repeat([f"d{i:02d}" for i in range(20)], 12)
    table = pandas.DataFrame(
        dict(zip(COLUMNS, (reading.ravel(), value.ravel(), name), strict=True))
    )
    table.to_csv(folder / "all.csv", index=False)
    table[:SHOTS].to_csv(folder / "support.csv", index=False)
    table[SHOTS : SHOTS + 3][["reading"]].to_csv(folder / "queries.csv", index=False)
    tfmeta.train(
        "regression",
        data_dir=folder / "all.csv",
        algorithm="bayes-linear",
        run_dir=folder / "run",
        shots=SHOTS,
        queries=QUERIES,
        steps=3,
        validation_tasks=0,
        pipeline_options={"task": "device", "target": "value"},
        network_options={"units": [8]},
    )
    return folder


@pytest.fixture(scope="module")
def answers(devices):
    learner = tfmeta.load(devices / "run")
    support, queries = (pandas.read_csv(devices / f"{n}.csv") for n in ("support", "queries"))
    x, y = (support[[name]].to_numpy(np.float32) for name in ("reading", "value"))
    state, x = learner.adapt(x, y), queries.to_numpy(np.float32)
    return learner.predict_with(state, x).numpy(), learner.variance_with(state, x).numpy()


def test_a_run_predicts_with_the_variance(devices, answers):
    support, queries = devices / "support.csv", devices / "queries.csv"
    found = tfmeta.predict(devices / "run", queries, support=support)
    assert_close([each.prediction for each in found], answers[0])
    assert_close([each.variance for each in found], answers[1])
    assert found[1].to_dict().keys() == {"file", "row", "prediction", "variance"}
    deviation = np.sqrt(found[1].variance[0])
    assert str(found[1]).endswith(f"  {found[1].prediction[0]:.6g}  deviation {deviation:.3g}")


@rows("kind", ["learner", "adapted"], each_run=["learner"])
def test_an_export_serves_the_variance(devices, answers, tmp_path, kind):
    support = devices / "support.csv"
    baked_in = {"support": support} if kind == "adapted" else {}
    version = tfmeta.export(devices / "run", kind=kind, output=tmp_path / "model", **baked_in)
    assert tfmeta.verify(version).ok
    given = {} if kind == "adapted" else {"support": support}
    found = tfmeta.predict(version, devices / "queries.csv", **given)
    for name, expected in zip(("prediction", "variance"), answers, strict=True):
        received = [getattr(each, name) for each in found]
        assert_close(received, expected, dtype=np.float32, roundings=OF_AN_EXPORT)
    assert "`prediction`, `variance`" in (version / "README.md").read_text()


def test_an_evaluation_counts_the_targets_within_the_intervals(devices):
    result = tfmeta.evaluate(devices / "run", tasks=20, baselines=False)
    learner, within = tfmeta.load(devices / "run"), []
    options = {"task": "device", "target": "value"}
    source = build("regression", data_dir=devices / "all.csv", options=options)
    shape = tfmeta.EpisodeShape(1, SHOTS, QUERIES)
    for episodes in source.episodes("test", shape, seed=0, num_tasks=1).take(20):
        support_x, support_y, query_x, query_y = (tensor[0] for tensor in episodes)
        state = learner.adapt(support_x, support_y)
        deviation = np.sqrt(learner.variance_with(state, query_x))
        within.append(np.abs(query_y - learner.predict_with(state, query_x)) <= 1.645 * deviation)
    assert_close(result["coverage90"], np.mean(within), dtype=np.float32)
    recorded = json.loads((devices / "run/results.json").read_text())
    assert "coverage90" in json.dumps(recorded)
    assert f"{100 * np.mean(within):.1f}% of the targets are within 90% intervals" in str(result)
    assert "too narrow" not in str(replace(result, facts={**result.facts, "coverage90": 0.86}))
    few = str(replace(result, facts={**result.facts, "coverage90": 0.775}))
    assert "77.5% of the targets are within 90% intervals, which are too narrow" in few


def test_the_command_prints_what_python_finds(devices, capfd):
    files = [devices / "run", devices / "queries.csv", "--support", devices / "support.csv"]
    status, output, _ = trained.inside(capfd, "predict", *files, "--json")
    assert status == 0
    found = tfmeta.predict(*files[:2], support=files[3])
    assert json.loads(output)["predictions"] == [each.to_dict() for each in found]
