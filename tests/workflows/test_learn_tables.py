"""Heads of tables: as good as scikit-learn's logistic regression, which has an intercept."""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tfmeta.training.progress import Progress
from tfmeta.workflows.learnable.rows import task_of_table


def test_flowers_are_told_apart_as_well_as_by_logistic_regression(tmp_path):
    """Versicolor and virginica differ in how far they are from the mean, not in the direction."""
    iris = load_iris()
    np.savez(tmp_path / "iris.npz", x=iris.data, y=iris.target)
    task = task_of_table(tmp_path / "iris.npz", {"label": "y"}, None, Progress("learn"))
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
    task = task_of_table(tmp_path / "both.npz", {"label": "y"}, None, Progress("learn"))
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    by_row = cross_val_predict(plain, x, y, cv=20)
    assert (by_row == y).mean() < 0.65
    assert task.held_out is not None
    assert task.held_out.is_right.mean() > 0.85
    assert "likeness" in task.network
