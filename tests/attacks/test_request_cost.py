"""What a request costs is bounded by the limits that its export states."""

import functools
import json
import struct
import sys
import time
from pathlib import Path

import model_answers
import numpy as np
import peak_memory
import pytest
import tensorflow as tf
import trained
from made_once import folder
from model_answers import refusal, served
from PIL import Image
from trained import version_of

import tfmeta
from tfmeta import UserError
from tfmeta.exporting.limits import RequestLimits
from tfmeta.exporting.writing.exporter import export_model
from tfmeta.reading.image_format import ImageFormat
from tfmeta.reading.support_set import read_image

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
from serving_bombs import bombs, png, png_chunk, saved  # noqa: E402

LIMITS = {"image_pixels": 10_000, "image_bytes": 20_000, "request_images": 30}
LIMITS |= {"request_pixels": 60_000, "support_rows": 12, "queries": 20}
MOST_SECONDS, MOST_MEGABYTES = 10, 1000


@functools.cache
def image_export(**limits):
    network = tfmeta.networks.conv4((8, 8, 1), 2, filters=2, num_blocks=1)
    learner = tfmeta.MAML(network, inner_steps=1, inner_learning_rate=0.1, first_order=True)
    output = folder() / "limits" / ("narrow" if limits else "default")
    return export_model(learner, output, input_format=ImageFormat(8, 8), limits=limits)


@functools.cache
def vector_export():
    network = tfmeta.networks.mlp((2,), None)
    return export_model(tfmeta.Prototypical(network), folder() / "limits" / "vectors")


def good(side=8):
    return saved(Image.new("L", (side, side), 99), "PNG")


def request(support=None, queries=None):
    support, queries = support or [good()] * 2, queries or [good()]
    return {
        "support_x_bytes": np.array([support], object),
        "support_y": np.arange(len(support), dtype=np.int32)[np.newaxis] % 2,
        "query_x_bytes": np.array([queries], object),
    }


ANSWER = "adapt_and_predict_bytes"


@pytest.mark.attack(
    "small files that are gigabytes, thousands of scans, chunks or frames to a decoder",
    "refused by the input's name from how the file begins; of a GIF the first frame is decoded",
)
def test_a_bomb_costs_little():
    export = image_export()
    served(export, ANSWER, request())  # so that the model is loaded
    before = model_answers.in_loader(peak_memory.start_again)
    for what, bomb in bombs().items():
        started = time.monotonic()
        if what == "a GIF of 40 frames":
            served(export, ANSWER, request(queries=[bomb]))
        else:
            code, message = refusal(export, ANSWER, request(queries=[bomb]))
            assert (code, "query_x_bytes" in message) == ("INVALID_ARGUMENT", True), (what, message)
        assert time.monotonic() - started < MOST_SECONDS, what
    assert model_answers.in_loader(peak_memory.mebibytes) - before < MOST_MEGABYTES


@pytest.mark.attack(
    "a request beyond a limit that the export states",
    "refused with the limit's name and what was received, before the work",
)
@pytest.mark.parametrize(
    ("limit", "received", "asked"),
    [
        ("image_pixels", "10201", lambda: request(queries=[png(101, 101)])),
        ("image_bytes", "21008", lambda: request(queries=[good().ljust(21_008, b"a")])),
        ("request_images", "32", lambda: request([good()] * 12, [good()] * 20)),
        ("request_pixels", "70000", lambda: request([png(100, 100)] * 6, [png(100, 100)])),
        ("support_rows", "13", lambda: request([good()] * 13)),
        ("queries", "21", lambda: request(queries=[good()] * 21)),
    ],
)
def test_each_limit_is_refused_by_its_name(limit, received, asked):
    _, message = refusal(image_export(**LIMITS), ANSWER, asked())
    assert f"({limit})" in message
    assert f"[{received}]" in message


def test_what_is_within_the_limits_is_answered():
    inputs = request([good(100)] * 2, [png(60, 60)] * 3)
    assert served(image_export(**LIMITS), ANSWER, inputs)["label"].shape == (1, 3)


def test_the_limits_stand_in_the_manifest_and_the_readme():
    version = version_of(image_export(**LIMITS))
    assert json.loads((version / "tfmeta.json").read_text())["limits"] == LIMITS
    readme = (version / "README.md").read_text()
    assert "| `image_pixels` | 10,000 |" in readme
    assert "| `support_rows` | 12 |" in readme


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"image_pixel": 5}, "received the limits image_pixel; expected some of: image_pixels"),
        (5, "received limits=5; expected a dictionary of limits"),
        ({"queries": np.float64(5)}, "received the limit queries=.*5.0"),
        ({"queries": 0}, "received the limit queries=0; expected a whole number above 0"),
        ({"queries": 1.5}, "received the limit queries=1.5"),
    ],
)
def test_limits_that_are_none_are_refused(limits, message):
    with pytest.raises(UserError, match=message):
        RequestLimits.from_dict(limits)


