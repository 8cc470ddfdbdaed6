"""The measurements of `accelerator.py`, each in a process of its own."""

import itertools
import resource
import statistics
import sys
import tempfile
import time
from typing import Any

from cases import CASES

WAYS_TO_RUN = {
    "mapped": {"vectorised": False, "jit_compile": False},
    "vectorised": {"vectorised": True, "jit_compile": False},
    "compiled": {"vectorised": True, "jit_compile": True},
}

# How many times the CPU's own error in the same precision the device's may be. Half precision keeps
# 8 or 11 bits of each number, so that the error is large, and about the same wherever it is made.
MOST_TIMES = {"float32": 10, "mixed_bfloat16": 2, "mixed_float16": 2}
_MOST_SKIPPED = 20  # steps that overflow until the scale of a float16 loss is small enough


def _start(policy: str) -> Any:
    import tfmeta

    tfmeta.configure_runtime()
    import keras

    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(0)
    return keras


def _peak_megabytes(device: str) -> float:
    import tensorflow as tf

    if device == "CPU":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20


# Training


def training(row: dict) -> dict:
    """Tasks per second through `fit`, data included, after the first window, which compiles."""
    keras = _start(row["policy"])
    import tensorflow as tf

    case, way = CASES[row["case"]], WAYS_TO_RUN[row["way"]]
    window, windows = (2, 2) if row["quick"] else (10, 6)
    learner = case.make_learner(vectorised=way["vectorised"])
    loss = "mse" if case.is_sinusoid else keras.losses.SparseCategoricalCrossentropy(True)
    learner.compile(
        keras.optimizers.Adam(1e-3),
        loss,
        jit_compile=way["jit_compile"],
        steps_per_execution=window,
    )
    times, losses = [time.monotonic()], []

    def end_of_window(_: int, logs: dict) -> None:
        losses.append(logs["loss"])  # waits for the device
        times.append(time.monotonic())

    learner.fit(
        case.episodes().prefetch(tf.data.AUTOTUNE),
        steps_per_epoch=window,
        epochs=1 + windows,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=end_of_window)],
        shuffle=False,
        verbose=0,
    )
    seconds = [end - start for start, end in itertools.pairwise(times[1:])]
    return {
        "tasks_per_second": window * case.tasks / statistics.median(seconds),
        "compile_seconds": times[1] - times[0],
        "peak_megabytes": _peak_megabytes(row["device"]),
        "last_loss": float(losses[-1]),
    }


# Numbers


def agreement(row: dict) -> dict:
    """One step's gradient in each way and precision against the CPU's in float64."""
    keras = _start("float32")
    import numpy as np
    import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(False)
    start: list[Any] = []  # the weights that all begin with

    def gradient(way: dict, policy: str, device: str) -> Any:
        keras.config.set_floatx("float64" if policy == "float64" else "float32")
        precision = "float32" if policy == "float64" else policy
        with tf.device(f"/{device}:0"):
            learner, batch = _learner_and_batch(row, precision, way["vectorised"])
            learner.compile(keras.optimizers.SGD(1.0), learner.loss, jit_compile=way["jit_compile"])
            if not start:
                start.extend(v.numpy().astype(np.float32) for v in learner.variables)
            for variable, value in zip(learner.variables, start, strict=True):
                variable.assign(value)
            before = [v.numpy().astype(np.float64) for v in learner.trainable_variables]
            for _ in range(_MOST_SKIPPED):
                learner.train_on_batch(batch)
                after = [v.numpy().astype(np.float64) for v in learner.trainable_variables]
                step = [(a - b).ravel() for a, b in zip(before, after, strict=True)]
                if any(each.any() for each in step):
                    break
        return np.concatenate(step)

    exact = gradient(WAYS_TO_RUN["mapped"], "float64", "CPU")

    def error(*where: Any) -> float:
        return float(np.linalg.norm(gradient(*where) - exact) / np.linalg.norm(exact))

    own = {policy: error(WAYS_TO_RUN["mapped"], policy, "CPU") for policy in MOST_TIMES}
    ways = {}
    for policy, most in MOST_TIMES.items():
        for name, way in WAYS_TO_RUN.items():
            if policy == "float32" or name == "vectorised":
                found = error(way, policy, row["device"])
                agrees = bool(found <= most * own[policy])
                ways[f"{name} {policy}"] = {"error": found, "cpu": own[policy], "agrees": agrees}
    return {"ways": ways}


def _learner_and_batch(row: dict, precision: str, vectorised: bool) -> Any:
    """A learner as `tfmeta train` makes it on drawn glyphs or sinusoids, and its first tasks."""
    from tfmeta.training.plan import Plan
    from tfmeta.training.settings import Settings

    algorithm, quick = row["algorithm"], row["quick"]
    regression = algorithm == "bayes-linear"
    plan = Plan.make(
        Settings(
            pipeline="sinusoid" if regression else "glyphs",
            algorithm=algorithm,
            shots=10 if regression else 1,
            meta_batch=2 if quick else 4,
            steps=10,
            validation_tasks=0,
            precision=precision,
            network_options={"filters": 8} if quick and not regression else {},
            learner_options={"vectorised": vectorised},
        )
    )
    learner = plan.build_learner()
    return learner, next(iter(plan.episodes_after(0, learner=learner)))


# Use


def embedding(row: dict) -> dict:
    """Photographs per second through EfficientNetB0 with random weights: its speed alone counts."""
    keras = _start(row["policy"])
    import numpy as np
    import tensorflow as tf

    network = keras.applications.EfficientNetB0(include_top=False, pooling="avg", weights=None)
    call = tf.function(lambda x: network(x, training=False), jit_compile=row["device"] != "CPU")
    size, calls = (4, 2) if row["quick"] else (64, 20)
    photographs = tf.constant(np.random.default_rng(0).random((size, 224, 224, 3), np.float32))
    call(photographs)[0, 0].numpy()
    started = time.monotonic()
    for _ in range(calls):
        call(photographs)[0, 0].numpy()
    return {"photographs_per_second": size * calls / (time.monotonic() - started)}


def serving(row: dict) -> dict:
    """Milliseconds of an exported learner that learns a task and answers, of one task and of 32."""
    keras = _start(row["policy"])
    import numpy as np
    import tensorflow as tf

    learner = CASES["B"].make_learner()
    learner.compile(keras.optimizers.Adam())
    episodes = next(iter(CASES["B"].episodes()))
    learner.train_on_batch(episodes)
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        path = learner.export(folder)
        served = tf.saved_model.load(str(path)).signatures["serving_default"]
        for number in (1, 32):
            request = {
                name: tf.constant(np.repeat(getattr(episodes, name)[:1], number, axis=0))
                for name in ("support_x", "support_y", "query_x")
            }
            times = []
            for _ in range(3 if row["quick"] else 30):
                started = time.monotonic()
                served(**request)["probabilities"].numpy()
                times.append(time.monotonic() - started)
            figures[f"milliseconds_of_{number}"] = 1000 * statistics.median(times[1:])
    return figures


MEASUREMENTS = {each.__name__: each for each in (agreement, training, embedding, serving)}

if __name__ == "__main__":
    sys.exit("run accelerator.py")
