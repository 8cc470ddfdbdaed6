"""Heads of tables: as good as scikit-learn's logistic regression, which has an intercept."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tfmeta
from tfmeta.workflows.learnable.request import request_for
from tfmeta.workflows.learnable.rows import task_of_table


def test_flowers_are_told_apart_as_well_as_by_logistic_regression(tmp_path):
    """Versicolor and virginica differ in how far they are from the mean, not in the direction."""
    iris = load_iris()
    np.savez(tmp_path / "iris.npz", x=iris.data, y=iris.target)
    task = task_of_table(request_for(tmp_path / "iris.npz", label="y"))
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=100, max_iter=1000))
    by_row = cross_val_predict(plain, iris.data, iris.target, cv=50, method="predict_proba")
    accuracy = (by_row.argmax(1) == iris.target).mean()
    loss = -np.log(by_row[np.arange(150), iris.target]).mean()
    assert task.held_out is not None
    assert task.held_out.is_right.mean() >= accuracy - 2 / 150
    assert task.held_out.loss <= loss + 0.02


def test_a_threshold_among_other_columns_is_learned(tmp_path):
    """Two columns count only together, which no linear function of the columns says."""
    rng = np.random.default_rng(0)
    x = rng.lognormal(size=(160, 4))
    y = (x[:, 0] > 1) ^ (x[:, 1] > 1)
    np.savez(tmp_path / "both.npz", x=x, y=np.int32(y))
    task = task_of_table(request_for(tmp_path / "both.npz", label="y"))
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    by_row = cross_val_predict(plain, x, y, cv=20)
    assert (by_row == y).mean() < 0.65
    assert task.held_out is not None
    assert task.held_out.is_right.mean() > 0.85
    assert "likeness" in task.network


def test_one_column_that_decides_among_many_is_found(tmp_path):
    """As thyroids, of whose 58 columns one does."""
    x = np.random.default_rng(0).normal(size=(60, 30))
    y = np.int32(x[:, 7] > 0.5)
    np.savez(tmp_path / "step.npz", x=x, y=y)
    task = task_of_table(request_for(tmp_path / "step.npz", label="y"))
    forest = RandomForestClassifier(200, oob_score=True, random_state=0).fit(x, y)
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    of_plain = (cross_val_predict(plain, x, y, cv=20) == y).mean()
    assert task.held_out is not None
    assert task.held_out.is_right.mean() >= max(forest.oob_score_ - 0.05, of_plain + 0.05)


def test_what_happens_at_any_time_of_a_window_is_learned(tmp_path):
    """A knock and two of them, each anywhere: no step by itself says which it is."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(scale=0.1, size=(40, 60, 2)), np.arange(40) % 2
    for window, label in zip(x, y, strict=True):
        for at in rng.choice(50, 1, replace=False) + np.arange(label + 1) * 4:
            window[at : at + 3, 1] += (1, 3, 1)
    np.savez(tmp_path / "knocks.npz", x=x, y=y)
    task = task_of_table(request_for(tmp_path / "knocks.npz", label="y"))
    assert task.network.startswith("convolutions of windows")
    assert task.held_out is not None
    assert task.held_out.is_right.mean() >= 0.9
    steps = make_pipeline(StandardScaler(), LogisticRegression())
    by_step = cross_val_predict(steps, x.reshape(40, -1), y, cv=20)
    assert (by_step == y).mean() < 0.8


@pytest.mark.slow
def test_what_is_far_from_one_example_of_each_class_is_unknown(tmp_path):
    """One minus the confidence said that rows in another unit were surely known."""
    classes = "6.3,3.3,4.7,1.6,versicolor\n5.1,3.5,1.4,0.2,setosa\n6.3,3.3,6.0,2.5,virginica\n"
    (tmp_path / "t.csv").write_text(f"a,b,c,d,kind\n{classes}")
    found = tfmeta.learn(tmp_path / "t.csv", label="kind", output=tmp_path / "model")
    assert found.held_out is None
    assert "how far the classes are from each other" in dict(found.rows())["unknown"]
    rows = [*np.float64([line.split(",")[:4] for line in classes.split()])]
    rows += [row * times for row in rows for times in (10, 100, 1e6)]
    np.savetxt(tmp_path / "q.csv", rows, delimiter=",", header="a,b,c,d", comments="")
    unknown = [each.unknown for each in tfmeta.predict(tmp_path / "model", tmp_path / "q.csv")]
    assert max(unknown[:3]) < 0.05
    assert min(unknown[3:]) > 0.9


@pytest.mark.usefixtures("unexported")
def test_a_model_no_better_than_the_most_frequent_class_is_warned_of(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "t.npz", x=rng.normal(size=(40, 3)), y=np.arange(40) < 4)
    found = tfmeta.learn(tmp_path / "t.npz", output=tmp_path / "model")
    assert found.held_out.most_common == 36 / 40
    assert ("", "90.0% if the most frequent class is always the answer") in found.rows()
    warnings = [words for name, words in found.rows() if name == "warning"]
    assert any("which class is the most frequent" in words for words in warnings)
