"""The networks of the few-shot papers, as plain Keras models; any built `keras.Model` will do.

A network is a file here and a row in `tfmeta/network_registry.py`.
"""

from typing import TYPE_CHECKING

from tfmeta.network_registry import FAMILIES, NETWORKS
from tfmeta.networks.input_dtypes import declared_dtype, input_dtype, unscaled

if TYPE_CHECKING:  # what the rows below are, for type checkers and editors
    from tfmeta.networks.applications import applications
    from tfmeta.networks.bag_of_ngrams import bag_of_ngrams
    from tfmeta.networks.bag_of_tokens import bag_of_tokens
    from tfmeta.networks.cepstra import cepstra
    from tfmeta.networks.conv1d import conv1d
    from tfmeta.networks.conv4 import conv4
    from tfmeta.networks.efficientnet_lite0 import efficientnet_lite0
    from tfmeta.networks.efficientnet_lite2 import efficientnet_lite2
    from tfmeta.networks.feature_map import feature_map
    from tfmeta.networks.keras_hub import keras_hub
    from tfmeta.networks.minilm import minilm
    from tfmeta.networks.mlp import mlp
    from tfmeta.networks.multilingual_e5 import multilingual_e5
    from tfmeta.networks.policy import policy
    from tfmeta.networks.recurrent import recurrent
    from tfmeta.networks.resnet12 import resnet12
    from tfmeta.networks.rocket import rocket
    from tfmeta.networks.search_cells import search_cells
    from tfmeta.networks.search_units import search_units
    from tfmeta.networks.speech_embedding import speech_embedding
    from tfmeta.networks.table import table
    from tfmeta.networks.text_conv import text_conv
    from tfmeta.networks.text_transformer import text_transformer

NAMES = tuple(NETWORKS)  # what `--set network=NAME` takes
globals().update({name: network.load() for name, network in NETWORKS.items()})
globals().update({row.load().__name__: row.load() for row in FAMILIES.values()})

__all__ = [
    "NAMES",
    "applications",
    "bag_of_ngrams",
    "bag_of_tokens",
    "cepstra",
    "conv1d",
    "conv4",
    "declared_dtype",
    "efficientnet_lite0",
    "efficientnet_lite2",
    "feature_map",
    "input_dtype",
    "keras_hub",
    "minilm",
    "mlp",
    "multilingual_e5",
    "policy",
    "recurrent",
    "resnet12",
    "rocket",
    "search_cells",
    "search_units",
    "speech_embedding",
    "table",
    "text_conv",
    "text_transformer",
    "unscaled",
]
