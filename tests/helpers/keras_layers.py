"""How to build each layer of `keras.layers` in a small network, for the tests of every one.

A test fails if Keras has a layer that is in none of these tables.
"""

import keras
from keras import layers

VECTOR, STEPS, IMAGE, VOLUME = (6,), (8, 3), (8, 8, 2), (4, 4, 4, 2)
FRAMES = (3, 4, 4, 2)

# Where a layer takes none of these from its name, or needs arguments.
ARGUMENTS = {
    "Activation": {"activation": "tanh"},
    "AdaptiveAveragePooling1D": {"output_size": 2},
    "AdaptiveAveragePooling2D": {"output_size": 2},
    "AdaptiveAveragePooling3D": {"output_size": 2},
    "AdaptiveMaxPooling1D": {"output_size": 2},
    "AdaptiveMaxPooling2D": {"output_size": 2},
    "AdaptiveMaxPooling3D": {"output_size": 2},
    "AlphaDropout": {"rate": 0.5},
    "AveragePooling1D": {"pool_size": 2},
    "AveragePooling2D": {"pool_size": 2},
    "AveragePooling3D": {"pool_size": 2},
    "CategoryEncoding": {"num_tokens": 12},
    "CenterCrop": {"height": 4, "width": 4},
    "Conv1D": {"filters": 3, "kernel_size": 3},
    "Conv1DTranspose": {"filters": 3, "kernel_size": 3},
    "Conv2D": {"filters": 3, "kernel_size": 3},
    "Conv2DTranspose": {"filters": 3, "kernel_size": 3},
    "Conv3D": {"filters": 3, "kernel_size": 3},
    "Conv3DTranspose": {"filters": 3, "kernel_size": 3},
    "ConvLSTM1D": {"filters": 2, "kernel_size": 3},
    "ConvLSTM2D": {"filters": 2, "kernel_size": 3},
    "ConvLSTM3D": {"filters": 2, "kernel_size": 3},
    "Dense": {"units": 4},
    "DepthwiseConv1D": {"kernel_size": 3},
    "DepthwiseConv2D": {"kernel_size": 3},
    "Discretization": {"bin_boundaries": [0.0, 0.5]},
    "Dropout": {"rate": 0.5},
    "EinsumDense": {"equation": "ab,bc->ac", "output_shape": 4},
    "Embedding": {"input_dim": 5, "output_dim": 4},
    "GRU": {"units": 4},
    "GaussianDropout": {"rate": 0.5},
    "GaussianNoise": {"stddev": 0.5},
    "GroupNormalization": {"groups": 2},
    "Hashing": {"num_bins": 5},
    "LSTM": {"units": 4},
    "MaxNumBoundingBoxes": {"max_number": 3},
    "Permute": {"dims": (2, 1)},
    "RandomBrightness": {"factor": 0.3},
    "RandomColorDegeneration": {"factor": 0.3},
    "RandomContrast": {"factor": 0.3},
    "RandomHue": {"factor": 0.3},
    "RandomPosterization": {"factor": 4},
    "RandomPerspective": {"scale": 0.5},
    "RandomRotation": {"factor": 0.3},
    "RandomSaturation": {"factor": 0.3},
    "RandomSharpness": {"factor": 0.3},
    "RandomShear": {"x_factor": 0.5, "y_factor": 0.5},
    "RandomTranslation": {"height_factor": 0.3, "width_factor": 0.3},
    "RandomZoom": {"height_factor": 0.3},
    "RepeatVector": {"n": 2},
    "Rescaling": {"scale": 0.5},
    "Reshape": {"target_shape": (3, 2)},
    "Resizing": {"height": 4, "width": 4},
    "ReversibleEmbedding": {"input_dim": 5, "output_dim": 4},
    "SeparableConv1D": {"filters": 3, "kernel_size": 3},
    "SeparableConv2D": {"filters": 3, "kernel_size": 3},
    "SimpleRNN": {"units": 4},
    "SpatialDropout1D": {"rate": 0.5},
    "SpatialDropout2D": {"rate": 0.5},
    "SpatialDropout3D": {"rate": 0.5},
}
# Of layers that hold others or take two inputs: a function of the tensor before -> the one after.
_WIRED = {
    "Add": lambda x: layers.Add()([x, x]),
    "AdditiveAttention": lambda x: layers.AdditiveAttention()([x, x]),
    "Attention": lambda x: layers.Attention()([x, x]),
    "Average": lambda x: layers.Average()([x, x]),
    "Bidirectional": lambda x: layers.Bidirectional(layers.LSTM(3))(x),
    "Concatenate": lambda x: layers.Concatenate()([x, x]),
    "Dot": lambda x: layers.Dot(axes=1)([x, x]),
    "GroupQueryAttention": lambda x: layers.GroupQueryAttention(2, 2, 1)(x, x),
    "Masking": lambda x: layers.LSTM(3)(layers.Masking()(x)),
    "Lambda": lambda x: layers.Lambda(lambda t: t * t)(x),
    "Maximum": lambda x: layers.Maximum()([x, keras.ops.tanh(x)]),
    "Minimum": lambda x: layers.Minimum()([x, keras.ops.tanh(x)]),
    "MultiHeadAttention": lambda x: layers.MultiHeadAttention(2, 2)(x, x),
    "Multiply": lambda x: layers.Multiply()([x, x]),
    "Pipeline": lambda x: layers.Pipeline([layers.Dense(4), layers.ReLU()])(x),
    # It leaves images as large as they are in inference.
    "RandomCrop": lambda x: layers.GlobalAveragePooling2D()(layers.RandomCrop(4, 4)(x)),
    "RNN": lambda x: layers.RNN(layers.GRUCell(3))(x),
    "SpectralNormalization": lambda x: layers.SpectralNormalization(layers.Dense(4))(x),
    "StackedRNNCells": lambda x: layers.RNN(
        layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(2)])
    )(x),
    "Subtract": lambda x: layers.Subtract()([x, keras.ops.tanh(x)]),
    "TimeDistributed": lambda x: layers.TimeDistributed(layers.Dense(2))(x),
    "GRUCell": lambda x: layers.RNN(layers.GRUCell(3))(x),
    "LSTMCell": lambda x: layers.RNN(layers.LSTMCell(3))(x),
    "SimpleRNNCell": lambda x: layers.RNN(layers.SimpleRNNCell(3))(x),
}
_SHAPES = {
    "Attention": STEPS, "AdditiveAttention": STEPS, "Bidirectional": STEPS, "GRU": STEPS,
    "LSTM": STEPS, "SimpleRNN": STEPS, "RNN": STEPS, "StackedRNNCells": STEPS, "GRUCell": STEPS,
    "LSTMCell": STEPS, "SimpleRNNCell": STEPS, "MultiHeadAttention": STEPS, "Masking": STEPS,
    "GroupQueryAttention": STEPS, "TimeDistributed": STEPS, "Permute": STEPS,
    "ConvLSTM1D": (3, 6, 2), "ConvLSTM2D": FRAMES, "ConvLSTM3D": (2, 4, 4, 4, 1),
    "AugMix": (8, 8, 3), "AutoContrast": (8, 8, 3), "CutMix": (8, 8, 3), "MixUp": (8, 8, 3),
    "ContrastLimitedAdaptiveHistogramEqualization": (8, 8, 3), "Equalization": (8, 8, 3),
    "RandAugment": (8, 8, 3), "Solarization": (8, 8, 3), "CenterCrop": IMAGE, "Resizing": IMAGE,
    "STFTSpectrogram": (256, 1), "MelSpectrogram": (2048,),
}  # fmt: skip
# TensorFlow's gradient of what these do is an approximation.
MOVES_PIXELS = {
    "RandAugment", "RandomHue", "RandomPerspective", "RandomRotation", "RandomSaturation",
    "RandomShear", "RandomTranslation", "RandomZoom",
}  # fmt: skip
# What a layer must be given as it is: no weights stand before it.
_OF_RAW_INPUT = {
    "CategoryEncoding", "Discretization", "Embedding", "Hashing", "ReversibleEmbedding",
    "Equalization", "Masking", "STFTSpectrogram", "MelSpectrogram",
} | MOVES_PIXELS  # fmt: skip
# What is refused, and why.
REFUSED = {
    "ActivityRegularization": "has an activity_regularizer",
    "AugMix": "draws random numbers from a generator that isn't Keras's",
    "Resizing": "has no right second derivative",
    "SpectralNormalization": "changes its own weight 'kernel'",
}
# No layer of a network, and why; these stand in the docs and are not tried.
NOT_TRIED = {
    "FlaxLayer": "of another backend",
    "JaxLayer": "of another backend",
    "TorchModuleWrapper": "of another backend",
    "TFSMLayer": "runs a SavedModel",
    "Layer": "a base class",
    "Wrapper": "a base class",
    "InputLayer": "in every network here",
    "HashedCrossing": "takes two integers",
    "IntegerLookup": "answers integers from a vocabulary",
    "StringLookup": "takes strings",
    "TextVectorization": "takes strings",
    "MaxNumBoundingBoxes": "takes bounding boxes",
}


