"""Multilingual E5: the features are those of BERT's equations, on the file's four bits.

Tests of the weights are skipped where the package that has them is not installed.
"""

import math

import keras
import numpy as np
import pytest
from closeness import assert_close, assert_far_apart

from tfmeta import UserError, networks
from tfmeta.networks import multilingual_e5
from tfmeta.networks.packed_embedding import PackedEmbedding
from tfmeta.reading.multilingual_e5_file import multilingual_e5_arrays, multilingual_e5_pieces
from tfmeta.reading.tokenizers import TOKENIZERS

TEXTS = ["How do I locate my card?", "Ich habe meine Karte verloren.", "我的卡丢了", "!"]
LENGTH = 16


@pytest.fixture(scope="module")
def pieces():
    try:
        return multilingual_e5_pieces()
    except UserError as error:
        pytest.skip(str(error))


def bert(arrays, rows):
    """Devlin et al. 2019 for one text without padding, in float64."""

    def dense(x, name):
        kernel = arrays[f"{name}.w"].floats().astype(np.float64)
        return x @ kernel.reshape(-1, x.shape[-1]).T + arrays[f"{name}.b"]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * arrays[f"{name}.w"] + arrays[f"{name}.b"]

    words = arrays["emb.word"]
    blocks = np.arange(12) + 12 * np.asarray(rows)[:, np.newaxis]
    numbers = (words.codes[blocks].astype(np.float64) - 8) * words.scales[blocks][..., np.newaxis]
    x = numbers.reshape(len(rows), 384)
    x = x + arrays["emb.pos"].reshape(512, 384)[: len(rows)] + arrays["emb.type"][:384]
    x = norm(x, "emb.ln")
    erf = np.vectorize(math.erf)
    for number in range(12):
        block = f"l{number}"
        query, key, value = (
            dense(x, f"{block}.{part}").reshape(len(rows), 12, 32) for part in "qkv"
        )
        scores = np.exp(np.einsum("qhd,khd->hqk", query, key) / math.sqrt(32))
        shares = scores / scores.sum(-1, keepdims=True)
        seen = np.einsum("hqk,khd->qhd", shares, value).reshape(len(rows), 384)
        x = norm(x + dense(seen, f"{block}.ao"), f"{block}.aln")
        inner = dense(x, f"{block}.fi")
        inner = inner * (1 + erf(inner / math.sqrt(2))) / 2
        x = norm(x + dense(inner, f"{block}.fo"), f"{block}.oln")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def test_its_features_are_those_of_berts_equations(pieces):
    ids, _ = TOKENIZERS["unigram"].ids(TEXTS, pieces.tokens, LENGTH)
    assert (ids[:, -1] == 0).all()  # each has padding
    # It was trained on texts that begin so.
    prefixed, _ = TOKENIZERS["unigram"].ids([f"query: {each}" for each in TEXTS], pieces.tokens, 32)
    arrays = multilingual_e5_arrays()
    rows = [pieces.rows[each[each > 0].astype(int)] for each in prefixed]
    expected = np.array([bert(arrays, each) for each in rows])
    network = multilingual_e5((LENGTH,))
    # Twelve blocks round.
    assert_close(network(ids), expected, roundings=2000)
    longer = multilingual_e5((3 * LENGTH,))
    assert_close(longer(np.pad(ids, [(0, 0), (0, 2 * LENGTH)])), network(ids), roundings=2000)


def test_a_sentence_is_close_to_its_translation(pieces):
    texts = ["I lost my card", "Ich habe meine Karte verloren", "What is the exchange rate?"]
    ids, _ = TOKENIZERS["unigram"].ids(texts, pieces.tokens, LENGTH)
    one, same, other = multilingual_e5((LENGTH,))(ids).numpy()
    assert one @ same > 0.86 > 0.82 > one @ other


def test_a_random_one_has_the_same_layers():
    network = multilingual_e5((4,), 3, weights=None)
    x = np.array([[2, 17, 250_000, 3], [2, 17, 3, 0], [2, 18, 3, 0]], np.float32)
    answers = network(x).numpy()
    assert_far_apart(answers[0], answers[1])
    assert_far_apart(answers[1], answers[2])
    assert (network.output_shape, network.get_layer("words").trainable_weights) == ((None, 3), [])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weights": "other"}, r"weights='other'; expected 'multilingual-e5-small' or None"),
        ({"input_shape": (510,), "weights": None}, r"at most 509 ids. Lower pipeline\.length"),
        ({"input_shape": (4, 4), "weights": None}, r"multilingual_e5 takes \(length,\), token ids"),
    ],
)
def test_what_makes_no_sense_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        networks.multilingual_e5(**given)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_packed_table_gives_its_numbers(policy):
    rng = np.random.default_rng(0)
    codes, scales = rng.integers(0, 16, (5, 192)), rng.uniform(0.01, 0.02, (5, 6))
    table = PackedEmbedding(5, 192, dtype=policy)
    table.build((None, 3))
    table.assign(codes, scales)
    ids = np.array([[4, 0, 2], [1, 1, 3]])
    expected = ((codes - 8) * np.repeat(scales, 32, 1))[ids]
    found = keras.ops.convert_to_numpy(keras.ops.cast(table(ids), "float32"))
    # bfloat16 has 16 bits fewer.
    roundings = 4 if policy == "float32" else 2**16
    assert_close(found, expected, roundings=roundings, dtype=np.float32)
    same = PackedEmbedding.from_config(table.get_config())
    same.build((None, 3))
    same.set_weights(table.get_weights())
    np.testing.assert_array_equal(same(ids), table(ids))
