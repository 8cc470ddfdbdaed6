"""The pixels of an image file: as shown by Pillow, in training, and in a served model."""

import functools
import io
import re

import numpy as np
import tensorflow as tf
from made_once import folder
from model_answers import served
from PIL import Image, ImageOps

from tfmeta.exporting.writing.encoded_inputs import with_encoded
from tfmeta.pipelines import build
from tfmeta.reading.images import to_unit
from tfmeta.reading.support_set import read_image


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def shown(content, ground=255):
    """What Pillow, another decoder, shows of a file: uint8 `(height, width, 3)`."""
    with Image.open(io.BytesIO(content)) as image:
        image = ImageOps.exif_transpose(image).convert("RGBA")
    paper = Image.new("RGBA", image.size, (ground,) * 3 + (255,))
    return np.asarray(Image.alpha_composite(paper, image).convert("RGB"))


@functools.cache
def model_of(image_format):
    """A served model that answers with the pixels it sees."""
    spec = tf.TensorSpec((None, *image_format.shape), tf.float32, "x")
    functions = with_encoded({"show": (lambda x: {"pixels": x}, {"x": spec})}, image_format)
    show, specs = functions["show_bytes"]
    traced = tf.function(show, autograph=False).get_concrete_function(**specs)
    output = folder() / "formats" / re.sub(r"\W+", "-", str(image_format.to_dict()))
    tf.saved_model.save(tf.Module(), str(output), signatures={"show_bytes": traced})
    return output


def seen_by_the_server(image_format, contents):
    files = np.array(contents, object)
    return served(model_of(image_format), "show_bytes", {"x_bytes": files})["pixels"]


def everywhere(home, contents, image_format, suffix="png"):
    """The same files in training and when served: both uint8, a file an entry."""
    for number, content in enumerate(contents):
        each = home / f"class{number % 3}"
        each.mkdir(exist_ok=True)
        (each / f"{number}.{suffix}").write_bytes(content)
    options = image_format.to_dict()
    options["size"] = [options.pop("height"), options.pop("width")]
    source = build("image-folder", data_dir=str(home), options=options)
    assert source.input_format == image_format
    names = [name.split("/")[1] for name in source.index.origins.names]
    in_training = dict(zip(names, source.index.examples, strict=True))
    # As `tfmeta predict` sends them, and as a client that knows nothing of them does.
    predicted = [read_image(path) for path in sorted(home.glob("*/*"))]
    by_predict = seen_by_the_server(image_format, predicted)
    served = seen_by_the_server(image_format, contents)
    expected = np.stack([in_training[f"{n}.{suffix}"] for n in range(len(contents))])
    order = [int(path.stem) for path in sorted(home.glob("*/*"))]
    assert by_predict.tobytes() == to_unit(tf.constant(expected[order])).numpy().tobytes()
    assert served.tobytes() == to_unit(tf.constant(expected)).numpy().tobytes()
    return expected
