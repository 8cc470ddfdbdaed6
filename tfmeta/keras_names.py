"""Names of Keras's private modules, for code that must not import Keras.

`tfmeta/keras_internals.py` has what is private on Keras's objects. The test of both is
`tests/system/test_keras_internals.py`; it says with which Keras.
"""

PRIVATE = "keras.src."

# Where Keras finds a class by its registered name.
REGISTRY = f"{PRIVATE}saving.object_registration"
LOOK_UP = "get_registered_object"

# Where the classes are defined of which a network, a loss or an optimizer consists. TFSMLayer,
# TorchModuleWrapper, JaxLayer and FlaxLayer are not among them, because they run others' code.
MODULES_OF_CLASSES = tuple(
    f"{PRIVATE}{module}."
    for module in (
        "layers",
        "applications",  # ConvNeXt has layers of its own
        "models",
        "ops",
        "initializers",
        "regularizers",
        "constraints",
        "optimizers",
        "losses",
        "metrics",
        "dtype_policies",
        "quantizers",
        "random",
    )
)
MODULES_OF_CODE = (f"{PRIVATE}layers.core.lambda_layer",)
