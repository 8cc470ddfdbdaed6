"""Word pieces and trigrams as operations of a graph: as BERT's tokenizer and plain Python say."""
# ruff: noqa: RUF001 - Chinese punctuation is what is tested

import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from tfmeta import UserError
from tfmeta.reading.bert_characters import replacement
from tfmeta.reading.text_graph import checked_encoding, token_ids
from tfmeta.reading.tokenizers import TOKENIZERS
from tfmeta.reading.word_pieces import bert_order, read_bert_tokens

LENGTH = 24
# A small vocabulary in BERT's order, for what needs no package.
TOKENS = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "a", "##b", "!"]
TOKENS += ["##a", "卡", "große", "grosse", "aff"]
OURS = ["", *(TOKENS[place] for place in bert_order(TOKENS)[1:])]
# Signs whose category is another one in later versions of Unicode.
CHANGED = {0x166D, 0x1734, 0x1885, 0x1886}


def pieces(text, length=LENGTH):
    """The tokens that a graph makes of a text, without the two ends."""
    ids = token_ids(tf.constant([text]), tuple(OURS), length, "x", tokenizer="wordpiece").numpy()[0]
    found = [OURS[int(each)] for each in ids if each]
    assert (found[0], found[-1]) == ("[CLS]", "[SEP]")
    return found[1:-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unaffable", ["un", "##aff", "##able"]),
        ("UNÄFFABLE!a", ["un", "##aff", "##able", "!", "a"]),
        ("affun a", ["[UNK]", "a"]),
        ("a卡a", ["a", "卡", "a"]),
        ("a\u200bb\ufffd", ["a", "##b"]),  # characters of no width go
        ("große", ["große"]),
        ("a" * 100, ["a"] + ["##a"] * 99),
        ("a" * 101, ["[UNK]"]),
        ("[UNK] a", ["[UNK]", "[UNK]", "[UNK]", "a"]),
    ],
)
def test_words_become_the_longest_pieces_that_they_begin_with(text, expected):
    assert pieces(text, 200) == expected


def test_a_long_text_is_cut_before_its_end():
    assert pieces("a b a b a", 6) == ["a", "[UNK]", "a", "[UNK]"]
    served = token_ids(tf.constant(["a a a a", "a"]), tuple(OURS), 4, "x", tokenizer="wordpiece")
    trained, numbers = TOKENIZERS["wordpiece"].ids(["a a a a", "a"], OURS, 4)
    np.testing.assert_array_equal(served, trained)
    assert numbers.tolist() == [6, 3]


def test_another_file_is_no_vocabulary(tmp_path):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[SEP]\n")
    with pytest.raises(UserError, match=r"vocab\.txt is no vocabulary of BERT: it has no \[CLS\]"):
        read_bert_tokens(tmp_path / "vocab.txt")


# Against the package `tokenizers`, where it is installed


def test_each_character_becomes_what_it_becomes_in_the_package_tokenizers():
    package = pytest.importorskip("tokenizers")
    normal = package.normalizers.BertNormalizer(lowercase=True)
    split = package.pre_tokenizers.BertPreTokenizer()
    # Those of Unicode 3.2, because the two have other versions of it.
    known = unicodedata.ucd_3_2_0.category
    points = [n for n in range(0x110000) if known(chr(n)) not in ("Cn", "Cs")]
    assert len(points) > 200_000
    for point in set(points) - CHANGED:
        text = f"a{chr(point)}b"
        expected = [word for word, _ in split.pre_tokenize_str(normal.normalize_str(text))]
        assert f"a{replacement(chr(point))}b".split() == expected, hex(point)


@pytest.mark.fault("texts of any characters for word pieces", "as BERT's own tokenizer")
def test_random_texts_have_the_ids_of_the_package_tokenizers():
    package = pytest.importorskip("tokenizers")
    folder = pytest.importorskip("tfmeta.reading.minilm_files").minilm_folder
    try:
        path = folder() / "vocab.txt"
    except UserError as error:
        pytest.skip(str(error))
    tokens = read_bert_tokens(path)
    ours = ["", *(tokens[place] for place in bert_order(tokens)[1:])]
    reference = package.BertWordPieceTokenizer(str(path), lowercase=True)
    reference.enable_truncation(LENGTH)
    texts = list(random_texts([token.removeprefix("##") for token in tokens[1000:]]))
    found = TOKENIZERS["wordpiece"].ids(texts, ours, LENGTH)[0].astype(int)
    order = np.array(bert_order(tokens))
    for text, ids in zip(texts, found, strict=True):
        expected = reference.encode(text).ids
        assert order[ids[ids > 0]].tolist() == expected, text
    is_text = np.array([any(map(str.isalnum, text)) for text in texts])
    checked = checked_encoding(tf.constant(np.array(texts)[is_text]), "x")
    served = token_ids(checked, tuple(ours), LENGTH, "x", tokenizer="wordpiece")
    np.testing.assert_array_equal(served, found[is_text])


