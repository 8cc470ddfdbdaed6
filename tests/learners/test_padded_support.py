"""Support sets of several sizes in one request: what pads the smaller ones changes nothing."""

import functools
import io

import keras
import made_once
import numpy as np
import pytest
import tensorflow as tf
import trained
from closeness import assert_close, assert_far_apart, assert_same_answers
from model_answers import checked, refusal, served
from nightly import in_turn
from PIL import Image

import tfmeta
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.images import to_unit

SIZES, ROWS, NUM_QUERIES = (7, 5, 6), 8, 3
LABELS = ([0, 1, 2, 0, 2, 2, 1], [2, 0, 1, 1, 1], [1, 0, 1, 0, 2, 2])
IMAGES = ImageFormat(8, 8)


def conv4(num_outputs=None, **options):
    return tfmeta.networks.conv4((8, 8, 1), num_outputs, filters=6, num_blocks=2, **options)


MAKERS = {
    "maml": lambda: tfmeta.MAML(conv4(3)),
    "prototypical": lambda: tfmeta.Prototypical(conv4()),
    "ridge": lambda: tfmeta.Ridge(conv4()),
    "transfer": lambda: tfmeta.Transfer(conv4()),
    "matching": lambda: tfmeta.Matching(conv4()),
    "full context": lambda: tfmeta.Matching(conv4(), full_context=True),
    "siamese": lambda: tfmeta.Siamese(conv4()),
    "relation": lambda: tfmeta.Relation(conv4(features="map"), filters=6),
    "hypernetwork": lambda: tfmeta.HyperNetwork(conv4(), encoder=conv4(), units=8),
    "transductive": lambda: tfmeta.Prototypical(conv4(), transductive=True),
    "regression": lambda: tfmeta.MAML(tfmeta.networks.mlp((1,), 1, units=(8,)), targets="values"),
}


@functools.cache
def learner_of(name):
    keras.utils.set_random_seed(5)
    return MAKERS[name]()


@functools.cache
def export_of(name):
    """The version's folder; the prototypical network's takes images."""
    output = made_once.folder() / "padded" / name.replace(" ", "-")
    options = {"padded": True}
    if name == "prototypical":
        options["input_format"] = IMAGES
    return export_model(learner_of(name), output, **options)


@functools.cache
def tasks_of(name):
    """`(support_x, support_y, query_x)` of each task, unpadded."""
    rng = np.random.default_rng(1)
    if name == "regression":
        xs = [rng.normal(size=(size, 1)).astype(np.float32) for size in SIZES]
        return [(x, np.sin(x), rng.normal(size=(NUM_QUERIES, 1)).astype(np.float32)) for x in xs]
    draw = functools.partial(rng.random, dtype=np.float32)
    return [
        (draw((size, 8, 8, 1)), np.array(labels, np.int32), draw((NUM_QUERIES, 8, 8, 1)))
        for size, labels in zip(SIZES, LABELS, strict=True)
    ]


def padded(values, fill):
    """To `ROWS` rows; None: with the first element, as TensorFlow Serving does."""
    rows = np.empty((ROWS, *values.shape[1:]), values.dtype)
    rows[:] = values.flat[0] if fill is None else fill
    rows[: len(values)] = values
    return rows


def request_of(name, fill_x=None, fill_y=None):
    support_x, support_y, query_x = zip(*tasks_of(name), strict=True)
    return {
        "support_x": np.stack([padded(x, fill_x) for x in support_x]),
        "support_y": np.stack([padded(y, fill_y) for y in support_y]),
        "support_size": np.array(SIZES, np.int32),
        "query_x": np.stack(query_x),
    }


def answer(name, request, signature="serving_default"):
    # Optimised as by servers: an optimiser may take 0 * x for 0, where x is not finite.
    received = served(export_of(name), signature, request, optimize=True)
    return received["prediction" if name == "regression" else "probabilities"]


def python_answers(name):
    """What the learner answers eagerly to each task without any padding."""
    learner = learner_of(name)
    for x, y, query_x in tasks_of(name):
        outputs = learner.predict_with(learner.adapt(tf.constant(x), tf.constant(y)), query_x)
        yield (outputs if name == "regression" else tf.nn.softmax(outputs)).numpy()


@in_turn("name", MAKERS, 1)
def test_padding_changes_no_answer(name):
    as_serving_pads = answer(name, request_of(name))
    for received, expected in zip(as_serving_pads, python_answers(name), strict=True):
        assert_close(received, expected)
    label = np.nan if name == "regression" else -7
    with_nonsense = answer(name, request_of(name, np.nan, label))
    assert with_nonsense.tobytes() == as_serving_pads.tobytes()


