"""`tfmeta.predict` on rows of numbers, whose answers are classes or values."""

import json
import shutil

import numpy as np
import pandas
import pytest
import trained
from closeness import assert_close
from nightly import rows
from sklearn.datasets import load_diabetes, load_wine
from wines import six_classes, train_on_wines

import tfmeta
from tfmeta import UserError

SMALL = {"steps": 3, "meta_batch": 2, "validation_tasks": 0, "network_options": {"units": [8]}}
SMALL["learner_options"] = {"vectorised": False}  # without the wait for XLA


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    """scikit-learn's wines: a table of 13 features, some of whose names have a slash."""
    folder = tmp_path_factory.mktemp("wine")
    table = load_wine(as_frame=True).frame.rename(columns={"target": "cultivar"})
    table["cultivar"] = six_classes(table["cultivar"])
    table.to_csv(folder / "wine.csv", index=False)
    train_on_wines(folder, steps=3, label="cultivar")
    support = table.groupby("cultivar").head(2)
    support = support[support.cultivar.isin(["0a", "1a", "2b"])]
    support.to_csv(folder / "support.csv", index=False)
    table.drop(columns="cultivar")[:7].to_csv(folder / "queries.csv", index=False)
    return folder


def by_hand(wine):
    """The probabilities of the nearest prototypes, from the run's network alone."""
    network = tfmeta.load(wine / "run").network
    support, queries = (pandas.read_csv(wine / f"{n}.csv") for n in ("support", "queries"))
    x = support.drop(columns="cultivar").to_numpy()
    embedded = network(x).numpy().astype(np.float64)
    names = sorted(set(support.cultivar))
    centres = np.stack([embedded[support.cultivar == name].mean(0) for name in names])
    vectors = network(queries.to_numpy()).numpy().astype(np.float64)
    logits = -((vectors[:, np.newaxis] - centres) ** 2).sum(-1)
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return names, odds / odds.sum(1, keepdims=True)


def test_rows_of_a_table_are_labelled(wine):
    names, expected = by_hand(wine)
    found = tfmeta.predict(wine / "run", wine / "queries.csv", support=wine / "support.csv")
    assert [(each.place.file, each.place.row) for each in found] == [
        (str(wine / "queries.csv"), row) for row in range(1, 8)
    ]
    for each, probabilities in zip(found, expected, strict=True):
        assert list(each.probabilities) == names
        assert_close(list(each.probabilities.values()), probabilities, dtype=np.float32, scale=30)
        assert each.label == names[int(np.argmax(probabilities))]
        assert 0 <= each.unknown <= 1


def test_the_order_of_columns_and_what_else_a_table_has_do_not_matter(wine, tmp_path):
    expected = tfmeta.predict(wine / "run", wine / "queries.csv", support=wine / "support.csv")
    queries = pandas.read_csv(wine / "queries.csv")
    queries[queries.columns[::-1]].assign(note="x", cultivar="?").to_csv(
        tmp_path / "q.csv", index=False
    )
    support = pandas.read_csv(wine / "support.csv")
    support[support.columns[::-1]].to_parquet(tmp_path / "s.parquet")
    found = tfmeta.predict(wine / "run", tmp_path / "q.csv", support=tmp_path / "s.parquet")
    assert [each.probabilities for each in found] == [each.probabilities for each in expected]


def test_a_data_frame_is_taken_as_its_columns(wine):
    asked = {"support": wine / "support.csv"}
    frame = pandas.read_csv(wine / "queries.csv")
    expected = tfmeta.predict(wine / "run", wine / "queries.csv", **asked)
    found = tfmeta.predict(wine / "run", frame[frame.columns[::-1]], **asked)
    assert [each.probabilities for each in found] == [each.probabilities for each in expected]
    twice = pandas.concat([frame, frame.iloc[:, :1]], axis=1)
    with pytest.raises(tfmeta.UserError, match=f"several columns of the name {frame.columns[0]}"):
        tfmeta.predict(wine / "run", twice, **asked)


def test_arrays_say_the_same_as_tables_and_the_command_the_same_as_python(wine, tmp_path, capfd):
    queries, support = (pandas.read_csv(wine / f"{n}.csv") for n in ("queries", "support"))
    np.savez(tmp_path / "q.npz", X=queries.to_numpy())
    x, y = support.drop(columns="cultivar").to_numpy(), support.cultivar.to_numpy().astype(str)
    np.savez(tmp_path / "s.npz", x=x, y=y)
    expected = tfmeta.predict(wine / "run", wine / "queries.csv", support=wine / "support.csv")
    found = tfmeta.predict(wine / "run", [tmp_path / "q.npz"], support=tmp_path / "s.npz")
    assert [each.probabilities for each in found] == [each.probabilities for each in expected]
    arguments = [wine / "run", tmp_path / "q.npz", "--support", tmp_path / "s.npz"]
    status, output, _ = trained.inside(capfd, "predict", *arguments, "--json")
    assert status == 0
    assert json.loads(output)["predictions"] == [each.to_dict() for each in found]
    assert json.loads(output)["predictions"][2]["row"] == 3
    status, output, _ = trained.inside(capfd, "predict", *arguments)
    first = found[0]
    assert output.splitlines()[0] == (
        f"{tmp_path / 'q.npz'} row 1  {first.label}  {first.confidence:.3f}  "
        f"unknown {first.unknown:.3f}"
    )