def _classes():
    found = {}
    for name, each in vars(layers).items():
        if isinstance(each, type) and issubclass(each, keras.Layer):
            found.setdefault(each, []).append(name)
    return found


# A layer of several names stands under its own.
NAMES = sorted(
    each.__name__ if each.__name__ in names else names[0] for each, names in _classes().items()
)
TRIED = [name for name in NAMES if name not in NOT_TRIED]


_ALSO_RANDOM = {"CutMix", "GaussianNoise", "MixUp", "RandAugment", "Solarization"}
_NOT_RANDOM = {"RandomColorJitter"}  # by default it changes nothing
# The layers that draw random numbers.
RANDOM = [
    name
    for name in TRIED
    if name not in REFUSED
    and name not in _NOT_RANDOM
    and (name.startswith("Random") or "Dropout" in name or name in _ALSO_RANDOM)
]


def shape_for(name):
    """`(...)` of one example for a network with this layer."""
    if name in _SHAPES:
        return _SHAPES[name]
    for ending, shape in {"1D": STEPS, "2D": IMAGE, "3D": VOLUME}.items():
        if ending in name:
            return shape
    return (8, 8, 3) if name.startswith("Random") else VECTOR


def network_with(name):
    """A network of three outputs: something with weights, the layer, and a head."""
    shape = shape_for(name)
    x = inputs = keras.Input(shape)
    if name not in _OF_RAW_INPUT:
        x = layers.Dense(shape[-1], activation="tanh", name="before")(x)
    wire = _WIRED.get(name) or getattr(layers, name)(**ARGUMENTS.get(name, {}))
    x = wire(x)
    if len(x.shape) > 2:
        x = layers.Flatten(name="flat")(x)
    return keras.Model(inputs, layers.Dense(3, name="head")(x))
