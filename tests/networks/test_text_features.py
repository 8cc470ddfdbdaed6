"""The networks of texts beside bag_of_tokens: each as NumPy says, and none sees padding."""

import keras
import numpy as np
import pytest
from closeness import assert_close, assert_far_apart

from tfmeta import networks

IDS = np.array([[2, 3, 3, 0, 0], [1, 4, 4, 2, 0], [9, 0, 0, 0, 0], [0, 0, 0, 0, 0]], np.float32)
SIZE = {"vocabulary_size": 5}
NAMES = ("bag_of_ngrams", "text_conv", "text_transformer")


def test_bag_of_ngrams_is_tfidf_and_a_map_of_it():
    weights = [5.0, 1.0, 2.0, 0.5, 3.0]
    network = networks.bag_of_ngrams((5,), None, **SIZE, token_weights=weights, embedding_size=3)
    counts = np.array([[0, 0, 1, 2, 0], [0, 1, 1, 0, 2], [0, 1, 0, 0, 0], [0] * 5])
    x = np.log1p(counts) * weights
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)
    (kernel,) = network.get_weights()
    assert_close(network(IDS), np.concatenate([x, x @ kernel], 1))
    alone = networks.bag_of_ngrams((5,), None, **SIZE, token_weights=weights, embedding_size=0)
    assert_close(alone(IDS), x)
    assert alone.count_params() == 0


def test_text_conv_is_the_mean_and_the_largest_of_what_its_filters_see():
    network = networks.text_conv((5,), None, **SIZE, embedding_size=3, filters=2, widths=(2,))
    table, kernel, bias = network.get_weights()
    bias = np.array([0.03, -0.01])
    network.set_weights([table, kernel, bias])
    table, expected = table.reshape(5, 3), []
    for ids in IDS.astype(int):
        ids = [each if each < 5 else 1 for each in ids]
        x = np.array([table[each] if each else np.zeros(3) for each in [*ids, 0]])
        seen = [np.maximum(x[i] @ kernel[0] + x[i + 1] @ kernel[1] + bias, 0) for i in range(5)]
        seen = np.array([each for each, token in zip(seen, ids, strict=True) if token])
        seen = seen if len(seen) else np.zeros((1, 2))
        expected.append([*seen.mean(0), *seen.max(0)])
    assert_close(network(IDS), expected)


def test_text_transformer_begins_with_embeddings_and_sines():
    network = networks.text_transformer((5,), None, **SIZE, embedding_size=4, heads=2, blocks=0)
    table = network.get_weights()[0].reshape(5, 4)
    place = np.arange(3)[:, np.newaxis]
    waves = np.concatenate([np.sin(place / [1, 100]), np.cos(place / [1, 100])], 1)
    x = 20 * table[[2, 3, 3]] + waves
    assert_close(network(IDS[:1])[0], x.mean(0), roundings=100)  # sines are rounded to 6 digits


@pytest.mark.parametrize("name", NAMES)
def test_padding_changes_nothing_and_the_network_survives_saving(name, tmp_path):
    make = getattr(networks, name)
    short, long = make((3,), 4, **SIZE), make((5,), 4, **SIZE)
    long.set_weights(short.get_weights())
    assert_close(long(IDS[:1]), short(IDS[:1, :3]))
    assert_far_apart(long(IDS[:1]), long(IDS[1:2]))
    assert np.isfinite(long(IDS)).all()
    long.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(IDS), long(IDS))


@pytest.mark.parametrize("name", [*NAMES, "minilm"])
def test_what_is_no_text_is_refused(name):
    make = getattr(networks, name)
    with pytest.raises(ValueError, match=rf"\(4, 4\); {name} takes \(length,\), token ids"):
        make((4, 4), 5, **({} if name == "minilm" else SIZE))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: networks.bag_of_ngrams(**SIZE, token_weights=[1.0]),
            r"token_weights of shape \(1,\); expected 5 finite numbers",
        ),
        (
            lambda: networks.text_transformer(**SIZE, embedding_size=6),
            "embedding_size=6 for 4 heads; expected an even multiple",
        ),
        (lambda: networks.minilm(weights="other"), "weights='other'; expected 'all-MiniLM-L6-v2'"),
        (lambda: networks.minilm((513,), weights=None), "at most 512 ids. Lower pipeline.length"),
    ],
)
def test_an_option_without_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
