"""What is written for TensorBoard, against TensorBoard's own writers and readers."""

import io

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.projector import projector_config_pb2

from tfmeta.environments.drawing import moving
from tfmeta.training.board import custom_charts as charts
from tfmeta.training.board import hparams, markdown_tables, projector, summaries

VALUES = np.random.default_rng(0).normal(size=200)


def written(write, folder):
    """The last summary that a function writes."""
    with tf.summary.create_file_writer(str(folder)).as_default(step=3):
        write()
    (path,) = folder.iterdir()
    *_, last = tf.data.TFRecordDataset(str(path))
    event = tf.compat.v1.Event.FromString(last.numpy())
    assert event.step == 3
    (value,) = event.summary.value
    return value


def plugin_of(value):
    return value.metadata.plugin_data


def test_texts_are_written_as_tensorboard_writes_them(tmp_path):
    ours = written(lambda: summaries.write_text("a/b", "**x**"), tmp_path / "ours")
    theirs = written(lambda: tf.summary.text("a/b", "**x**"), tmp_path / "theirs")
    assert ours == theirs


def test_a_picture_has_its_size_and_its_pixels(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8)
    ours = written(lambda: summaries.write_picture("p", Image.fromarray(pixels)), tmp_path / "a")
    theirs = written(lambda: tf.summary.image("p", pixels[np.newaxis]), tmp_path / "b")
    assert plugin_of(ours) == plugin_of(theirs)
    assert ours.tensor.string_val[:2] == theirs.tensor.string_val[:2] == [b"7", b"5"]
    read = tf.io.decode_png(ours.tensor.string_val[2]).numpy()
    np.testing.assert_array_equal(read, pixels)


def test_an_animation_is_shown_as_the_file_that_it_is(tmp_path):
    file = moving([Image.new("RGB", (7, 5), colour) for colour in ("red", "blue")], 0.05)
    ours = written(lambda: summaries.write_animation("v", file), tmp_path / "a")
    theirs = written(lambda: tf.summary.image("v", np.zeros((1, 5, 7, 3))), tmp_path / "b")
    assert plugin_of(ours) == plugin_of(theirs)
    assert ours.tensor.string_val == [b"7", b"5", file]
    assert Image.open(io.BytesIO(file)).n_frames == 2


@pytest.mark.parametrize("values", [VALUES, np.full(5, 0.25)], ids=["many", "all alike"])
def test_a_histogram_counts_as_tensorboards_does(values, tmp_path):
    ours = written(lambda: summaries.write_histogram("h", values), tmp_path / "a")
    theirs = written(lambda: tf.summary.histogram("h", values), tmp_path / "b")
    assert plugin_of(ours).plugin_name == plugin_of(theirs).plugin_name
    buckets = [tf.make_ndarray(value.tensor) for value in (ours, theirs)]
    counts = [each[:, 2] for each in buckets]
    assert counts[0].sum() == counts[1].sum() == len(values)
    if len(set(values)) > 1:
        assert_close(buckets[0], buckets[1], dtype=np.float32)


def test_a_histogram_leaves_out_what_is_not_finite(tmp_path):
    """As gradients in half precision are, whose loss scale is too large at first."""
    values = np.array([1.0, np.inf, 2.0, -np.inf, np.nan])
    ours = written(lambda: summaries.write_histogram("h", values), tmp_path / "a")
    buckets = tf.make_ndarray(ours.tensor)
    assert buckets[:, 2].sum() == 2
    assert (buckets[0, 0], buckets[-1, 1]) == (1.0, 2.0)


def test_hparams_reads_the_settings_and_the_end(tmp_path):
    settings = {"shots": 5, "outer_lr": 0.001, "is": True, "name": "maml", "no": None, "l": [1, 2]}
    settings |= {"data_dir": "photos", "checkpoint_seconds": 30.0}
    start = written(lambda: hparams.write_start("my run", settings, 12.5), tmp_path / "a")
    read = plugin_data_pb2.HParamsPluginData.FromString(plugin_of(start).content)
    assert (start.tag, plugin_of(start).plugin_name) == ("_hparams_/session_start_info", "hparams")
    info = read.session_start_info
    assert (info.group_name, info.start_time_secs) == ("my run", 12.5)
    numbers = {k: v.number_value for k, v in info.hparams.items() if v.HasField("number_value")}
    assert numbers == {"shots": 5, "outer_lr": 0.001}
    assert info.hparams["is"].bool_value is True
    assert {k: info.hparams[k].string_value for k in ("name", "l")} == {
        "name": "maml",
        "l": "[1, 2]",
    }
    assert not {"no", "data_dir", "checkpoint_seconds"} & set(info.hparams)
    for is_finished, status in ((True, "STATUS_SUCCESS"), (False, "STATUS_FAILURE")):
        write = lambda is_finished=is_finished: hparams.write_end(  # noqa: E731
            is_finished=is_finished, seconds=300.0
        )
        end = written(write, tmp_path / status)
        read = plugin_data_pb2.HParamsPluginData.FromString(plugin_of(end).content)
        assert end.tag == "_hparams_/session_end_info"
        assert text_format.MessageToString(read.session_end_info, as_one_line=True) == (
            f"status: {status} end_time_secs: 300.0"
        )


def test_charts_hold_the_lines_that_they_should(tmp_path):
    titles = {"one": ["a/.*"], "two" * 50: ["b", "c" * 200]}  # a length of more than seven bits
    value = written(lambda: charts.write_charts("run", titles), tmp_path / "a")
    assert plugin_of(value).plugin_name == "custom_scalars"
    layout = layout_pb2.Layout.FromString(value.tensor.string_val[0])
    (category,) = layout.category
    assert category.title == "run"
    assert {c.title: [*c.multiline.tag] for c in category.chart} == titles


def test_the_projector_reads_vectors_names_and_pictures(tmp_path):
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(5, 3))
    levels = np.arange(5) / 5  # whole numbers of 255ths
    pictures = np.broadcast_to(levels[:, None, None, None], (5, 4, 4, 1))
    facts = {"class": ["a", "b\tc", "d\ne", "f", "g"], "answer": list("vwxyz")}
    projector.write_projector(tmp_path, vectors, facts, pictures)
    config = projector_config_pb2.ProjectorConfig()
    text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(), config)
    (embedding,) = config.embeddings
    read = np.loadtxt(tmp_path / embedding.tensor_path, delimiter="\t")
    np.testing.assert_array_equal(read, [[float(f"{v:.6g}") for v in row] for row in vectors])
    lines = (tmp_path / embedding.metadata_path).read_text().splitlines()
    assert [len(line.split("\t")) for line in lines] == [2] * 6
    assert lines[0] == "class\tanswer"
    side = embedding.sprite.single_image_dim[0]
    sheet = np.asarray(Image.open(tmp_path / embedding.sprite.image_path))
    assert sheet.shape == (3 * side, 3 * side, 3)  # five pictures: three in a row
    fourth = sheet[side : 2 * side, :side]
    assert set(fourth.reshape(-1).tolist()) == {3 * 51}
    assert {path.name for path in tmp_path.iterdir()} >= {embedding.sprite.image_path}


def test_names_can_not_break_a_table():
    text = markdown_tables.table(("a|b", "n"), [("<img src=x>", 1 / 3), ("two\nlines | `x`", 7)])
    lines = text.splitlines()
    assert len(lines) == 4
    assert lines[0] == r"| a\|b | n |"
    assert lines[2] == r"| \<img src=x\> | 0.333333 |"
    assert lines[3] == r"| two lines \| \`x\` | 7 |"
    assert io.StringIO(text).readline().endswith("|\n")
