"""The network of a table's rows, beside NumPy, SciPy's ranks and the exact kernel."""

import keras
import numpy as np
import pytest
from closeness import assert_close, assert_within_chance
from scipy.spatial.distance import cdist
from scipy.stats import rankdata
from sklearn.datasets import load_wine

from tfmeta.networks import table
from tfmeta.reading.row_likeness import table_options

ROWS = load_wine().data[:40]
FEW = np.array([[3, 0, 5], [1, 0, 5], [1, 1, 5], [-5, 0, 5], [400, 0, 5]], np.float32)


def made(rows, **options):
    """The network without a head, and rows of a mean of zero and a deviation of one."""
    deviation = rows.std(0)
    scaling = {"input_mean": rows.mean(0), "input_scale": np.where(deviation > 0, deviation, 1)}
    options = {**scaling, **table_options(rows, **scaling), **options}
    scaled = (rows - scaling["input_mean"]) / scaling["input_scale"]
    return table(rows.shape[1:], None, **options), scaled


def test_the_columns_are_a_point_of_a_sphere():
    network, scaled = made(FEW)
    x = scaled / np.sqrt(2)  # two columns vary
    square = (x**2).sum(1, keepdims=True)
    expected = np.concatenate([2 * x, square - 1], 1) / (square + 1)
    assert_close(network(FEW).numpy()[:, :4], np.float32(expected))


def test_inner_products_of_the_other_features_are_a_kernel_of_the_ranks():
    network, _ = made(FEW, likeness=8192)
    ranks = np.stack([rankdata(column) for column in FEW.T[:2]], 1)
    ranks = (ranks - ranks.mean(0)) / ranks.std(0)
    likeness = network(FEW).numpy()[:, 4:]
    exact = np.exp(-cdist(ranks, ranks, "cityblock") / 2)
    assert_within_chance(likeness @ likeness.T, exact, 8192**-0.5)


def test_a_monotone_change_of_a_column_leaves_the_likeness():
    network, _ = made(ROWS)
    changed = ROWS.copy()
    changed[:, 4] = np.log(changed[:, 4])
    other, _ = made(changed)
    ours, theirs = (each(x).numpy()[:, 14:] for each, x in ((network, ROWS), (other, changed)))
    agree = (ours * theirs).sum(1)  # of one, but between the knots
    assert agree.min() > 0.9


def test_a_row_has_features_of_its_own():
    network, _ = made(ROWS)
    together = network(np.float32(ROWS)).numpy()
    assert_close(network(np.float32(ROWS[7:8])).numpy(), together[7:8])


def test_without_ranks_the_scaled_columns_are_compared():
    x = np.float32([[0.0, 1.0], [2.0, -1.0]])
    likeness = table((2,), None, likeness=8192)(x).numpy()[:, 3:]
    exact = np.exp(-cdist(x, x, "cityblock") / 2)
    assert_within_chance(likeness @ likeness.T, exact, 8192**-0.5)


def test_it_is_the_same_after_saving(tmp_path):
    network, _ = made(ROWS)
    network.save(tmp_path / "table.keras")
    again = keras.saving.load_model(tmp_path / "table.keras")
    x = np.float32(ROWS)
    np.testing.assert_array_equal(again(x).numpy(), network(x).numpy())


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="even"):
        table((3,), None, likeness=7)
    with pytest.raises(ValueError, match="input_mean"):
        table((3,), None, input_mean=[1.0])
    knots = np.zeros((17, 3)).tolist()
    with pytest.raises(ValueError, match="expected both or neither"):
        table((3,), None, rank_knots=knots)
    with pytest.raises(ValueError, match="shape"):
        table((2,), None, rank_knots=knots, rank_heights=knots)
