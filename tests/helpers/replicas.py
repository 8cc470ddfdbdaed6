"""The variables after some steps on one and on two virtual devices, in a process of their own."""

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from made_once import made_once

METRICS = ["accuracy"]


def variables_after_fit(num_devices: int, kind: str) -> list:
    """All of a learner's after four steps of `fit` under the strategy for so many devices.

    Args:
        num_devices: 1 or 2.
        kind: "values" (MAML on sine waves, its gradients clipped), "classes" (prototypical, with
            moving averages) or "rules" (Reptile, with a regularizer and a constraint of the
            weights). "classes" and "rules" are measured too: the history's metrics and, of six
            tasks in batches of four, the evaluation's follow, and for "classes" a validation's
            score and some features.
    """
    return pickle.loads(_file().read_bytes())[num_devices, kind]


@made_once("replicas")
def _file(path):
    done = subprocess.run([sys.executable, __file__, path], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def _fit(strategy, kind):
    import keras
    import tensorflow as tf

    with strategy.scope():
        keras.utils.set_random_seed(0)
        learner, episodes = _KINDS[kind]()
        clip = 0.05 if kind == "values" else None  # the gradients are longer
        optimizer = keras.optimizers.SGD(0.1, global_clipnorm=clip)
        learner.compile(optimizer, metrics=None if kind == "values" else METRICS)
    history = learner.fit(episodes, steps_per_epoch=4, verbose=0, shuffle=False).history
    variables = [variable.numpy() for variable in learner.variables]
    if kind == "values":
        return variables
    few = episodes.unbatch().take(6).batch(4)
    results = [history["accuracy"][0], *learner.evaluate(few, verbose=0)]
    of_all = _work_of_all_devices(learner)
    if strategy.num_replicas_in_sync > 1:
        with pytest.raises(tf.errors.InvalidArgumentError, match="over 2 replicas; expected a"):
            learner.evaluate(few.unbatch().batch(5), verbose=0)
    return [*variables, *map(np.float32, results), *of_all]


def _work_of_all_devices(learner):
    """A validation, an evaluation of seven tasks, and features of five images, shared out."""
    from replicas_alike import source

    from tfmeta.episodes.episode_shape import EpisodeShape
    from tfmeta.episodes.fixed_episodes import FixedEpisodes
    from tfmeta.evaluation.evaluator import Evaluator
    from tfmeta.learners.feature_cache import cached_features

    if learner.function.input_shape[1:] != (8, 8, 1):
        return []
    fixed = FixedEpisodes(source(), EpisodeShape(3, 1, 2), "train", 7)
    images, strategy = source().index.examples[:5], learner.distribute_strategy
    with tempfile.TemporaryDirectory() as folder:
        features = cached_features(learner.network, images, folder=Path(folder), strategy=strategy)
    evaluator = Evaluator(learner, fixed)
    return [evaluator.score(), evaluator.measure().curves, features]


def _of_values():
    import tfmeta
    from tfmeta.episodes.episode_shape import EpisodeShape
    from tfmeta.pipelines.sinusoid import Sinusoid

    learner = tfmeta.MAML(tfmeta.networks.mlp(), inner_learning_rate=0.01, vectorised=False)
    return learner, Sinusoid().episodes("train", EpisodeShape(1, 5, 5), num_tasks=8)


def _of_classes():
    import keras
    import tensorflow as tf

    import tfmeta

    network = tfmeta.networks.conv4((8, 8, 1), None, filters=4, num_blocks=2)
    dropped = keras.layers.Dropout(0.5)(network.output)
    network = keras.Model(network.input, dropped)
    x = np.random.default_rng(0).uniform(size=(8, 6, 8, 8, 1)).astype(np.float32)
    y = np.tile(np.arange(6, dtype=np.int32) % 3, (8, 1))
    episodes = tf.data.Dataset.from_tensor_slices(tfmeta.Episode(x, y, x[:, ::-1], y[:, ::-1]))
    return tfmeta.Prototypical(network), episodes.batch(8, drop_remainder=True).repeat()


def _of_rules():
    import keras
    import tensorflow as tf

    import tfmeta

    layers = keras.layers
    hidden = layers.Dense(5, "tanh", kernel_regularizer=keras.regularizers.L2(0.5))
    head = layers.Dense(3, kernel_constraint=keras.constraints.UnitNorm(axis=0))
    network = keras.Sequential([keras.Input((4,)), hidden, head])
    x = np.random.default_rng(0).normal(size=(8, 6, 4)).astype(np.float32)
    y = np.tile(np.arange(6, dtype=np.int32) % 3, (8, 1))
    episodes = tf.data.Dataset.from_tensor_slices(tfmeta.Episode(x, y, x[:, ::-1], y[:, ::-1]))
    learner = tfmeta.Reptile(network, inner_learning_rate=0.1)
    return learner, episodes.batch(8, drop_remainder=True).repeat()


_KINDS = {"values": _of_values, "classes": _of_classes, "rules": _of_rules}


def _all():
    """A second strategy for several devices in the same process would disturb the first."""
    import tensorflow as tf

    from tfmeta.training import strategies

    cpu = tf.config.list_physical_devices("CPU")[0]  # its devices are fixed at the start
    device = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(cpu, [device] * 2)
    found = {}
    for number, name in ((1, "single"), (2, "mirrored")):
        with strategies.scope(name, meta_batch=8):
            strategy = tf.distribute.get_strategy()
        found |= {(number, kind): _fit(strategy, kind) for kind in _KINDS}
    return found


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(pickle.dumps(_all()))