def changed(wine, tmp_path, name, change):
    table = change(pandas.read_csv(wine / f"{name}.csv"))
    table.to_csv(tmp_path / f"{name}.csv", index=False)
    others = {"queries", "support"} - {name}
    for other in others:
        shutil.copy(wine / f"{other}.csv", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("queries", lambda t: t.drop(columns="ash"), r"queries\.csv has no column ash; it has: "),
        ("support", lambda t: t.drop(columns=["ash", "cultivar"]), r"no column ash, cultivar; it"),
        (
            "queries",
            lambda t: t.astype({"hue": object}).assign(hue=["1", "blue", *"34567"]),
            r"1 column of .*queries\.csv is not numeric: hue \('blue' in line 3\); make them numb",
        ),
        ("queries", lambda t: t.assign(hue=np.nan), r"7 values of .*missing: hue in line 2"),
        ("queries", lambda t: t[:0], r"queries\.csv holds no rows; expected some"),
        ("support", lambda t: t[:1], r"support\.csv has 1 class; this learner takes 2 or more"),
        ("support", lambda t: t.assign(cultivar=""), r"no label \(cultivar\) in lines 2, 3"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(wine, tmp_path, name, change, message):
    folder = changed(wine, tmp_path, name, change)
    with pytest.raises(UserError, match=message):
        tfmeta.predict(wine / "run", folder / "queries.csv", support=folder / "support.csv")


def test_other_inputs_that_do_not_fit_are_refused(wine, tmp_path):
    np.savez(tmp_path / "four.npz", x=np.zeros((3, 4)))
    np.savez(tmp_path / "text.npz", x=np.array(["a", "b"]))
    np.savez(tmp_path / "other.npz", z=np.zeros((3, 13)))
    for inputs, message in (
        (tmp_path / "four.npz", r"holds x of shape \(3, 4\); expected examples of shape \(13,\)"),
        (tmp_path / "text.npz", r"holds x of <U1 and shape \(2,\); expected numbers"),
        (tmp_path / "other.npz", r"cannot read .*other\.npz: 'x'; expected an NPZ file of x"),
        (tmp_path, r"is a folder, and this model takes no images but rows"),
        (trained.query_files()[0], r"arrow\.jpg is an image, and this model takes no images"),
        (tmp_path / "none.csv", r"none\.csv"),
    ):
        with pytest.raises(UserError, match=message):
            tfmeta.predict(wine / "run", inputs, support=wine / "support.csv")
    with pytest.raises(UserError, match=r"received no support set; .* --support FILE"):
        tfmeta.predict(wine / "run", wine / "queries.csv")


# Values


@pytest.fixture(scope="module")
def diabetes(tmp_path_factory):
    """scikit-learn's patients, as many tasks of twenty rows."""
    folder = tmp_path_factory.mktemp("diabetes")
    table = load_diabetes(as_frame=True).frame[:440]
    table["task"] = np.arange(len(table)) // 20
    table.to_csv(folder / "all.csv", index=False)
    tfmeta.train(
        "regression",
        data_dir=folder / "all.csv",
        algorithm="maml",
        run_dir=folder / "run",
        shots=5,
        queries=5,
        inner_steps=1,
        **SMALL,
    )
    table[table.task == 3][:5].to_csv(folder / "support.csv", index=False)
    table[table.task == 3][5:9].drop(columns=["target", "task"]).to_csv(
        folder / "queries.csv", index=False
    )
    return folder


def test_values_are_answered_in_their_unit(diabetes):
    support, queries = (pandas.read_csv(diabetes / f"{n}.csv") for n in ("support", "queries"))
    found = tfmeta.predict(
        diabetes / "run", diabetes / "queries.csv", support=diabetes / "support.csv"
    )
    learner = tfmeta.load(diabetes / "run")
    x = support.drop(columns=["target", "task"]).to_numpy(np.float32)
    state = learner.adapt(x, support[["target"]].to_numpy(np.float32))
    expected = learner.predict_with(state, queries.to_numpy(np.float32)).numpy()
    assert_close([each.prediction for each in found], expected)
    assert found[2].to_dict() == {
        "file": str(diabetes / "queries.csv"),
        "row": 3,
        "prediction": found[2].prediction,
    }
    assert str(found[2]).endswith(f"line 4  {found[2].prediction[0]:.6g}")
    arrays = {"x": x, "y": support["target"].to_numpy()}
    np.savez(diabetes / "support.npz", **arrays)
    again = tfmeta.predict(
        diabetes / "run", diabetes / "queries.csv", support=diabetes / "support.npz"
    )
    assert_close([each.prediction for each in again], expected)


def test_rows_with_their_answers_are_scored(wine, diabetes):
    for folder, column in ((wine, "cultivar"), (diabetes, "target")):
        file = folder / "support.csv"
        found = tfmeta.predict(folder / "run", file, support=file, labelled=True)
        truth = [each.truth for each in found]
        given = pandas.read_csv(file)[column].tolist()
        assert truth == (given if folder is wine else [[value] for value in given])
        plain = tfmeta.predict(folder / "run", file, support=file)
        assert [each.to_dict() for each in plain] == [
            {name: value for name, value in each.to_dict().items() if name != "truth"}
            for each in found
        ]
        assert tfmeta.score(found).num_examples == len(given)
    with pytest.raises(UserError, match=r"queries \(in memory\) has no column alcohol, malic_acid"):
        tfmeta.predict(wine / "run", {"a": [1.0]}, support=wine / "support.csv", labelled=True)


def test_a_support_set_of_several_tasks_is_refused(diabetes):
    message = r"all\.csv has rows of 22 tasks \(0, 1, 10, 11, 12 and 17 more\) in its column task"
    with pytest.raises(UserError, match=message):
        tfmeta.predict(diabetes / "run", diabetes / "queries.csv", support=diabetes / "all.csv")


def test_a_run_on_a_function_takes_arrays_alone(tmp_path):
    np.savez(tmp_path / "s.npz", x=np.linspace(-1, 1, 5), y=np.linspace(0, 1, 5))
    np.savez(tmp_path / "q.npz", x=[[0.5], [0.7]])
    found = tfmeta.predict(trained.sinusoid_run(), tmp_path / "q.npz", support=tmp_path / "s.npz")
    assert [len(each.prediction) for each in found] == [1, 1]
    (tmp_path / "q.csv").write_text("x\n1\n")
    with pytest.raises(UserError, match=r"q\.csv is a table, and the names of the model's inputs"):
        tfmeta.predict(trained.sinusoid_run(), tmp_path / "q.csv", support=tmp_path / "s.npz")


# Exports, which run in a process of their own


@rows("kind", ["learner", "adapted"], each_run=["learner"])
def test_an_export_answers_rows_as_its_run_does(wine, tmp_path, kind):
    """As it is: its confidence is not fitted, so its probabilities are those of the run."""
    inputs, support = wine / "queries.csv", {"support": wine / "support.csv"}
    baked_in = support if kind == "adapted" else {}
    tfmeta.export(wine / "run", output=tmp_path, kind=kind, calibration_tasks=0, **baked_in)
    found = tfmeta.predict(tmp_path, inputs, **({} if baked_in else support))
    expected = tfmeta.predict(wine / "run", inputs, **support)
    assert [each.place for each in found] == [each.place for each in expected]
    for one, other in zip(found, expected, strict=True):
        assert list(one.probabilities) == list(other.probabilities)
        assert_close(
            list(one.probabilities.values()),
            list(other.probabilities.values()),
            dtype=np.float32,
            scale=30,  # of logits, whose rounding it is
        )
    (tmp_path / "short.csv").write_text("alcohol\n1\n")
    with pytest.raises(UserError, match=r"short\.csv has no column malic_acid, ash, .*it has: alc"):
        tfmeta.predict(tmp_path, tmp_path / "short.csv", **({} if baked_in else support))


def test_an_export_answers_with_values(diabetes, tmp_path, capfd):
    tfmeta.export(diabetes / "run", output=tmp_path)
    arguments = [tmp_path, diabetes / "queries.csv", "--support", diabetes / "support.csv"]
    status, output, errors = trained.inside(capfd, "predict", *arguments, "--json")
    assert status == 0, errors
    expected = tfmeta.predict(
        diabetes / "run", diabetes / "queries.csv", support=diabetes / "support.csv"
    )
    found = json.loads(output)["predictions"]
    assert [(each["file"], each["row"]) for each in found] == [
        (each.place.file, each.place.row) for each in expected
    ]
    values = [[each["prediction"] for each in found], [each.prediction for each in expected]]
    assert_close(*values, dtype=np.float32)


def test_an_export_that_does_not_say_what_its_answers_are_is_refused(diabetes, tmp_path):
    version = tfmeta.export(diabetes / "run", output=tmp_path / "new")
    facts = json.loads((version / "tfmeta.json").read_text())
    for name in ("targets", "row_format", "sha256"):
        del facts[name]
    (version / "tfmeta.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match=r"did not write whether its answers are classes or values"):
        tfmeta.predict(version, diabetes / "queries.csv", support=diabetes / "support.csv")
