"""Features are scaled by what the training split holds, within the network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from blobs import blobs, npz
from closeness import assert_close, assert_far_apart, assert_within_chance
from nightly import second_road

import tfmeta
from tfmeta import networks
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.pipelines.arrays import build

# Scaling


def test_the_scaling_is_that_of_the_training_split_alone(same_data):
    source = build(data_dir=same_data["npz"])
    training = np.isin(source.index.labels, source.index.classes("train"))
    x = source.index.examples.astype(np.float64)
    assert set(source.network_options) == {"input_mean", "input_scale"}
    assert_close(source.network_options["input_mean"], x[training].mean(0))
    assert_close(source.network_options["input_scale"], x[training].std(0))
    assert_far_apart(source.network_options["input_mean"], x.mean(0))
    assert not build(data_dir=same_data["npz"], standardise=False).network_options


def test_a_constant_feature_is_only_centred(tmp_path):
    x, labels = blobs()
    x[:, 1] = 0.1
    options = build(data_dir=npz(tmp_path, x=x, y=labels)).network_options
    assert options["input_scale"][1] == 1.0
    assert_close(options["input_mean"][1], 0.1, dtype=np.float32)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_examples_of_an_export_are_such_as_the_network_scales_to_numbers_around_0(dtype):
    mean, scale = np.array([1013.0, 0.5]), np.array([5.0, 0.1])
    constants = {"input_mean": mean, "input_scale": scale, "input_dtype": dtype}
    standard = np.array([[[0.0, 1.0], [-1.0, 0.5]]])
    raw = networks.unscaled(networks.mlp((2,), None, units=(), **constants), standard)
    assert raw.dtype == dtype
    assert_close(raw, mean + scale * standard, dtype=np.float32)


def test_an_example_of_an_export_is_finite_where_the_columns_are_huge():
    network = networks.mlp((1,), None, units=(), input_mean=[-2e38], input_scale=[1e38])
    assert np.isfinite(networks.unscaled(network, np.array([[-9.0], [9.0]]))).all()


def test_a_network_scales_examples_of_any_shape_by_constants():
    rng = np.random.default_rng(0)
    x = rng.normal(1e6, 3.0, (5, 2, 3)).astype(np.float32)
    mean, scale = rng.normal(1e6, 3.0, 6), rng.uniform(0.1, 9.0, 6)
    constants = {"input_mean": mean.tolist(), "input_scale": scale.tolist()}
    network = networks.mlp((2, 3), 2, units=(), **constants)
    plain = networks.mlp((6,), 2, units=())
    assert len(network.weights) == len(plain.weights) == 2
    plain.set_weights(network.get_weights())
    expected = (x.reshape(5, 6) - mean.astype(np.float32)) / scale
    assert_close(network(x), plain(expected.astype(np.float32)))
    again = keras.Model.from_config(network.get_config())
    again.set_weights(network.get_weights())
    np.testing.assert_array_equal(again(x), network(x))


@pytest.mark.parametrize(
    ("constants", "words"),
    [
        ({"input_mean": [0.0, 1.0]}, r"input_mean of shape \(2,\) .* \(3,\); expected 3 finite"),
        ({"input_scale": [1.0] * 4}, r"input_scale of shape \(4,\) .*; expected 3 finite"),
        ({"input_scale": [1.0, 0.0, 1.0]}, r"input_scale=\[1\.0, 0\.0, 1\.0\]; expected positive"),
        ({"input_mean": [0.0, np.nan, 1.0]}, r"expected 3 finite numbers"),
    ],
)
def test_constants_that_do_not_fit_are_refused(constants, words):
    with pytest.raises(ValueError, match=words):
        networks.mlp((3,), 2, **constants)


def accuracy_after_training(source, **options):
    """MAML's on test tasks of 5 ways and 2 shots, after 80 steps."""
    keras.utils.set_random_seed(0)
    network = networks.mlp(source.input_shape, 5, units=(32,), **options)
    learner = tfmeta.MAML(network, 1, inner_learning_rate=0.4)
    accuracy = keras.metrics.SparseCategoricalAccuracy("accuracy")
    learner.compile(keras.optimizers.Adam(1e-2), metrics=[accuracy], jit_compile=False)
    learner.optimizer.build(learner.trainable_variables)
    shape = EpisodeShape(5, 2, 5)
    training, test = (source.episodes(split, shape, num_tasks=8) for split in ("train", "test"))
    learner.fit(training, steps_per_epoch=80, verbose=0, shuffle=False)
    return learner.evaluate(test, steps=10, verbose=0, return_dict=True)["accuracy"]


@second_road(
    "tests/pipelines/arrays/test_array_scaling.py"
    "::test_the_scaled_network_gives_the_same_answers_to_raw_features",
    "tests/pipelines/arrays/test_array_scaling.py"
    "::test_the_scaling_is_that_of_the_training_split_alone",
)
def test_raw_features_train_as_well_as_scaled_ones(tmp_path):
    """Chance is 0.2; what the constants are for is seen by leaving them out."""
    x, labels = blobs()
    plain = build(data_dir=npz(tmp_path, x=x, y=labels))
    raw = build(data_dir=npz(tmp_path, x=1000 + 200 * x, y=labels))
    scaled = accuracy_after_training(plain, **plain.network_options)
    assert scaled > 0.5
    raws = accuracy_after_training(raw, **raw.network_options)
    assert_within_chance(raws, scaled, (scaled * (1 - scaled) / 2000) ** 0.5)  # of 2,000 answers
    assert accuracy_after_training(raw) < 0.3


def test_the_scaled_network_gives_the_same_answers_to_raw_features(tmp_path):
    x, labels = blobs()
    raw = (1000 + 200 * x).astype(np.float32)
    answers = []
    for values in (x, raw):
        source = build(data_dir=npz(tmp_path, x=values, y=labels))
        keras.utils.set_random_seed(0)
        answers.append(networks.mlp((4,), 3, **source.network_options)(tf.constant(values)))
    assert_close(*answers)
