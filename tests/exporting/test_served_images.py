"""What a served model sees of an image file is what training saw of it, pixel for pixel."""

import functools
import io
import re

import keras
import made_once
import numpy as np
import pytest
import tensorflow as tf
from model_answers import served
from PIL import Image

import tfmeta
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.images import to_unit


@keras.saving.register_keras_serializable("tests")
class ShowsPixels(tfmeta.MetaLearner):
    """Keeps the support images as they come: its task state is what the graph made of the files."""

    def adapt(self, support_x, support_y):
        return {"pixels": support_x}

    def predict_with(self, task_state, query_x):
        return tf.reduce_mean(query_x, [1, 2, 3])[:, tf.newaxis] * tf.ones(2)

    def task_gradients(self, episode):
        return self.query_gradients(episode)

    @classmethod
    def recipe(cls, options, *, regression):
        raise NotImplementedError


@functools.cache
def export_of(image_format):
    network = tfmeta.networks.conv4(image_format.shape, 2, filters=2, num_blocks=1)
    name = re.sub(r"\W+", "-", str(image_format.to_dict()))
    output = made_once.folder() / "pixels" / name
    return export_model(ShowsPixels(network), output, input_format=image_format)


def seen_by_the_server(image_format, files):
    request = {
        "support_x_bytes": np.array([files], object),
        "support_y": np.arange(len(files), dtype=np.int32)[np.newaxis] % 2,
    }
    return served(export_of(image_format), "adapt_bytes", request)["pixels"][0]


@pytest.mark.parametrize("image_format", [ImageFormat(28, 28), ImageFormat(20, 30, 3, invert=True)])
@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *(("PNG", mode) for mode in ("L", "RGB", "RGBA", "P", "1")),
        ("JPEG", "L"),
        ("JPEG", "RGB"),
        ("GIF", "L"),
        ("GIF", "P"),
    ],
)
def test_files_of_any_size_and_mode_give_what_the_pipelines_decoder_gives(kind, mode, image_format):
    rng, files = np.random.default_rng(0), []
    for height, width in ((28, 28), (105, 105), (17, 64)):
        stream = io.BytesIO()
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).convert(mode).save(stream, kind)
        files.append(stream.getvalue())
    expected = np.stack([to_unit(image_format.decode(tf.constant(file))) for file in files])
    assert seen_by_the_server(image_format, files).tobytes() == expected.tobytes()
