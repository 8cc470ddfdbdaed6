"""Networks may use half precision; learners compute with their outputs in float32."""

import tensorflow as tf


def full(tensor: tf.Tensor) -> tf.Tensor:
    """A tensor of float16 or bfloat16 as float32; any other tensor unchanged."""
    return tf.cast(tensor, tf.float32) if tensor.dtype in (tf.float16, tf.bfloat16) else tensor
