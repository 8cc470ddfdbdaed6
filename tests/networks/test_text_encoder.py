"""Networks of texts read no more padding than a batch needs, and answer the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from keras import layers, ops

import tfmeta
from tfmeta.learners.feature_cache import cached_features
from tfmeta.networks.encoder_block import encoder_block
from tfmeta.networks.text_encoder import TextEncoder, of_less_padding
from tfmeta.networks.token_input import masked_mean, token_input

LENGTH = 12
TEXTS = np.array([[5, 0, 7], [4, 9, 0], [2, 0, 0], [0, 0, 0]], np.float32)  # the first has a gap


def padded(ids):
    return np.pad(ids, [(0, 0), (0, LENGTH - ids.shape[1])])


def small_encoder():
    keras.utils.set_random_seed(3)
    inputs, ids, is_token = token_input((LENGTH,), 10, network="small")
    x = layers.Embedding(10, 8)(ids)
    x = encoder_block(x, is_token, "block", heads=2, hidden=16)
    return TextEncoder(inputs, masked_mean(x, is_token))


def tokens_read():
    """A model whose one feature is the number of tokens that it is given for a text."""
    inputs = keras.Input((LENGTH,))
    return TextEncoder(inputs, ops.sum(ops.ones_like(inputs), 1, keepdims=True))


def test_it_answers_as_the_whole_length_does():
    network = small_encoder()
    read = of_less_padding(network)
    assert_close(read(padded(TEXTS)), network.predict(padded(TEXTS), verbose=0))
    for text in TEXTS:
        one = padded(text[np.newaxis])
        assert_close(read(one), network.predict(one, verbose=0))
    in_graph = tf.function(read, [tf.TensorSpec((None, LENGTH))])
    assert in_graph(padded(TEXTS)[:0]).shape == (0, 8)


def test_it_reads_up_to_the_last_token_of_any_text():
    read = of_less_padding(tokens_read())
    assert read(padded(TEXTS)).numpy().tolist() == [[3]] * 4
    assert read(padded(TEXTS)[2:]).numpy().tolist() == [[1]] * 2
    assert read(padded(TEXTS)[3:]).numpy().tolist() == [[1]]  # nothing but padding
    full = np.ones((2, LENGTH), np.float32)
    assert read(full).numpy().tolist() == [[LENGTH]] * 2


def many_texts(number):
    """Token ids of texts of any lengths, the longest first and last."""
    rng = np.random.default_rng(5)
    lengths = np.concatenate([[LENGTH], rng.integers(0, LENGTH, number - 2), [LENGTH]])
    ids = rng.integers(1, 10, (number, LENGTH))
    return np.where(np.arange(LENGTH) < lengths[:, np.newaxis], ids, 0), lengths


@pytest.mark.parametrize("number", [15, 16, 17, 50])
def test_many_texts_are_read_in_parts_by_length(number):
    ids, lengths = many_texts(number)
    network = small_encoder()
    expected = network.predict(ids, verbose=0)
    assert_close(of_less_padding(network)(ids), expected)
    in_graph = tf.function(of_less_padding(network), [tf.TensorSpec((None, LENGTH), tf.int64)])
    assert_close(in_graph(ids), expected)
    read = of_less_padding(tokens_read())(ids).numpy()[:, 0]
    parts = [np.sort(lengths)[n : n + 16] for n in range(0, number, 16)]
    longest = np.concatenate([np.full(len(part), max(part.max(), 1)) for part in parts])
    assert sorted(read) == longest.tolist()
    assert (read >= lengths).all()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
@pytest.mark.parametrize("name", ["small", "minilm"])
def test_every_precision_is_read(policy, name):
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        is_small = name == "small"
        network = small_encoder() if is_small else tfmeta.networks.minilm((LENGTH,), weights=None)
        found = of_less_padding(network)(padded(TEXTS))
        expected = tf.cast(network(padded(TEXTS), training=False), found.dtype)
    finally:
        keras.config.set_dtype_policy(usual)
    assert found.dtype == ("float64" if policy == "float64" else "float32")
    if policy == "float64":
        assert_close(found, expected, roundings=1000)
    else:  # bfloat16 has eight times float16's rounding
        times = 8 if policy == "mixed_bfloat16" else 1
        assert_close(found, expected, roundings=8 * times, dtype=np.float16)


def test_a_model_of_its_layers_makes_no_such_promise():
    network = small_encoder()
    for_each_token = keras.Model(network.input, network.get_layer("block_norm").output)
    assert of_less_padding(for_each_token) is None
    assert of_less_padding(tfmeta.networks.mlp((LENGTH,), 2)) is None


def test_a_saved_one_is_one_still(tmp_path):
    network = small_encoder()
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert_close(of_less_padding(loaded)(padded(TEXTS)), network.predict(padded(TEXTS), verbose=0))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_learner_reads_less_unless_xla_compiles_it(jit_compile):
    learner = tfmeta.OnFeatures(tokens_read(), tfmeta.Prototypical(tfmeta.networks.mlp((1,), None)))
    learner.compile(jit_compile=jit_compile)
    expected = LENGTH if jit_compile else 3
    assert learner.encoded(tf.constant(padded(TEXTS))).numpy().tolist() == [[expected]] * 4


def test_texts_are_embedded_once_without_their_padding(tmp_path):
    read = cached_features(tokens_read(), padded(TEXTS), folder=tmp_path)
    assert read.tolist() == [[3]] * 4


def test_minilm_is_one():
    network = tfmeta.networks.minilm((LENGTH,), weights=None)
    assert_close(
        of_less_padding(network)(padded(TEXTS)),
        network.predict(padded(TEXTS), verbose=0),
        roundings=1000,
    )