def random_texts(words):
    rng = np.random.default_rng(0)
    category = unicodedata.ucd_3_2_0.category
    anything = [chr(n) for n in range(0x30000) if category(chr(n)) not in ("Cn", "Cs")]
    anything = [letter for letter in anything if ord(letter) not in CHANGED]
    latin = [chr(n) for n in range(32, 0x250)]
    for number in range(1500):
        pool = (words, latin, anything)[number % 3]
        chosen = [pool[i] for i in rng.integers(len(pool), size=rng.integers(40))]
        yield "".join(part + " " * (rng.random() < 0.3) for part in chosen)


# Trigrams


@pytest.mark.parametrize("text", ["Karte verloren", "a", "我的卡 ok", "don't!", "x " * 30])
def test_trigrams_are_the_letters_at_each_place_of_a_word(text):
    words = text.lower().replace("'", "").replace("!", "")
    words = "".join(f" {c} " if ord(c) > 0x3000 else c for c in words).split()
    expected = [f"<{word}>"[i : i + 3] for word in words for i in range(len(word))]
    vocabulary = TOKENIZERS["trigrams"].vocabulary_of([text], 1000)
    assert set(vocabulary[2:]) == set(expected)
    served = token_ids(
        tf.constant([text]), tuple(vocabulary), LENGTH, "x", tokenizer="trigrams"
    ).numpy()
    found = [vocabulary[int(each)] for each in served[0] if each]
    assert found == expected[:LENGTH]
    trained, numbers = TOKENIZERS["trigrams"].ids([text], vocabulary, LENGTH)
    np.testing.assert_array_equal(served, trained)
    assert numbers.tolist() == [len(expected)]


def ngrams_by_hand(text):
    words = text.lower().replace("'", "").replace("!", "").replace("，", " ")
    tokens = "".join(f" {c} " if ord(c) > 0x0E00 else c for c in words).split()
    alone = [ord(token[0]) > 0x0E00 for token in tokens]
    found = []
    for place, token in enumerate(tokens):
        if not alone[place]:
            found += [f"<{token}>"[i : i + 3] for i in range(len(token))]
            continue
        for size in (1, 2, 3):
            if place + size <= len(tokens) and all(alone[place : place + size]):
                found.append("".join(tokens[place : place + size]))
    return found


MIXED = ["我的卡 ok", "ok", "卡", "Karte 我的 verloren 银行卡", "我，的 卡 x 银", "ไก่งวง a"]
MIXED += ["我" * LENGTH + " word", "x " * (LENGTH - 2) + "银行卡在哪"]


def test_ngrams_of_scripts_without_spaces_are_one_to_three_letters():
    texts = MIXED[:5] + MIXED[6:]  # the rest has marks
    vocabulary = TOKENIZERS["ngrams"].vocabulary_of(texts, 1000)
    expected = [ngrams_by_hand(text) for text in texts]
    assert set(vocabulary[2:]) == {token for each in expected for token in each}
    trained, numbers = TOKENIZERS["ngrams"].ids(texts, vocabulary, LENGTH)
    for ids, tokens in zip(trained, expected, strict=True):
        assert [vocabulary[int(each)] for each in ids if each] == tokens[:LENGTH]
    assert numbers.tolist() == list(map(len, expected))


@pytest.mark.parametrize("length", [3, LENGTH])
def test_ngrams_in_a_graph_are_those_of_training(length):
    rng = np.random.default_rng(1)
    pieces = ["卡", "我", "ก", "่", "a", "bc", " ", "，", "😀"]
    texts = MIXED + ["a" + "".join(rng.choice(pieces, 2 * length)) for _ in range(200)]
    vocabulary = TOKENIZERS["ngrams"].vocabulary_of(texts[:100], 500)
    trained, _ = TOKENIZERS["ngrams"].ids(texts, vocabulary, length)
    served = token_ids(tf.constant(texts), tuple(vocabulary), length, "x", tokenizer="ngrams")
    np.testing.assert_array_equal(served, trained)