def test_limits_may_be_numpy_s_numbers():
    limits = RequestLimits.from_dict({"queries": np.int64(7)})
    assert json.loads(json.dumps(dict(limits)))["queries"] == 7


def test_limits_that_the_warm_up_request_is_beyond_are_refused():
    files = np.array([[good(), good()]], object)
    requests = {"a": ({"query_x_bytes": files, "query_x": np.zeros((1, 2, 8, 8, 1))}, {})}
    with pytest.raises(UserError, match="image_pixels=63; expected at least 64"):
        RequestLimits(image_pixels=63).check_admit(requests, ImageFormat(8, 8))


@pytest.mark.attack(
    "a support set of 30,000 examples, each of its own class",
    "refused at once, in memory that grows with what was sent alone",
)
def test_labels_are_checked_in_linear_memory():
    rows = 30_000
    inputs = {
        "support_x": np.zeros((1, rows, 2), np.float32),
        "support_y": np.arange(rows, dtype=np.int32)[np.newaxis],
    }
    started = time.monotonic()
    _, message = refusal(vector_export(), "adapt", inputs)
    assert "(support_rows)" in message
    assert time.monotonic() - started < MOST_SECONDS


@pytest.mark.attack(
    "finite numbers so large that the answer would be NaN",
    "refused by the inputs' names, with the largest number that was received",
)
def test_numbers_whose_answer_is_not_finite_are_refused():
    inputs = {
        "support_x": np.float32([[[1, 2], [3, 4]]]),
        "support_y": np.int32([[0, 1]]),
        "query_x": np.float32([[[3e38, -3e38]]]),
    }
    _, message = refusal(vector_export(), "adapt_and_predict", inputs)
    assert all(part in message for part in ("query_x", "not finite", "e+38")), message
    state = served(vector_export(), "adapt", {k: inputs[k] for k in ("support_x", "support_y")})
    poisoned = {**state, "query_x": inputs["support_x"]}
    poisoned["prototypes"] = np.full_like(state["prototypes"], 3e38)
    _, message = refusal(vector_export(), "predict", poisoned)
    assert all(part in message for part in ("prototypes", "not finite")), message


def test_nothing_but_the_first_frame_of_a_gif_is_decoded():
    frames = [Image.new("P", (9, 7), 30 * n) for n in range(5)]
    for frame in frames:
        frame.putpalette([n for n in range(256) for _ in range(3)])
    content = saved(frames[1], "GIF", save_all=True, append_images=[*frames[2:], frames[0]])
    alone = saved(frames[1], "GIF")
    seen = [ImageFormat(7, 9).decode(tf.constant(each)).numpy() for each in (content, alone)]
    assert (seen[0] == seen[1]).all()
    assert (seen[0] == 30).all()


def test_a_comment_in_many_blocks_is_passed_over():
    content = saved(Image.new("L", (9, 7), 77), "GIF")
    frame = content.index(b",\0\0\0\0")
    comment = b"\x21\xfe" + b"\x01a" * 50_000 + b"\0"
    started = time.monotonic()
    seen = ImageFormat(7, 9).decode(tf.constant(content[:frame] + comment + content[frame:]))
    assert (seen.numpy() == 77).all()
    assert time.monotonic() - started < MOST_SECONDS


@pytest.mark.attack(
    "an image of gigabytes among the files on disk, for training or predict",
    "refused in one line before it is decoded",
)
@pytest.mark.parametrize("side", [10_000, 14_000])  # Pillow warns of the one, refuses the other
def test_a_large_image_on_disk_is_refused(tmp_path, side):
    path = tmp_path / "large.png"
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    path.write_bytes(good()[:8] + header + good()[33:])
    with pytest.raises(UserError, match=r"large\.png cannot be read \(.*pixels"):
        read_image(path)


@pytest.mark.attack(
    "hundreds of requests with bombs among them, from several threads",
    "every other one gets its answer; `benchmarks/serving_bombs.py` sends 10,000",
)
def test_requests_with_bombs_among_them():
    script = BENCHMARKS / "serving_bombs.py"
    few = ["--requests", 100, "--warm-up", 100, "--threads", 2]
    done = trained.run([sys.executable, script, image_export(), *few])
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["faults"] == {}
    assert sum(report["requests"].values()) == 200
