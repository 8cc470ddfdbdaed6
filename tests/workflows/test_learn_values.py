"""`tfmeta learn` of a table of values: a served regression, as good as scikit-learn says."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner
from closeness import assert_close
from made_once import made_once
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_predict

import tfmeta
from tfmeta.cli import main
from tfmeta.episodes.target_numbers import scale_of
from tfmeta.evaluation.leave_one_out_values import HeldOutValues
from tfmeta.networks.mlp import mlp
from tfmeta.networks.table_features import TableNetworks
from tfmeta.reading.feature_columns import input_scaling
from tfmeta.workflows import learn_exports
from tfmeta.workflows.learnable.values import _below_zero

DATA = load_diabetes(scaled=False)
ROWS, NAMES = 30, list(DATA.feature_names)
# Of which a line through the columns does not say all.
TARGET = (DATA.target + 200 * (DATA.data[:, NAMES.index("bmi")] > 26)) / 7


def write(path, column, rows):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*NAMES, column])
        writer.writerows([*x, y] for x, y in zip(DATA.data[rows], TARGET[rows], strict=True))
    return path


@made_once("learned-values")
def learned(path):
    """An export of thirty rows, its report, and the file."""
    path.mkdir()
    data = write(path / "train.csv", "progression", slice(ROWS))
    found = tfmeta.learn(data, target="progression", output=path / "model")
    (path / "report.json").write_text(json.dumps(found.to_dict()))


def expected(query, strength):
    """Mean and variance but for the noise, by NumPy, in the targets' unit."""
    x, y = np.float32(DATA.data[:ROWS]), TARGET[:ROWS, np.newaxis]
    columns = mlp((10,), None, units=(), **input_scaling(DATA.data[:ROWS], True))
    scale = scale_of(y)
    targets = (y - scale["target_centre"]) / scale["target_spread"]
    network = TableNetworks(columns, x).of_values(targets)  # see tests/networks/
    x, query = (np.float64(network(np.float32(each))) for each in (x, query))
    x, query = (np.concatenate([e, np.ones((len(e), 1))], 1) for e in (x, query))
    level, spread = y.mean(), y.std()
    precision = x.T @ x + strength * np.eye(x.shape[1])
    mean = query @ np.linalg.solve(precision, x.T @ (y - level) / spread)
    widths = 1 + np.einsum("ij,ji->i", query, np.linalg.solve(precision, query.T))
    return mean[:, 0] * spread + level, widths * spread**2


@pytest.mark.usefixtures("kept_exports")
def test_the_model_answers_as_bayesian_linear_regression(tmp_path):
    folder = learned()
    found = json.loads((folder / "report.json").read_text())
    assert found["on"] == "the columns and the likeness of rows"
    queries = write(tmp_path / "queries.csv", "progression", slice(ROWS, ROWS + 5))
    mean, widths = expected(DATA.data[ROWS : ROWS + 5], found["strength"])
    for answers in (
        tfmeta.predict(folder / "model", [queries]),
        tfmeta.predict(folder / "model-learner", [queries], support=folder / "train.csv"),
    ):
        values = np.float32([each.prediction[0] for each in answers])
        variances = np.float32([each.variance[0] for each in answers])
        # The weights of the columns follow the rounding of what they are fitted to.
        assert_close(values, mean, roundings=3000)
        noise = variances / widths
        assert_close(noise, np.full(5, noise[0]), roundings=3000, dtype=np.float32)
    assert found["rmse"] < found["rmse_of_mean"]
    assert 0.8 <= found["coverage90"] <= 1


@pytest.mark.usefixtures("kept_exports")
def test_a_row_far_outside_is_answered_by_a_value_like_the_others_but_less_surely():
    x = DATA.data[:ROWS]
    rows = [np.max(x, 0) + times * np.ptp(x, 0) for times in (0.5, 2, 9, 1e30)]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(NAMES)}
    answers = tfmeta.predict(learned() / "model", columns)
    values = [each.prediction[0] for each in answers]
    assert TARGET[:ROWS].min() < min(values) <= max(values) < TARGET[:ROWS].max()
    deviations = np.sqrt([each.variance[0] for each in answers])
    assert (np.diff(deviations) > deviations[0] / 2).all()
    assert np.isfinite(deviations).all()


def test_numbers_with_fractions_are_values_and_whole_ones_are_classes(tmp_path, monkeypatch):
    asked = []
    learn_values = "tfmeta.workflows.learnable.values.learn_values"
    monkeypatch.setattr(learn_values, lambda *a, **k: asked.append(a[1]))
    (tmp_path / "values.csv").write_text("a,label\n1,0.5\n2,1\n3,1.5\n4,2\n")
    tfmeta.learn(tmp_path / "values.csv", output=tmp_path / "model")
    np.savez(tmp_path / "values.npz", x=np.eye(4), y=np.array([0.5, 1, 1.5, 2]))
    tfmeta.learn(tmp_path / "values.npz", output=tmp_path / "model")
    assert asked == ["label", "y"]
    from tfmeta.workflows.learnable.values import value_column

    (tmp_path / "classes.csv").write_text("a,label\n1,1\n2,1\n3,2\n4,2\n")
    assert value_column(tmp_path / "classes.csv", None, None) is None
    assert value_column(tmp_path / "classes.csv", None, "a") == "a"


