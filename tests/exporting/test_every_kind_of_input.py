"""Each kind of input in each kind of export: `verify` holds, in the C++ loader."""

import itertools

import keras
import numpy as np
from nightly import rows
from verified import failures

import tfmeta
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.reading.format_registry import FORMATS
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.row_format import PLAIN
from tfmeta.reading.sound_format import SoundFormat
from tfmeta.reading.table_format import TableFormat
from tfmeta.reading.text_format import NO_TOKENS, TextFormat

INPUTS = {
    "image": ImageFormat(6, 7, channels=3),
    "text": TextFormat((*NO_TOKENS, "karte", "größe", "我", "卡", "pay"), 6),
    "sound": SoundFormat(8000, 2400, mels=8, window=400, hop=400, highest=4000.0, spread=9.0),
    "table": TableFormat(("age", "hue"), ("label",), None, {"hue": ("red", "blue")}, {"age": 3.5}),
    "row": PLAIN,
}
KINDS = ("learner", "adapted", "generator")
# Other files verify images, texts and all learners and adapted models, of runs.
EACH_RUN = [("sound", "generator"), ("table", "generator")]


def test_all_kinds_of_input_are_here():
    assert INPUTS.keys() == FORMATS.keys()


@rows(("kind_of_input", "kind"), itertools.product(INPUTS, KINDS), each_run=EACH_RUN)
def test_verify_holds(tmp_path, kind_of_input, kind):
    given = INPUTS[kind_of_input]
    shape = given.shape or (4,)
    inputs = keras.Input(shape)
    outputs = keras.layers.Dense(3)(keras.layers.Flatten()(inputs))
    learner = tfmeta.MAML(keras.Model(inputs, outputs), 1, inner_learning_rate=0.01)
    options = {}
    if kind == "adapted":
        rng = np.random.default_rng(0)
        x = given.draw_prepared(rng, (6, *shape))
        x = rng.normal(size=(6, *shape)).astype(np.float32) if x is None else x
        support = x, np.arange(6, dtype=np.int32) % 3
        options = {"support": support, "class_names": ["a", "b", "c"]}
    export_model(learner, tmp_path / "model", kind, input_format=given, **options)
    assert failures(tmp_path / "model") == {}
