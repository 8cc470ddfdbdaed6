"""A learner on a frozen network's features: the same numbers as Keras's, and computed once."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from model_answers import checked

import tfmeta
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode import Episode
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation import evaluator
from tfmeta.evaluation.evaluator import Evaluator
from tfmeta.learners import feature_cache
from tfmeta.learners.feature_cache import cached_features, digest_of_network
from tfmeta.networks import feature_map

SHAPE = (8, 8, 1)


def frozen_network():
    """With moving averages that are not those of any batch."""
    keras.utils.set_random_seed(4)
    network = tfmeta.networks.conv4(SHAPE, None, filters=5, num_blocks=2)
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(rng.normal(size=layer.moving_mean.shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, layer.moving_variance.shape))
    return network


def learner_of(kind):
    network = frozen_network()
    features = network.output_shape[1:]
    if kind == "maml":
        return tfmeta.OnFeatures(network, tfmeta.MAML(feature_map(features, 3)))
    return tfmeta.OnFeatures(network, tfmeta.Prototypical(feature_map(features)))


def images(count, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, *SHAPE), np.uint8)


def as_keras_has_them(network, x):
    return network(np.float32(x) / 255, training=False).numpy()


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TFMETA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def source():
    labels = np.repeat(np.arange(6), 5)
    splits = {"train": np.arange(3), "test": np.arange(3, 6)}
    return ClassSource("six", ClassIndex(images(30), labels, splits, tuple("abcdef")))


@pytest.mark.parametrize("kind", ["maml", "prototypical"])
def test_examples_and_the_features_that_keras_makes_of_them_have_the_same_answers(kind):
    learner = learner_of(kind)
    x, query_x, y = images(6) / np.float32(255), images(4, 2) / np.float32(255), [0, 1, 2] * 2
    of_images = learner.predict_with(learner.adapt(x, y), query_x)
    inner = learner.learner
    features, query_features = (learner.network(each, training=False) for each in (x, query_x))
    assert_close(of_images, inner.predict_with(inner.adapt(features, y), query_features))
    assert_close(of_images, learner.predict_with(learner.adapt(features, y), query_features))
    assert_close(of_images, learner.reference_answer(x, y, query_x))


def test_the_features_of_an_example_do_not_depend_on_the_others():
    learner = learner_of("prototypical")
    y, x = np.arange(3), images(3) / np.float32(255)
    others = np.concatenate([x[:1], 0 * x[1:]])
    one, other = (learner.adapt(each, y)["prototypes"][0] for each in (x, others))
    assert_close(one, other)


def test_training_changes_the_learner_and_never_the_frozen_network(source):
    learner = learner_of("prototypical")
    before = [v.numpy() for v in learner.network.variables]
    learner.compile("adam")
    taken = learner.embedded(source, "train").episodes("train", EpisodeShape(3, 1, 2), num_tasks=2)
    learner.fit(taken.take(3))
    for variable, value in zip(learner.network.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert np.any(learner.learner.network.get_layer("change").kernel)
    assert not learner.network.trainable_variables


def test_the_loss_that_is_compiled_is_the_one_that_is_minimised(source):
    learner = learner_of("prototypical")
    learner.compile("adam", lambda y, outputs: 7.0 + 0 * tf.reduce_sum(outputs, -1))
    taken = learner.embedded(source, "train").episodes("train", EpisodeShape(3, 1, 2), num_tasks=2)
    history = learner.fit(taken.take(1))
    assert_close(history.history["loss"][0], 7.0, dtype=np.float32)


def test_episodes_of_features_are_the_episodes_of_the_images(source):
    learner, shape = learner_of("prototypical"), EpisodeShape(3, 2, 2)
    raw, taken = (
        next(iter(each.episodes("test", shape, num_tasks=4)))
        for each in (source, learner.embedded(source, "test"))
    )
    for side in ("support_x", "query_x"):
        for images_of_task, features in zip(getattr(raw, side), getattr(taken, side), strict=True):
            assert_close(features, learner.network(images_of_task, training=False))
    np.testing.assert_array_equal(raw.support_y, taken.support_y)


def test_an_evaluation_says_which_images_it_is_of(source):
    learner = learner_of("prototypical")
    learner.compile("adam")
    shape = EpisodeShape(3, 1, 2)
    received = Evaluator(learner, FixedEpisodes(source, shape, num_tasks=8)).run()
    other = tfmeta.Prototypical(frozen_network())
    expected = Evaluator(other, FixedEpisodes(source, shape, num_tasks=8)).run()
    assert received["episodes_sha256"] == expected["episodes_sha256"]
    episodes = next(iter(source.episodes("test", shape, num_tasks=8)))
    right = [
        np.mean(np.argmax(learner.reference_answer(x, y, query_x), -1) == query_y)
        for x, y, query_x, query_y in zip(*(t.numpy() for t in episodes), strict=True)
    ]
    assert_close(received["accuracy"], np.mean(right), dtype=np.float32)


def test_an_example_is_embedded_once(cache, monkeypatch):
    network, runs = frozen_network(), []
    original = feature_cache._KeptFeatures._added

    def counted(self, keys, examples):
        runs.append(len(examples))
        return original(self, keys, examples)

    monkeypatch.setattr(feature_cache._KeptFeatures, "_added", counted)
    x = images(40)
    first = cached_features(network, x)
    assert_close(first, as_keras_has_them(network, x))
    assert sum(runs) == 40
    np.testing.assert_array_equal(cached_features(network, x[::-1]), first[::-1])
    assert sum(runs) == 40  # all of them were known
    changed = x.copy()
    changed[7] = 255 - changed[7]
    cached_features(network, changed)
    assert sum(runs) == 41


def test_any_numbers_of_unknown_examples_make_one_trace(monkeypatch):
    network, x, traces, to_unit = frozen_network(), images(128), [], feature_cache.to_unit
    for start, known in ((0, 3), (32, 5), (64, 9), (96, 14)):
        cached_features(network, x[start : start + known])
    monkeypatch.setattr(feature_cache, "to_unit", lambda x: traces.append(x.shape) or to_unit(x))
    assert_close(cached_features(network, x), as_keras_has_them(network, x))
    assert len(traces) == 1


def test_only_the_examples_of_the_split_are_embedded(source):
    learner = learner_of("prototypical")
    features = learner.embedded(source, "test").index.examples
    assert_close(features[15:], as_keras_has_them(learner.network, source.index.examples[15:]))
    assert not features[:15].any()


def test_networks_that_differ_do_not_share_features():
    network = frozen_network()
    same = keras.models.clone_model(network)
    same.set_weights(network.get_weights())
    assert digest_of_network(same) == digest_of_network(network)
    assert digest_of_network(frozen_network()) == digest_of_network(network)  # other names
    weights = network.get_weights()
    weights[0][0, 0, 0, 0] += 1e-3
    network.set_weights(weights)
    assert digest_of_network(same) != digest_of_network(network)


@pytest.mark.fault("a damaged cache of features", "named, with what mends it; no traceback")
def test_a_damaged_cache_is_named(cache):
    network = frozen_network()
    cached_features(network, images(2))
    (file,) = cache.rglob("*.sqlite")
    file.write_bytes(b"no database" * 200)
    with pytest.raises(tfmeta.UserError, match=r"features .*\.sqlite can't be used: .*Remove"):
        cached_features(network, images(2))


def test_a_learner_that_takes_other_features_is_refused():
    with pytest.raises(ValueError, match=r"makes features of shape \(20,\).* takes \(7,\)"):
        tfmeta.OnFeatures(frozen_network(), tfmeta.Prototypical(feature_map((7,))))


def test_it_survives_saving(tmp_path):
    learner = learner_of("maml")
    learner.compile("adam")
    learner.optimizer.build(learner.trainable_variables)
    learner.save(tmp_path / "learner.keras")
    again = tfmeta.load(tmp_path / "learner.keras")
    x, y = images(3) / np.float32(255), np.arange(3)
    episode = Episode(*(t[np.newaxis] for t in (x, y, x, y)))
    np.testing.assert_array_equal(again(episode), learner(episode))


@pytest.mark.parametrize("kind", ["maml", "prototypical"])
def test_its_export_passes_every_check(kind, tmp_path):
    learner = learner_of(kind)
    version = learner.export(tmp_path / "model")
    report = checked(version)
    assert report["ok"], report["checks"]


def test_large_examples_come_in_smaller_batches(source, monkeypatch):
    """The digest of the episodes and the result are the same."""
    learner, fixed = learner_of("prototypical"), FixedEpisodes(source, EpisodeShape(3, 1, 2))
    fixed = dataclasses.replace(fixed, num_tasks=12)
    before = Evaluator(learner, fixed).run()
    monkeypatch.setattr(evaluator, "_MOST_BYTES_PER_CALL", 5 * fixed.shape.size * 8 * 8 * 4)
    assert evaluator._tasks_per_call(source, fixed) == 5
    assert Evaluator(learner, fixed).run() == before


def test_features_of_the_shape_of_the_examples_are_told_from_them():
    """An example is embedded, though it looks like features; features have one more axis."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6,))
    network = keras.Model(inputs, keras.layers.Dense(6, activation="relu")(inputs))
    learner = tfmeta.OnFeatures(network, tfmeta.Ridge(feature_map((6,))))
    plain = tfmeta.Ridge(keras.Model(inputs, feature_map((6,))(network(inputs))))
    x = np.random.default_rng(0).normal(size=(12, 6)).astype(np.float32)
    y = np.repeat(np.arange(3), 4).astype(np.int32)
    expected = plain.predict_with(plain.adapt(x[::2], y[::2]), x[1::2])
    answers = learner.predict_with(learner.adapt(x[::2], y[::2]), x[1::2])
    assert_close(answers, expected)
    assert_close(learner.reference_answer(x[::2], y[::2], x[1::2]), expected)
    index = ClassIndex(x, y, {"train": np.arange(3)}, tuple("abc"))
    source = ClassSource("rows", index)
    features = learner.embedded(source, "train").index.examples
    assert_close(features, network(x)[:, np.newaxis])
    assert_close(learner.as_embedded(tf.constant(x)), features)
    task_state = learner.adapt(features[::2], y[::2])
    assert_close(learner.predict_with(task_state, features[1::2]), expected)


def test_images_of_equal_bytes_and_other_sizes_have_features_of_their_own(cache):
    inputs = keras.Input((None, None, 1))
    rows = keras.ops.mean(keras.ops.max(inputs, 2), 1)
    network = keras.Model(inputs, rows)
    wide = images(1).reshape(1, 4, 16, 1)
    for each in (wide, wide.reshape(1, 16, 4, 1), wide):
        found = cached_features(network, each)
        assert_close(found, each.max(2).mean(1) / 255)
