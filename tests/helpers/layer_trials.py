"""What is tried on each layer of Keras, and docs/layers.md, which says what came of it.

    python tests/helpers/layer_trials.py     (make layers; several minutes: an export of each)

The independent computation is Keras alone: weights are assigned to the network's variables and the
network is called (`MetaLearner.reference_answer`); the meta-gradient is its finite difference.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from closeness import assert_close, difference_quotient
from drawn_layers import WORDS, maml_step_by_keras
from keras_layers import NOT_TRIED, TRIED, network_with, shape_for
from network_trials import section

import tfmeta
from tfmeta.episodes.episode import Episode
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.learners.draws import Draws

PAGE = Path(__file__).parents[2] / "docs" / "layers.md"
WAYS, SHOTS, QUERIES, RATE = 3, 2, 2, 0.1
# No kernel for float64 on a CPU: their finite differences are taken in float32.
IN_FLOAT32 = {
    *(name for name in TRIED if name.endswith("Pooling3D") and "Global" not in name),
    "ContrastLimitedAdaptiveHistogramEqualization",
    "MelSpectrogram",
    "RandAugment",
    "RandomRotation",
}
_HEAD = """# Layers: every one of Keras, in a network of MAML

Written by `make layers`, with Keras {keras}. A network of a dense layer, the layer and a head is
given to MAML of second order. *Meta-gradient*: the difference between its meta-gradient along a
random direction and finite differences of plain Keras, whose weights are assigned and whose network
is called, relative to the gradient's length; in float64, or in float32 (*) where the layer has no
kernel for float64. *Export*: adapts and answers in TensorFlow's C++ loader as plain Keras does,
within 1e-5, and passes every other check of `tfmeta verify`. Layers that draw random numbers do so
for the meta-gradient, with the same seeds in plain Keras; in an export they do nothing. What can't
be right is refused when the learner is made, with the layer's name.

| layer | meta-gradient | export |
| --- | --- | --- |
"""
_VERIFY = """
import json, sys
from tfmeta.exporting.verifying.verifier import Verifier
print(json.dumps({folder: Verifier(folder).run() for folder in sys.argv[1:]}))
"""


def learner_with(name):
    """MAML on a network with the layer; raises ValueError if it is refused."""
    keras.utils.set_random_seed(1)
    return tfmeta.MAML(network_with(name), inner_learning_rate=RATE)


def episode(name, dtype):
    """One task for it."""
    rng = np.random.default_rng(0)

    def part(number):
        x = rng.random((WAYS * number, *shape_for(name)))
        return tf.constant(x, dtype), tf.repeat(tf.range(WAYS), number)

    return Episode(*part(SHOTS), *part(QUERIES))


def meta_gradient_difference(name) -> tuple[float, float]:
    """`(difference, tolerance)` of the meta-gradient; in float64 unless the layer has no kernel.

    A random layer draws, here and in plain Keras.
    """
    in_float32 = name in IN_FLOAT32
    step, dtype = (1e-2, "float32") if in_float32 else (1e-6, "float64")
    with contextlib.nullcontext() if in_float32 else _float64():
        learner = learner_with(name)
        task = episode(name, dtype)
        with Draws(tf.constant(WORDS)):
            gradients, logs = learner.task_gradients(task)

        def loss():
            if learner.draws:
                answer = maml_step_by_keras(learner.network, task, rate=RATE)
            else:
                answer = learner.reference_answer(task.support_x, task.support_y, task.query_x)
            losses = keras.losses.sparse_categorical_crossentropy(task.query_y, answer, True)
            return float(tf.reduce_mean(losses))

        assert_close(float(logs["loss"]), loss(), dtype=dtype)
        variables = learner.trainable_variables
        start = [v.numpy() for v in variables]
        rng = np.random.default_rng(1)
        direction = [rng.normal(size=v.shape) / np.sqrt(v.size) for v in start]

        def at(distance):
            for variable, value, along in zip(variables, start, direction, strict=True):
                variable.assign(value + distance * along)
            return loss()

        numeric, error = difference_quotient(at, step, dtype)
    analytic = sum(np.sum(g.numpy() * d) for g, d in zip(gradients, direction, strict=True))
    norm = np.sqrt(sum(np.sum(g.numpy() ** 2) for g in gradients))
    norm = max(norm, 1e-3)  # where there is no gradient at all, the loss's rounding is left
    return abs(numeric - analytic) / norm, error / norm


@contextlib.contextmanager
def _float64():
    # The policy, once used, no longer follows floatx.
    for setting in (keras.config.set_floatx, keras.config.set_dtype_policy):
        setting("float64")
    try:
        yield
    finally:
        for setting in (keras.config.set_floatx, keras.config.set_dtype_policy):
            setting("float32")


def verified_exports(names, folder) -> dict:
    """`{name: the report of tfmeta verify}` of exports that are made for it."""
    return verify({n: export_model(learner_with(n), Path(folder) / n) for n in names})


def verify(folders) -> dict:
    """`{name: the report of tfmeta verify}`, all of one process without TensorFlow's Python."""
    command = [sys.executable, "-c", _VERIFY, *map(str, folders.values())]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    verified = json.loads(done.stdout)
    return {name: verified[str(folder)] for name, folder in folders.items()}


def answers_as_keras(report) -> bool:
    """Whether every check holds, and the answers were compared with those of Keras."""
    details = " ".join(check["detail"] for check in report["checks"])
    return report["ok"] and "equal Keras on assigned weights" in details


def main():
    rows, accepted = {}, []
    for name in TRIED:
        try:
            learner_with(name)
        except ValueError as error:
            rows[name] = f"refused: {str(error).partition(') ')[2].partition(';')[0]} | "
            continue
        difference, tolerance = meta_gradient_difference(name)
        mark = " (*)" if name in IN_FLOAT32 else ""
        rows[name] = f"{difference:.0e}{mark}" if difference < tolerance else f"WRONG {difference}"
        accepted.append(name)
    with tempfile.TemporaryDirectory() as folder:
        for name, report in verified_exports(accepted, folder).items():
            rows[name] += " | as Keras" if answers_as_keras(report) else " | WRONG"
    rows |= {name: f"not tried: {why} | " for name, why in NOT_TRIED.items()}
    lines = (f"| {name} | {row} |\n" for name, row in sorted(rows.items()))
    PAGE.write_text(_HEAD.format(keras=keras.__version__) + "".join(lines) + "\n" + section())


if __name__ == "__main__":
    main()
