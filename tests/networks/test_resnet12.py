"""ResNet-12: the layers of the papers' network, computed here by TensorFlow's own operations."""

import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

import tfmeta
from tfmeta.networks import resnet12

EPSILON = 1e-3  # of Keras's normalisation


def by_hand(network, x):
    """The network of section 4.1 of Lee et al. 2019, with this one's weights."""

    def convolution(x, name):
        x = tf.nn.conv2d(x, network.get_layer(name).kernel.value, 1, "SAME")
        gamma, beta, mean, variance = (w.numpy() for w in network.get_layer(f"{name}_norm").weights)
        return (x - mean) / np.sqrt(variance + EPSILON) * gamma + beta

    def relu(x):
        return tf.where(x > 0, x, x / 10)

    for block in (f"block{n}" for n in (1, 2, 3, 4)):
        shortcut = convolution(x, f"{block}_shortcut")
        x = relu(convolution(x, f"{block}_conv1"))
        x = relu(convolution(x, f"{block}_conv2"))
        x = relu(convolution(x, f"{block}_conv3") + shortcut)
        x = tf.nn.max_pool2d(x, 2, 2, "VALID")
    return tf.reduce_mean(x, (1, 2))


def test_it_is_the_papers_network():
    network = resnet12((20, 17, 2), None, narrow=True)
    rng = np.random.default_rng(0)
    for variable in network.non_trainable_variables:
        variable.assign(rng.random(variable.shape) + 0.5)
    x = rng.random((3, 20, 17, 2), np.float32)
    assert network.output_shape == (None, 320)
    assert_close(network(x).numpy(), by_hand(network, x).numpy(), roundings=4000)  # 12 layers


def test_it_is_as_large_as_the_papers():
    weights = resnet12(num_outputs=None).trainable_variables
    # What PyTorch counts in the code of Lee et al. 2019, without a classifier.
    assert sum(np.prod(each.shape) for each in weights) == 12_424_320


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((8,), r"received input_shape=\(8,\); resnet12 takes \(height, width, channels\)"),
        ((28, 15, 1), "takes images of 16 pixels or more on each side. For smaller ones use"),
    ],
)
def test_what_is_no_image_or_too_small_is_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        resnet12(shape)


def test_maml_differentiates_it_twice():
    learner = tfmeta.MAML(resnet12((16, 16, 1), 2, narrow=True))  # its probe tries that
    assert learner.network.output_shape == (None, 2)
