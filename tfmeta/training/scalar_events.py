"""Numbers for TensorBoard, by TensorFlow alone: writing them does not need TensorBoard."""

import tensorflow as tf


def write_scalar(tag: str, value: float) -> None:
    """Writes one number of the default writer's step, as `tf.summary.scalar` does.

    That function is TensorBoard's own, and fails where TensorBoard is not installed.
    """
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = "scalars"  # without content: version 0 of its format
    tf.summary.write(tag, tf.constant(value, tf.float32), metadata=metadata)
