"""Signatures that take image files: the same answers as on the decoded images."""

import numpy as np
import tensorflow as tf
import trained
from closeness import assert_close
from export_requests import encoded, strings
from model_answers import refusal, served
from PIL import Image

# Images


def photographs():
    """Encoded images of several sizes, modes and formats."""
    grey = trained.draw(2, 1, size=28)
    big = trained.draw(0, 1, size=160).convert("RGB")
    colours = np.random.default_rng(7).integers(0, 256, (40, 20, 3), np.uint8)
    return [
        encoded(grey),
        encoded(grey.convert("1")),
        encoded(grey.convert("P")),
        encoded(grey.convert("LA")),
        encoded(trained.draw(3, 1, size=17)),
        encoded(big),
        encoded(big, "JPEG", quality=90),
        encoded(trained.draw(1, 0, size=64), "JPEG"),
        encoded(Image.fromarray(colours)),
        encoded(Image.fromarray(colours).convert("RGBA")),
        encoded(Image.fromarray(colours), "BMP"),
        encoded(trained.draw(4, 0, size=50).convert("P"), "GIF"),
    ]


def decoded(files):
    from tfmeta.reading.images import to_unit
    from tfmeta.training.run_directory import RunDirectory

    image_format = RunDirectory.open(trained.glyph_run()).source_facts.input_format
    return to_unit(image_format.decode_all(tf.constant(files))).numpy()


def test_bytes_signatures_answer_as_the_others_on_decoded_images():
    files = photographs()
    support, query = files[:7], files[5:]
    labels = np.array([[0, 1, 2, 3, 4, 0, 1]], np.int32)
    export = trained.learner_export()
    pixels = {"support_x": decoded(support)[np.newaxis], "support_y": labels}
    texts = {"support_x_bytes": strings(support, (1, -1)), "support_y": labels}
    query_x = {"query_x": decoded(query)[np.newaxis]}
    query_bytes = {"query_x_bytes": strings(query, (1, -1))}
    expected = served(export, "serving_default", {**pixels, **query_x})
    for signature in ("serving_default_bytes", "adapt_and_predict_bytes"):
        received = served(export, signature, {**texts, **query_bytes})
        assert received["label"].tolist() == expected["label"].tolist()
        assert_close(received["probabilities"], expected["probabilities"])
    state = served(export, "adapt_bytes", texts)
    for key, value in served(export, "adapt", pixels).items():
        assert_close(state[key], value)
    received = served(export, "predict_bytes", {**state, **query_bytes})
    assert_close(received["probabilities"], expected["probabilities"])


def test_adapted_bytes_answer_as_the_other_on_decoded_images():
    export, files = trained.adapted_export(), photographs()
    expected = served(export, "predict", {"x": decoded(files)})
    for signature in ("serving_default_bytes", "predict_bytes"):
        received = served(export, signature, {"x_bytes": strings(files, -1)})
        assert received["label"].tolist() == expected["label"].tolist()
        assert_close(received["probabilities"], expected["probabilities"])


def test_a_file_that_is_no_image_is_refused_and_the_model_goes_on():
    export = trained.adapted_export()
    good = strings([encoded(trained.draw(0, 0))], 1)
    for bad in (b"no image", b"", encoded(trained.draw(0, 0))[:40]):
        code, message = refusal(export, "predict_bytes", {"x_bytes": strings([bad], 1)})
        assert code == "INVALID_ARGUMENT", message
        assert "x_bytes" in message
    assert served(export, "predict_bytes", {"x_bytes": good})["probabilities"].shape == (1, 5)
