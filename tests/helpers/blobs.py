"""Vectors of classes that lie around points of their own, as arrays and as files."""

import numpy as np
import pandas
import pytest

from tfmeta import UserError
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.pipelines.arrays import build

NUM_CLASSES, NUM_ROWS, NUM_FEATURES = 25, 12, 4
SHAPE = EpisodeShape(3, 2, 5)


def blobs():
    """Classes around points of their own, far apart: x `(300, 4)` shuffled, and labels as text."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(NUM_CLASSES, 1, NUM_FEATURES))
    x = centres + 0.2 * rng.normal(size=(NUM_CLASSES, NUM_ROWS, NUM_FEATURES))
    order = rng.permutation(NUM_CLASSES * NUM_ROWS)
    labels = np.repeat([f"{number:03d}" for number in range(NUM_CLASSES)], NUM_ROWS)
    return x.reshape(-1, NUM_FEATURES).astype(np.float32)[order], labels[order]


def frame(**columns):
    x, labels = blobs()
    features = {f"f{number}": x[:, number] for number in range(NUM_FEATURES)}
    return pandas.DataFrame({**features, "label": labels, **columns})


def csv(path, text):
    (path / "data.csv").write_text(text, encoding="utf-8")
    return path / "data.csv"


def npz(path, **arrays):
    np.savez(path / "data.npz", **arrays)
    return path / "data.npz"


def refused(words, path, **options):
    with pytest.raises(UserError, match=words):
        build(data_dir=path, **options)


def names_of(source):
    return source.index.named_splits()