@in_turn("name", MAKERS, 1)
def test_the_size_counts(name):
    """Else the test above would hold for a model that knows no sizes."""
    request = request_of(name)
    other = answer(name, {**request, "support_size": np.array([7, 5, 5], np.int32)})
    received = answer(name, request)
    assert other[:2].tobytes() == received[:2].tobytes()
    assert_far_apart(other[2], received[2])


@in_turn("name", MAKERS, 1)
def test_a_padded_task_state_answers_as_its_support_set(name):
    request = request_of(name)
    query = {"query_x": request.pop("query_x")}
    state = served(export_of(name), "adapt", request, optimize=True)
    assert_close(answer(name, {**state, **query}, "predict"), answer(name, {**request, **query}))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([7, 0, 6], "from 1 to the number of rows"),
        ([7, 5, 9], "from 1 to the number of rows"),
        ([7, -1, 6], "from 1 to the number of rows"),
        ([7, 5], "one entry for each task"),
    ],
)
@pytest.mark.parametrize("suffix", ["", "_bytes"])
def test_a_size_that_does_not_fit_is_refused(sizes, expected, suffix):
    request = request_of("prototypical") if not suffix else bytes_request()
    request["support_size"] = np.array(sizes, np.int32)
    code, message = refusal(export_of("prototypical"), f"adapt_and_predict{suffix}", request)
    assert code == "INVALID_ARGUMENT"
    assert f"support_size: expected {expected}" in message


def test_what_is_no_padding_is_checked():
    for name, spoil in (("support_x", np.nan), ("support_y", 9)):
        request = request_of("prototypical")
        request[name][1, 4] = spoil  # the last row of a task of 5
        code, message = refusal(export_of("prototypical"), "adapt_and_predict", request)
        assert (code, name in message) == ("INVALID_ARGUMENT", True)


def bytes_request(padding=b""):
    files = np.full((len(SIZES), ROWS), padding, object)
    for task, (x, *_) in enumerate(tasks_of("prototypical")):
        files[task, : len(x)] = [_png(image) for image in x]
    queries = [[_png(image) for image in query_x] for *_, query_x in tasks_of("prototypical")]
    request = request_of("prototypical")
    return {
        "support_x_bytes": files,
        "support_y": request["support_y"],
        "support_size": request["support_size"],
        "query_x_bytes": np.array(queries, object),
    }


def _png(image):
    stream = io.BytesIO()
    Image.fromarray((image[..., 0] * 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_padding_of_files_is_not_decoded():
    request = bytes_request(padding=b"no image")
    received = answer("prototypical", request, "adapt_and_predict_bytes")
    learner = learner_of("prototypical")
    files, queries = request["support_x_bytes"], request["query_x_bytes"]
    for task, size in enumerate(SIZES):
        x, query_x = (
            to_unit(IMAGES.decode_all(tf.constant(list(each))))
            for each in (files[task, :size], queries[task])
        )
        y = tf.constant(request["support_y"][task, :size])
        expected = tf.nn.softmax(learner.predict_with(learner.adapt(x, y), query_x)).numpy()
        assert_close(received[task], expected)


@pytest.mark.parametrize("name", ["maml", "prototypical", "siamese", "regression"])
def test_verify_passes_a_padded_export(name):
    report = checked(export_of(name))
    assert report["ok"], report


def test_a_generator_takes_sizes_too(tmp_path):
    version = export_model(learner_of("maml"), tmp_path / "model", "generator", padded=True)
    request = request_of("maml")
    query = {"query_x": request.pop("query_x")}
    weights = served(version, "generate", request)
    received = served(version, "predict", {**weights, **query})["probabilities"]
    assert_close(received, np.stack([*python_answers("maml")]))
    assert checked(version)["ok"]


@pytest.mark.usefixtures("kept_exports")
def test_predict_answers_from_a_padded_export(tmp_path, capfd):
    output = tmp_path / "model"
    options = ["--padded-support", *trained.AS_IT_IS, "--output", output]
    trained.call("export", trained.glyph_run(), *options)
    support = trained.support_folder()
    with_sizes, from_run = (
        [each.to_dict() for each in tfmeta.predict(model, trained.query_files(), support=support)]
        for model in (output, trained.glyph_run())
    )
    assert_same_answers(with_sizes, from_run)
    status, _, errors = trained.inside(
        capfd, "export", trained.glyph_run(), "--kind", "adapted",
        "--support", trained.support_folder(), "--padded-support", "--output", output,
    )  # fmt: skip
    assert status == 2
    assert "leave padded_support (--padded-support) out" in errors
