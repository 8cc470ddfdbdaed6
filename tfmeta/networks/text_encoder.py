"""Networks of texts that run on as many tokens as a batch has, where nothing is trained."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfmeta.networks.token_input import PADDING

_PART = 16  # texts that are read at once


@keras.saving.register_keras_serializable("tfmeta")
class TextEncoder(keras.Model):
    """A model of token ids `(batch, length)`, in which padding at the end of a text counts nothing.

    It is a functional model with this promise: its layers give a text the same outputs, but for the
    rounding, however much padding follows. What is made of some of its layers is another model,
    without the promise.
    """

    def of_any_length(self) -> keras.Model:
        """A model of the same layers, and so of the same variables, for texts of any length."""
        inputs = keras.Input((None,), dtype=self.inputs[0].dtype, name=self.inputs[0].name)
        model: keras.Model = keras.models.clone_model(
            self, input_tensors=inputs, clone_function=lambda layer: layer
        )
        return model


def of_less_padding(network: keras.Model) -> Callable[[Any], Any] | None:
    """The network in inference, as a function that leaves out what is padding in all of a part.

    Texts are sorted by their lengths and read in parts, so that one long text does not make all
    others long, and many texts take no more memory than a part. How long a part is, is known only
    when the graph runs, which XLA does not take.

    Returns:
        ids `(batch, length)` -> the network's output, float32 if it is in half precision; None if
        it is no `TextEncoder`.
    """
    if not isinstance(network, TextEncoder):
        return None
    model = network.of_any_length()
    # Its layers may be brought to full precision later, in which case they make float32.
    dtype = tf.float64 if model.output.dtype == "float64" else tf.float32

    def run(ids: Any) -> Any:
        ids = tf.convert_to_tensor(ids)
        number, length = tf.unstack(tf.shape(ids))
        places = tf.range(1, length + 1)
        lengths = tf.reduce_max(tf.where(tf.equal(ids, PADDING), 0, places), 1)
        order = tf.argsort(lengths)

        def read_part(start: Any, found: Any) -> tuple[Any, Any]:
            rows = order[start : start + _PART]
            longest = tf.maximum(tf.gather(lengths, rows[-1]), 1)
            part = tf.cast(model(tf.gather(ids, rows)[:, :longest], training=False), dtype)
            return start + _PART, tf.tensor_scatter_nd_update(found, rows[:, tf.newaxis], part)

        size = tf.concat([[number], model.output_shape[1:]], 0)
        start, found = tf.constant(0), tf.zeros(size, dtype)
        _, found = tf.while_loop(lambda n, _: n < number, read_part, (start, found))
        return tf.ensure_shape(found, (ids.shape[0], *model.output_shape[1:]))

    return run
