"""Whitening within classes and stretching between them, against SciPy, also as a run begins."""

import numpy as np
import pytest
from closeness import assert_close
from nightly import rows
from scipy.linalg import fractional_matrix_power

import tfmeta
from tfmeta.networks.feature_map import feature_map
from tfmeta.networks.within_class_whitening import WithinClassWhitening

RNG = np.random.default_rng(0)
LABELS = np.repeat([3, 5, 9], [4, 7, 5])
X = np.float32(RNG.normal(size=(3, 6))[np.unique(LABELS, return_inverse=True)[1]])
X += np.float32(RNG.normal(size=X.shape) * np.linspace(0.1, 2, 6))


def whitened(x, labels, shrinkage):
    """By its definition, in double precision."""
    classes = [np.float64(x[labels == label]) for label in np.unique(labels)]
    within = np.mean([np.cov(each.T) for each in classes], 0)
    level = np.trace(within) / len(within)
    shrunk = within + shrinkage * level * np.eye(len(within))
    root = fractional_matrix_power(shrunk, -0.5)
    map_ = root * np.sqrt((1 + shrinkage) * level)
    centres = np.stack([each.mean(0) for each in classes])
    y, means = (x - centres.mean(0)) @ map_, centres @ map_
    between = np.cov(means.T, bias=True)
    between /= 0.15 * np.trace(between) / (len(means) - 1)
    return y @ fractional_matrix_power(np.eye(len(between)) + between, 0.15).real


@pytest.mark.parametrize("shrinkage", [0.5, 10.0])
def test_it_is_what_its_definition_says(shrinkage):
    layer = WithinClassWhitening(shrinkage)
    np.testing.assert_array_equal(layer(X), X)  # before it is fitted
    layer.fit(X, LABELS)
    expected = whitened(X, LABELS, shrinkage)
    assert_close(layer(X).numpy(), expected, roundings=100, scale=np.abs(expected).max())


def test_one_example_per_class_says_nothing():
    layer = WithinClassWhitening()
    layer.fit(X[:3], np.arange(3))
    layer.build(X.shape)
    np.testing.assert_array_equal(layer(X), X)


@rows("validation_tasks", [0, 4], each_run=[4])
def test_a_run_begins_with_it(tmp_path, monkeypatch, caplog, validation_tasks):
    caplog.set_level("INFO", "tfmeta")
    monkeypatch.setenv("TFMETA_CACHE", str(tmp_path / "cache"))
    settings = {"algorithm": "prototypical", "train": "head", "steps": 1, "queries": 1}
    settings |= {"network_options": {"filters": 4}, "outer_lr": 1e-30}
    run = tfmeta.train(
        "glyphs", run_dir=tmp_path / "run", validation_tasks=validation_tasks, **settings
    )
    of_validation = {"split": "validation", "tasks": 4, "baselines": False, "is_recorded": False}
    score = tfmeta.evaluate(run, checkpoint="last", **of_validation).facts["accuracy"]
    said = f"computed from the training classes validation_accuracy is {score:.4g}, without it 0."
    assert (said in caplog.text) == bool(validation_tasks)
    learner = tfmeta.load(run, checkpoint="last")
    source = learner.embedded(tfmeta.pipelines.build("glyphs"), "train")
    rows = source.index.rows("train")
    features, labels = source.index.examples[rows], source.index.labels[rows]
    roots = np.sign(features) * np.sqrt(np.abs(features))
    roots /= np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-6)
    found = learner.learner.network(features).numpy()
    expected = whitened(roots, labels, 10.0)
    assert_close(found, expected, roundings=1000, scale=np.abs(expected).max())


def test_a_map_that_is_not_trained_has_none():
    names = [layer.name for layer in feature_map((4,), trained=False).layers]
    assert "whitening" not in names
