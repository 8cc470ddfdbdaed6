"""Every learner's weights after some steps on one replica and on several, and how they differ.

    python tests/helpers/replicas_alike.py FILE STEPS DEVICES,... NAME... [--resume RUN TO_STEP]

trains each learner of the conformance table on so many devices (virtual ones of this processor, by
MirroredStrategy; 0 for the strategy of the workers that TF_CONFIG names), and writes the weights,
`{(name, devices): arrays}`. Under the name "rows" are seven numbers that the workers squared. With
--resume the workers first go on with a run: one start of TensorFlow serves for both. A process has
one strategy for several devices, because a second one would disturb the first.
"""

import pickle
import sys
from pathlib import Path

META_BATCH, CLASSES, EXAMPLES = 4, 8, 6


def source():
    """Classes of 8x8 images, each around a pattern of its own."""
    import numpy as np

    from tfmeta.episodes.class_index import ClassIndex
    from tfmeta.episodes.class_source import ClassSource
    from tfmeta.reading.image_format import ImageFormat

    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (CLASSES, 1, 8, 8, 1))
    noise = rng.integers(0, 256, (CLASSES, EXAMPLES, 8, 8, 1))
    images = ((3 * patterns + noise) // 4).astype(np.uint8).reshape(-1, 8, 8, 1)
    labels = np.repeat(np.arange(CLASSES), EXAMPLES)
    names = tuple(f"class{i}" for i in range(CLASSES))
    index = ClassIndex(images, labels, {"train": np.arange(CLASSES)}, names)
    return ClassSource("alike", index, input_format=ImageFormat(8, 8))


def learner_of(name):
    """A row's learner on a small network with moving averages and, where it may draw, dropout."""
    import keras
    from conformance_table import ROWS, WAYS, conv, maps

    keras.utils.set_random_seed(3)
    row = ROWS[name]
    if row.network is maps:
        return row.make(maps(num_blocks=1))
    if row.network is conv:
        return row.make(_dense(WAYS))
    options = {"num_training_classes": CLASSES} if row.learner == "Transfer" else {}
    return row.make(_dense(5, dropout=0.3), **options)


def _dense(num_outputs, dropout=0.0):
    import keras

    layers = keras.layers
    inputs = keras.Input((8, 8, 1))
    x = layers.Dense(6, use_bias=False)(layers.Flatten()(inputs))
    x = layers.ReLU()(layers.BatchNormalization()(x))
    if dropout:
        x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(num_outputs)(x))


def weights_after(name, steps, strategy):
    """All variables of a row's learner, and the window's loss.

    Not its accuracy: of two answers that are equal, rounding chooses one.
    """
    import keras
    import numpy as np
    from conformance_table import QUERIES, SHOTS, WAYS

    from tfmeta.episodes.episode_shape import EpisodeShape
    from tfmeta.training.loop import TrainingLoop

    with strategy.scope():
        learner = learner_of(name)
        learner.compile(keras.optimizers.SGD(0.02, momentum=0.9), metrics=["accuracy"])
        learner.optimizer.build(learner.trainable_variables)
    drawn = source()
    if name.startswith("transfer"):
        drawn = drawn.with_class_numbers()
    shape = EpisodeShape(WAYS, SHOTS, QUERIES)

    def batches(step, share):
        starts, tasks = share.starts(step * META_BATCH, META_BATCH), share.tasks(META_BATCH)
        return drawn.episodes_at(starts, "train", shape, seed=0, num_tasks=tasks)

    seen = _Seen()
    TrainingLoop(learner, batches).run(0, (steps, 1), [seen])
    return [v.numpy() for v in learner.variables] + [np.float64(seen.logs["loss"])]


def _Seen():
    import keras

    class Seen(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.logs = dict(logs)

    return Seen()


def _strategy(devices):
    import tensorflow as tf

    from tfmeta.training import workers

    if devices == 0:
        return workers.start("multiworker", {}, say=print).strategy
    if devices == 1:
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(devices)])


def _go_on(run, last):
    import tfmeta

    tfmeta.train(run_dir=run, resume=True, steps=last, strategy="multiworker")


def main(file, steps, devices, *names):
    from tfmeta.runtime import start_tensorflow

    if "--resume" in names:
        *names, _, run, last = names
        _go_on(run, int(last))

    start_tensorflow(with_devices=False)
    import keras
    import numpy as np
    import tensorflow as tf

    from tfmeta.learners.replicas import of_all_rows

    for setting in (keras.config.set_floatx, keras.config.set_dtype_policy):
        setting("float64")  # rounding in float32 grows with the steps, where a ReLU is near zero
    numbers = [int(number) for number in devices.split(",")]
    if max(numbers) > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        device = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(cpu, [device] * max(numbers))
    found = {}
    for number in numbers:
        strategy = _strategy(number)
        found["rows", number] = of_all_rows(strategy, np.arange(7), np.square)
        for name in names:
            found[name, number] = weights_after(name, int(steps), strategy)
    Path(file).write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