@pytest.mark.fault("learning values from too little", "refused: two rows, values all alike")
@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,v\n1,0.5\n2,1\n", {"target": "v"}, "has 2 rows; expected 3 or more"),
        ("a,v\n1,2\n2,2\n3,2\n", {"target": "v"}, "all 3 values in the column v .* are 2"),
        ("a,v\n1,0.1\n2,0.1\n3,0.1\n", {"target": "v"}, r"all 3 values in .* are 0\.1"),
        (
            "a,v\n1,2\n2,x\n3,2\n",
            {"target": "v"},
            r"v \('x' in line 3\).* choose another with --target NAME\. A column of names is "
            "learned with --label NAME",
        ),
        ("a,v\n1,1e32\n2,2e32\n3,4e32\n", {"target": "v"}, "values up to 4e.32; expected 1e.15"),
        (
            "a,v\n1,1000000000321\n2,1000000000215\n3,1000000000111\n",
            {"target": "v"},
            "near 1e.12 that differ by about 85.*float32.*Subtract what they have in common",
        ),
        ("a,v\n1,2\n2,3\n3,2\n", {"target": "w"}, "has no column 'w'.*--target NAME"),
        ("a,v\n1,2\n2,3\n3,2\n", {"target": "v", "label": "a"}, "label='a' and target='v'"),
        ("a,v\n1,2\n2,3\n3,2\n", {"target": "v", "network": "conv4"}, "network='conv4' and a"),
    ],
)
def test_what_makes_no_sense_is_refused(text, options, message, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(tfmeta.UserError, match=message):
        tfmeta.learn(tmp_path / "t.csv", output=tmp_path / "model", **options)
    assert not (tmp_path / "model").exists()


def test_a_column_equal_to_the_values_is_named(tmp_path, monkeypatch):
    verified = {"ok": True, "checks": []}
    monkeypatch.setattr(learn_exports, "verify_export", lambda version: verified)
    rows = [f"{x % 5},{0.1 * x},{0.1 * x}" for x in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["a,copy,v", *rows]))
    found = tfmeta.learn(tmp_path / "t.csv", target="v", output=tmp_path / "model")
    (warning,) = found.warnings
    assert warning.startswith("features that say the answer itself: 1 (copy)")
    assert ("warning", warning) in found.rows()


@pytest.mark.usefixtures("unexported")
def test_what_is_exactly_linear_is_learned_by_the_columns_alone(tmp_path):
    x = np.random.default_rng(0).normal(size=(30, 3)) * [1, 100, 0.1]
    y = x @ [3, 0.02, -1] + 7
    np.savez(tmp_path / "line.npz", x=x, y=y)
    found = tfmeta.learn(tmp_path / "line.npz", target="y", output=tmp_path / "model")
    assert found.on == "the columns"
    assert found.rmse < y.std() / 500
    np.savez(tmp_path / "bent.npz", x=x, y=np.abs(y - 7))
    found = tfmeta.learn(tmp_path / "bent.npz", target="y", output=tmp_path / "model")
    assert found.on == "the columns and the likeness of rows"


@pytest.mark.usefixtures("unexported")
def test_one_column_that_decides_among_many_is_found(tmp_path):
    x = np.random.default_rng(0).normal(size=(100, 30))
    y = np.where(x[:, 7] > 0.5, 30.0, 10.0)
    np.savez(tmp_path / "step.npz", x=x, y=y)
    found = tfmeta.learn(tmp_path / "step.npz", target="y", output=tmp_path / "model")
    plain = cross_val_predict(RidgeCV(np.logspace(-2, 3, 11)), x, y, cv=20)
    assert np.sqrt(np.mean((plain - y) ** 2)) > 0.5 * y.std()
    assert found.rmse < 0.25 * y.std()


@pytest.mark.usefixtures("unexported")
def test_the_command_names_a_row_that_is_far_off(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{x},{3 * x + 0.01 * rng.normal() + (9 if x == 7 else 0)}" for x in range(40)]
    (tmp_path / "line.csv").write_text("\n".join(["x,y", *rows]))
    arguments = ["learn", str(tmp_path / "line.csv"), "--target", "y"]
    result = CliRunner().invoke(main, [*arguments, "--output", str(tmp_path / "model")])
    assert result.exit_code == 0, result.output
    assert " look at    line 9: off by " in result.output
    assert " learned    values of y in 40 rows, by linear regression on the" in result.output
    assert "(root mean squared) if a row is held out" in result.output


@pytest.mark.usefixtures("kept_exports")
def test_windows_with_values_are_asked_about_in_the_shape_that_was_learned(tmp_path):
    x = np.random.default_rng(0).normal(size=(24, 5, 2)).astype(np.float32)
    y = 3 * x[:, 3, 0] + 0.5
    found = tfmeta.learn((x, y), output=tmp_path / "model")
    assert found.warnings == ("each example, of shape (5, 2), is taken as 10 columns",)
    answers = tfmeta.predict(tmp_path / "model", x[:3])
    assert np.corrcoef([each.prediction[0] for each in answers], y[:3])[0, 1] > 0.99


@pytest.mark.parametrize(("shift", "is_warned_of"), [(0.5, True), (-0.5, False), (9.0, False)])
def test_intervals_below_zero_are_named_where_no_value_is(shift, is_warned_of):
    errors = np.linspace(-0.3, 0.3, 10)[:, np.newaxis]
    found = HeldOutValues(1.0, np.ones(1), errors, np.ones((10, 1)))
    y = np.linspace(0, 3, 10)[:, np.newaxis] + shift
    (warning,) = list(_below_zero(found, y, np.array([2.0]))) or [None]
    assert (warning is not None) == is_warned_of
    if is_warned_of:
        below = np.mean(y + 2 * errors - 1.6449 * 2 < 0)
        assert warning.startswith(f"{100 * below:.0f}% of the 90% intervals reach below zero")
        assert "logarithms" in warning
