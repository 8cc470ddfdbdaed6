"""The weights after some steps on several virtual devices, each count in a process of its own."""

import pickle
import subprocess
import sys


def weights_after_fit(num_devices: int) -> list:
    """A learner's weights after four steps of `fit` under the strategy for so many devices."""
    done = subprocess.run(
        [sys.executable, __file__, str(num_devices)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return pickle.loads(done.stdout)


def _fit(num_devices):
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    device = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(cpu, [device] * num_devices)
    import keras

    import tfmeta
    from tfmeta.pipelines.episode_source import EpisodeShape
    from tfmeta.pipelines.sinusoid import Sinusoid
    from tfmeta.training import strategies

    with strategies.scope("mirrored" if num_devices > 1 else "single", meta_batch=8):
        keras.utils.set_random_seed(0)
        learner = tfmeta.MAML(tfmeta.networks.mlp(), inner_learning_rate=0.01, vectorised=False)
        learner.compile(keras.optimizers.SGD(0.1))
    episodes = Sinusoid().episodes("train", EpisodeShape(1, 5, 5), num_tasks=8)
    learner.fit(episodes, steps_per_epoch=4, verbose=0, shuffle=False)
    return [variable.numpy() for variable in learner.trainable_variables]


if __name__ == "__main__":
    weights = _fit(int(sys.argv[1]))
    sys.stdout.buffer.write(pickle.dumps(weights))
