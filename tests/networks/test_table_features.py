"""What a table's rows are compared by, beside SciPy's ranks and the exact kernel."""

import keras
import numpy as np
import pytest
from closeness import assert_close, assert_within_chance
from scipy.spatial.distance import cdist
from scipy.stats import rankdata, spearmanr
from sklearn.datasets import load_wine

from tfmeta.networks.beside_constant import BesideConstant
from tfmeta.networks.column_ranks import ColumnRanks
from tfmeta.networks.column_relevance import relevance_of
from tfmeta.networks.laplace_features import LaplaceFeatures
from tfmeta.networks.mlp import mlp
from tfmeta.networks.on_sphere import OnSphere
from tfmeta.networks.table_features import TableNetworks

ROWS = np.float32(load_wine().data)


def fitted(rows):
    layer = ColumnRanks()
    layer.build(rows.shape)
    layer.fit(rows)
    return layer


def scaled_ranks(column):
    ranks = rankdata(column)
    return (ranks - ranks.mean()) / ranks.std()


def test_few_numbers_have_their_own_ranks():
    rows = np.float32([[3, 0], [1, 0], [1, 1], [-5, 0], [400, 0]])
    expected = np.stack([scaled_ranks(column) for column in rows.T], 1)
    assert_close(fitted(rows)(rows).numpy(), np.float32(expected))


def test_many_numbers_have_ranks_that_are_nearly_theirs():
    expected = np.stack([scaled_ranks(column) for column in ROWS.T], 1)
    found = fitted(ROWS)(ROWS).numpy()
    # Each straight line stands for a sixteenth of the rows, whose ranks reach from -1.7 to 1.7.
    assert np.sqrt(((found - expected) ** 2).mean()) < 1.7 / 16
    for column, ranks in zip(ROWS.T, found.T, strict=True):
        assert spearmanr(column, ranks).statistic > 0.999


def test_ranks_go_on_beyond_the_ends_and_stay_finite():
    rows = np.float32([[0], [1], [2], [10]])
    ends, beyond = fitted(rows)(np.float32([[0], [10]])), fitted(rows)(np.float32([[-10], [30]]))
    span = float(ends[1, 0] - ends[0, 0])
    assert_close(beyond.numpy(), np.float32([[ends[0, 0] - span], [ends[1, 0] + 2 * span]]))
    assert np.isfinite(fitted(rows)(np.float32([[3e38], [-3e38]])).numpy()).all()


def test_a_constant_column_has_no_ranks():
    layer = fitted(np.full((5, 1), 7, np.float32))
    np.testing.assert_array_equal(layer(np.float32([[7], [8], [-1e30]])), np.zeros((3, 1)))


@pytest.mark.parametrize(("columns", "divisor"), [(None, 13), (4, 4)])
def test_inner_products_are_near_the_kernel(columns, divisor):
    rows = np.float32((ROWS - ROWS.mean(0)) / ROWS.std(0))[::9]
    number = 4096
    features = LaplaceFeatures(number, columns)(rows).numpy()
    kernel = np.exp(-cdist(rows, rows, "cityblock") / divisor)
    products = features @ features.T
    assert_close(np.diag(products), np.ones(len(rows), np.float32))
    # Each is the mean of n / 2 cosines, whose variance is 1 / 2 at most.
    assert_within_chance(products, kernel, 1 / np.sqrt(number))


def test_points_are_on_the_sphere_and_the_far_ones_far_from_all():
    rows = np.float32([[0, 0], [2, 0], [0, -2], [3, 4], [300, -400], [3e38, -3e38]])
    points = OnSphere(2.0)(rows).numpy()
    assert_close(np.linalg.norm(points, axis=1), np.ones(6, np.float32))
    x = np.float64(rows[:5]) / 2
    square = (x**2).sum(1, keepdims=True)
    assert_close(points[:5], np.float32(np.concatenate([2 * x, square - 1], 1) / (square + 1)))
    assert points[4:, 2].min() > 0.999


