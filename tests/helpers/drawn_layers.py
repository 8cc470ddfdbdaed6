"""Plain Keras that draws what a learner's layers draw: its generators are set, one by one."""

import keras
import numpy as np
import tensorflow as tf

from tfmeta import keras_internals

WORDS = np.array([123_456_789, -987_654_321])  # any
DRAWS_PER_PASS = 2**16


def set_generators(network, number_of_pass, words=WORDS):
    """Sets each generator of a network, and Keras's own, for a pass through it.

    `docs/decisions.md` has the rule: the second word is moved on for each generator and each pass.
    """
    generators = [g for layer in network._flatten_layers() for g in layer._seed_generators]
    order = [v.path for v in network.non_trainable_variables if v.dtype == "int64"]
    generators.sort(key=lambda each: order.index(each.state.path))
    generators.append(keras_internals.global_generator())
    for i, generator in enumerate(generators):
        count = number_of_pass * len(generators) + i
        generator.state.assign(words + np.array([0, count * DRAWS_PER_PASS]))


def maml_step_by_keras(network, task, *, rate, words=WORDS):
    """One inner step and the queries' answer, both in training; the network is then as before."""
    before = [v.numpy() for v in network.variables]
    set_generators(network, 0, words)
    with tf.GradientTape() as tape:
        answer = network(task.support_x, training=True)
        loss = keras.losses.sparse_categorical_crossentropy(task.support_y, answer, True)
        loss = tf.reduce_mean(loss)
    variables = network.trainable_variables
    gradients = tape.gradient(loss, [v.value for v in variables], unconnected_gradients="zero")
    for variable, gradient in zip(variables, gradients, strict=True):
        variable.assign_sub(rate * tf.convert_to_tensor(gradient))
    set_generators(network, 1, words)
    answer = network(task.query_x, training=True)
    for variable, value in zip(network.variables, before, strict=True):
        variable.assign(value)
    return answer
