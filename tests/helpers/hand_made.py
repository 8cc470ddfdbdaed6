"""Exports that are made by hand, each with one fault or none."""

import json

import numpy as np
import tensorflow as tf
import trained
from verified import WARM_UP

from tfmeta.exporting.writing import warmup
from tfmeta.exporting.writing.refusals import checked_queries

# Sound files with a bad model in them: what only the other checks can find


def rewrite_warm_up(version, change):
    """Applies `change` to each PredictLog; a record for which it returns False is dropped."""
    from tensorflow_serving.apis import prediction_log_pb2

    from tfmeta.exporting.loading.tensor_protos import read_records

    with_changes = []
    for record in read_records(version / WARM_UP):
        log = prediction_log_pb2.PredictionLog.FromString(record)
        if change(log.predict_log) is not False:
            with_changes.append(log.SerializeToString())
    with tf.io.TFRecordWriter(str(version / WARM_UP)) as writer:
        for record in with_changes:
            writer.write(record)
    trained.rewrite_manifest(version)


class HandMade(tf.Module):
    """An `adapted` model without anything wrong: twice `x`. Its heirs have one thing wrong each."""

    def answer(self, x):
        return 2 * x

    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32, "x")])
    def predict(self, x):
        return {"prediction": self.answer(checked_queries(x, name="x", most=5_000))}


class NeedsXla(HandMade):
    @tf.function(jit_compile=True)
    def answer(self, x):
        return 2 * x


class CallsPython(HandMade):
    def answer(self, x):
        answer = tf.py_function(lambda value: 2 * value, [x], tf.float32)
        return tf.ensure_shape(answer, (None, 2))


class Drifts(HandMade):
    """Its drift is far below what the comparison with the Python learner allows."""

    def __init__(self):
        super().__init__()
        self.requests = tf.Variable(0.0)

    def answer(self, x):
        return 2 * x + 1e-8 * self.requests.assign_add(1.0)


class MixesExamples(HandMade):
    def answer(self, x):
        return 2 * x - tf.reduce_mean(x, 0)


class TakesAnything(HandMade):
    @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32, "x")])
    def predict(self, x):
        return {"prediction": self.answer(x)}


def hand_made(module, folder, **signatures):
    """Writes `module`, and further signatures, as an export with files and records in order."""
    version = folder / "1"
    tf.saved_model.save(module, str(version), signatures={"predict": module.predict, **signatures})
    x = np.array([[0.0, 0.125], [0.25, -0.5], [-0.125, 0.25]], np.float32)
    outputs = {"prediction": module.answer(tf.constant(x)).numpy()}
    (version / "assets.extra").mkdir()
    recorded = {"predict", *signatures} - {"serving_default"}
    records = {name: ({"x": x}, outputs) for name in sorted(recorded)}
    warmup.write(version / WARM_UP, "hand-made", records)
    files = [name for name in trained.contents(version) if name != "tfmeta.json"]
    facts = {
        "kind": "adapted", "algorithm": "HandMade", "mode": "inductive", "tfmeta": "0.1.0",
        "input_shape": [2], "input_dtype": "float32", "num_outputs": 2, "target_centre": None,
        "target_spread": None, "image_format": None,
        "class_names": None, "padded": False, "answers_of": "the module", "confidence": {},
    }  # fmt: skip
    (version / "tfmeta.json").write_text(json.dumps({**facts, "files": dict.fromkeys(files)}))
    trained.rewrite_manifest(version)
