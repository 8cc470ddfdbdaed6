"""What a graph refuses, in words: the messages are those of TensorFlow itself."""

import pytest
import tensorflow as tf

from tfmeta.reading.decoding.encoded_requests import at_most
from tfmeta.reading.graph_messages import in_words

EXPECTED = "x_text: a text's bytes: received 7 expected at most 5 (text_bytes)"


def check(sizes):
    with tf.control_dependencies([at_most(5, sizes, "x_text: a text's bytes", "text_bytes")]):
        return tf.identity(sizes)


@pytest.mark.parametrize("function", [check, tf.function(check)], ids=["eager", "graph"])
def test_an_assertion_is_one_line_without_nodes(function):
    with pytest.raises(tf.errors.InvalidArgumentError) as refused:
        function(tf.constant([3, 7]))
    assert in_words(refused.value.message) == EXPECTED


def test_a_loaders_message_loses_its_nodes():
    nodes = "{{function_node __inference_call_1}} {{function_node __inference_call_1}} "
    said = "[x: expected numbers, or NaN] [2]"
    tail = "\n\t [[{{function_node Assert_1}}{{node Assert}}]]\n\t [[Call]]"
    message = f"INVALID_ARGUMENT: {nodes}assertion failed: {said}{tail}"
    assert in_words(message) == "x: expected numbers, or NaN 2"
    other = f"INTERNAL: {nodes}no memory{tail}"
    assert in_words(other) == "INTERNAL: no memory"
