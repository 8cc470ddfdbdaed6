"""A small network of photographs in a file, whose features of digits and squares will do.

Where a test is not of the network, it stands for the large ones of `tfmeta learn`, whose exports
take most of the time at the size that photographs are read at.
"""

from made_once import made_once

SIDE = 84  # pixels, at which a folder of images is read


@made_once("networks/small.keras")
def small_features(path):
    import keras

    layers = keras.layers
    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(8, 7, strides=7, activation="relu")(inputs)
    keras.Model(inputs, layers.Flatten()(layers.AveragePooling2D(2)(x))).save(path)
