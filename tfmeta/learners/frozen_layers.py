"""Frozen layers whose own layers are frozen too, as Keras means it."""

import keras

from tfmeta.keras_internals import layers_of


def freeze(network: keras.Model) -> None:
    """Freezes every layer.

    Keras passes `trainable` on to the layers in a layer, but TensorFlow leaves out an assignment of
    the value that an attribute has: layers in a frozen one are then left as they are.
    """
    for layer in layers_of(network):
        layer.trainable = False


def freeze_what_frozen_layers_hold(network: keras.Model) -> None:
    """Freezes the layers that a frozen layer makes when it is built.

    A layer such as `MultiHeadAttention` is saved without the layers in it. Loaded, it is frozen and
    they are not: a learner would have other weights to train than the one that was saved, and an
    optimizer of another size. Functional and sequential models are saved with their layers, of
    which each is frozen or not by itself.
    """
    for layer in layers_of(network):
        keeps_its_own = isinstance(layer, keras.Sequential) or hasattr(layer, "operations")
        if not layer.trainable and not keeps_its_own:
            for held in layers_of(layer, include_self=False):
                held.trainable = False
