"""The networks of the few-shot papers, as plain Keras models; any built `keras.Model` will do."""

from tfmeta.networks.bag_of_tokens import bag_of_tokens
from tfmeta.networks.conv4 import conv4
from tfmeta.networks.input_dtypes import declared_dtype, input_dtype, unscaled
from tfmeta.networks.mlp import mlp

NAMES = ("conv4", "mlp", "bag_of_tokens")  # what `--set network=NAME` takes

__all__ = ["NAMES", "bag_of_tokens", "conv4", "declared_dtype", "input_dtype", "mlp", "unscaled"]
