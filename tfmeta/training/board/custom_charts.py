"""The charts of TensorBoard's Custom Scalars tab: several of a run's numbers in one chart each.

The message is `Layout` of tensorboard/plugins/custom_scalar/layout.proto.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from tfmeta.training.board import wire
from tfmeta.training.board.summaries import write_for_plugin

_TAG, _PLUGIN = "custom_scalars__config__", "custom_scalars"


def write_charts(category: str, charts: Mapping[str, Sequence[str]]) -> None:
    """Says which numbers stand in one chart.

    Args:
        category: the heading above the charts.
        charts: `{title: regular expressions}`, which find the tags of the chart's lines.
    """
    written = [
        wire.message(2, wire.text(1, title) + wire.message(2, _lines(tags)))
        for title, tags in charts.items()
    ]
    layout = wire.message(2, wire.text(1, category) + b"".join(written))
    write_for_plugin(_TAG, _PLUGIN, tf.constant(layout))


def _lines(tags: Sequence[str]) -> bytes:
    return b"".join(wire.text(1, tag) for tag in tags)