def test_a_constant_stands_beside_the_features():
    x = np.float32([[3, 4], [0, 0]])
    np.testing.assert_array_equal(BesideConstant(2.5)(x), [[3, 4, 2.5], [0, 0, 2.5]])


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16", "float64"])
def test_networks_are_the_same_after_saving(policy, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        columns = mlp((13,), None, units=(), input_mean=ROWS.mean(0), input_scale=ROWS.std(0))
        made, targets = TableNetworks(columns, ROWS), ROWS[:, :1]
        labels = np.int32(targets[:, 0] > targets.mean())
        networks = [made.plain(), made.alike(), made.of_values(targets), made.telling_apart(labels)]
        sizes = 14, 14 + 1024, 13 + 1024 + 1, 14 + 2 * 1024
        for network, size in zip(networks, sizes, strict=True):
            features = network(ROWS).numpy()
            assert features.shape == (len(ROWS), size)
            assert np.isfinite(features).all()
            network.save(tmp_path / "network.keras")
            again = keras.models.load_model(tmp_path / "network.keras")
            np.testing.assert_array_equal(again(ROWS), features)
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(("number", "features"), [(2**16, 256), (2**16 + 1, 254)])
def test_a_large_table_has_fewer_features(number, features):
    rows = np.float32(np.arange(number))[:, np.newaxis]
    columns = mlp((1,), None, units=(), input_mean=[2**15], input_scale=[2**14])
    network = TableNetworks(columns, rows).alike()
    assert network.output_shape == (None, 2 + features)
    assert network(rows[:2]).shape == (2, 2 + features)
    halves = TableNetworks(columns, rows).telling_apart(np.int32(rows[:, 0] > 9))
    assert halves.output_shape == (None, 2 + 2 * max(64, features // 2 // 2 * 2))


SCALED = np.float32((ROWS - ROWS.mean(0)) / ROWS.std(0))[::5]
LABELS = np.int32(SCALED[:, 3] > 0)


def table():
    return TableNetworks(mlp((13,), None, units=()), SCALED)


def test_half_of_the_likeness_is_weighed():
    features = table().telling_apart(LABELS)(SCALED).numpy()
    np.testing.assert_array_equal(features[:, :14], OnSphere(13**0.5)(SCALED))
    layer = ColumnRanks()
    layer.build(SCALED.shape)
    layer.fit(SCALED)
    ranks = layer(SCALED).numpy()
    weights = relevance_of(ranks, SCALED, np.eye(2)[LABELS], LABELS).weights
    assert weights.argmax() == 3
    for half, each in ((slice(14, 14 + 1024), 1), (slice(14 + 1024, None), weights)):
        kernel = np.exp(-cdist(ranks * each, ranks * each, "cityblock") / 13)
        products = features[:, half] @ features[:, half].T
        assert_within_chance(2 * products, kernel, 1 / np.sqrt(1024))


def test_labels_and_values_that_are_not_to_be_seen_are_not():
    seen = np.arange(0, len(LABELS), 2)
    others = np.where(np.arange(len(LABELS)) % 2, 1 - LABELS, LABELS)
    values = np.float32(LABELS)[:, np.newaxis], np.float32(others)[:, np.newaxis]
    for make, answers in (
        (TableNetworks.telling_apart, (LABELS, others)),
        (TableNetworks.of_values, values),
    ):
        first, second = (make(table(), each, seen)(SCALED).numpy() for each in answers)
        np.testing.assert_array_equal(first, second)
        assert not np.array_equal(make(table(), answers[1])(SCALED), first)


def test_with_one_row_of_each_class_no_column_counts_more():
    each = np.arange(len(SCALED))
    found = table().telling_apart(each)(SCALED).numpy()
    np.testing.assert_array_equal(found, table().alike()(SCALED))


def test_beside_likeness_columns_end_half_their_range_beyond_it():
    network = table().of_values(np.abs(SCALED[:, :1]))
    far, end = (np.float32(np.max(SCALED, 0) + each * np.ptp(SCALED, 0)) for each in (9, 0.5))
    features = network(np.stack([far, end])).numpy()
    linear, beyond = features[:, :13], features[:, -1]
    assert_close(beyond, [np.linalg.norm(far - end), 0])
    np.testing.assert_array_equal(network(SCALED).numpy()[:, -1], 0)
    assert_close(linear[0], linear[1])
    ratio = linear[0] / end
    assert_close(ratio, np.full(13, ratio[0]))


def test_an_odd_number_of_features_is_refused():
    with pytest.raises(ValueError, match="received number=7; expected an even one"):
        LaplaceFeatures(7)
