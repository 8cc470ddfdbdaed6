"""A kind of input is one file and one row: its export takes what users have, in the C++ loader."""

import sys

import keras
import numpy as np
import pytest
from export_requests import strings
from model_answers import refusal, served, signatures

import tfmeta
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.reading.format_registry import FORMATS, FormatRow
from tfmeta.reading.formats import from_record, to_record

FORMAT = """
from dataclasses import dataclass
from tfmeta.reading.string_format import StringFormat


@dataclass(frozen=True)
class Triples(StringFormat):
    kind = "triple"
    noun = "triples"
    suffix = "_triple"
    limits = {}
    spoilt = {"without its end": lambda text: text.rpartition(b",")[0]}
    padding = b"0,0,0"
    shape = (3,)

    def to_dict(self):
        return {}

    @classmethod
    def from_dict(cls, fields):
        return cls()

    def reader(self, input_shape, target_size):
        raise NotImplementedError

    def prepared(self, examples):
        raise NotImplementedError

    def prepare(self, examples, *, name="triple"):
        import tensorflow as tf

        parts = tf.strings.split(tf.reshape(examples, [-1]), ",")
        whole = tf.reduce_all(parts.row_lengths() == 3)
        with tf.control_dependencies([tf.debugging.Assert(whole, [f"{name}: expected triples"])]):
            numbers = tf.strings.to_number(parts.flat_values)
        return tf.reshape(numbers, tf.concat([tf.shape(examples), [3]], 0))

    def prepare_checked(self, checked, *, name):
        return self.prepare(checked, name=name)

    def draw(self, rng, shape):
        import numpy as np

        drawn = np.empty(shape, object)
        for place in np.ndindex(*shape):
            drawn[place] = ",".join(map(str, rng.integers(0, 9, 3))).encode()
        return drawn

    def admitted_strings(self, encoded):
        return {}

    def description(self):
        return "A triple is three numbers with commas."
"""


@pytest.fixture
def triples(tmp_path, monkeypatch):
    (tmp_path / "triple_format.py").write_text(FORMAT)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(FORMATS, "triple", FormatRow("triple_format:Triples", suffix="_triple"))
    yield from_record({"image_format": None, "triple_format": {}}, "the file")
    sys.modules.pop("triple_format", None)


def test_an_export_takes_the_new_kind(triples, tmp_path):
    assert to_record(triples) == {"image_format": None, "triple_format": {}}
    inputs = keras.Input(triples.shape)
    learner = tfmeta.Prototypical(keras.Model(inputs, keras.layers.Identity()(inputs)))
    version = export_model(learner, tmp_path / "model", input_format=triples)
    endings = {name.removeprefix("serving_default") for name in signatures(version)}
    assert {"", "_triple", "adapt_triple", "predict_triple"} <= endings
    texts = strings([b"0,0,1", b"5,5,5"], (1, -1))
    request = {
        "support_x_triple": texts,
        "support_y": np.array([[0, 1]], np.int32),
        "query_x_triple": strings([b"4,5,5", b"0,0,0"], (1, -1)),
    }
    answer = served(version, "serving_default_triple", request)
    assert answer["label"].tolist() == [[1, 0]]
    code, message = refusal(
        version, "serving_default_triple", {**request, "query_x_triple": strings([b"1,2"], (1, 1))}
    )
    assert (code, "query_x_triple: expected triples" in message) == ("INVALID_ARGUMENT", True)
    readme = (version / "README.md").read_text()
    assert "A triple is three numbers with commas." in readme
    assert '"support_x_triple": [["...", "..."]]' in readme
