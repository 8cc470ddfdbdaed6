"""Summaries for TensorBoard, by TensorFlow alone: writing them does not need TensorBoard.

The functions of `tf.summary` of the same names are TensorBoard's own, and fail where it is not
installed. Each function here writes for the default writer's step.
"""

import io
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

_BUCKETS = 30  # of a histogram, as TensorBoard's own have


def write_scalar(tag: str, value: float) -> None:
    """One number, as `tf.summary.scalar` writes it."""
    write_for_plugin(tag, "scalars", tf.constant(value, tf.float32))


def write_text(tag: str, markdown: str) -> None:
    """A text, as `tf.summary.text` writes it."""
    write_for_plugin(tag, "text", tf.constant(markdown))


def write_picture(tag: str, picture: Image.Image) -> None:
    """A picture: its width, its height and a PNG file, as `tf.summary.image` writes it."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    _write_image(tag, picture.size, file.getvalue())


def write_animation(tag: str, file: bytes) -> None:
    """A GIF file, which TensorBoard shows as it is, so that it moves."""
    with Image.open(io.BytesIO(file)) as opened:
        _write_image(tag, opened.size, file)


def _write_image(tag: str, size: tuple[int, int], file: bytes) -> None:
    width, height = (str(side).encode() for side in size)
    write_for_plugin(tag, "images", tf.constant([width, height, file]))


def write_histogram(tag: str, values: np.ndarray) -> None:
    """How numbers are distributed, over buckets of one width, as `tf.summary.histogram` does.

    Those that are not finite are left out: a gradient in half precision may overflow.
    """
    values = np.asarray(values, np.float64).reshape(-1)
    values = values[np.isfinite(values)]
    if values.size == 0 or values.min() == values.max():
        at = values[0] if values.size else 0.0
        edges = np.array([at - 0.5, at + 0.5])
        counts = np.array([values.size])
    else:
        counts, edges = np.histogram(values, _BUCKETS)
    buckets = np.stack([edges[:-1], edges[1:], counts], 1)
    write_for_plugin(tag, "histograms", tf.constant(buckets, tf.float64))


def write_for_plugin(tag: str, plugin: str, tensor: Any, content: bytes = b"") -> None:
    """A tensor for one of TensorBoard's plugins, in version 0 of its format unless `content` says.

    Args:
        tag: the name under which TensorBoard shows it.
        plugin: the name of the plugin.
        tensor: of the form that the plugin reads.
        content: what the plugin reads of the tag as a whole.
    """
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = plugin
    metadata.plugin_data.content = content
    tf.summary.write(tag, tensor, metadata=metadata)
