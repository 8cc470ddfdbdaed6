"""Half precision is for the networks; what a learner computes with their outputs is float32."""

import tensorflow as tf


def full(tensor):
    """Float32 of what a network computed in float16 or bfloat16; any other tensor as it is."""
    return tf.cast(tensor, tf.float32) if tensor.dtype in (tf.float16, tf.bfloat16) else tensor
