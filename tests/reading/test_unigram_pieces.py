"""Pieces of words by their likelihood: as plain Python and the package `tokenizers` cut them."""

import functools
import random

import numpy as np
import pytest
import tensorflow as tf

from tfmeta.reading.character_tables import KEPT, NUMBER, REMOVED, REPLACED, in_runs
from tfmeta.reading.unigram_pieces import unigram_ids

WORD = "\u2581"
PIECES = {WORD: -3.0, "a": -2.0, "b": -2.5, "ab": -3.0, WORD + "a": -3.2, "aba": -4.0, "bb": -6.0}
PIECES |= {"卡": -4.0, "我的": -3.0, "ccc": -9.0}
TOKENS = ("", "[UNK]", "<s>", "</s>", *PIECES)
SCORES = np.array([-np.inf, -20, -np.inf, -np.inf, *PIECES.values()], np.float32)
KINDS = np.full(NUMBER, KEPT, np.int32)
KINDS[[ord("B"), 0xFDFA]], KINDS[0x7F] = REPLACED, REMOVED
CHARACTERS = in_runs(KINDS, {ord("B"): "b", 0xFDFA: "ab a"})


def tokens_of(texts, length=30, *, tokens=TOKENS, scores=SCORES):
    """What a graph makes of texts, without the two ends."""
    places = tf.range(2, len(tokens), dtype=tf.int64)
    entries = tf.lookup.KeyValueTensorInitializer(list(tokens[2:]), places)
    table = tf.lookup.StaticHashTable(entries, 1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def ids(texts):
        longest = max(map(len, tokens))
        options = {"scores": scores, "longest": longest, "characters": CHARACTERS}
        return unigram_ids(texts, table.lookup, length, **options)

    found = [[tokens[id_] for id_ in row] for row in ids(tf.constant(texts)).to_list()]
    assert all((each[0], each[-1]) == ("<s>", "</s>") for each in found)
    return [each[1:-1] for each in found]


def likeliest(word, pieces, unknown):
    """The pieces of a word, by trying them all from each letter on."""

    @functools.cache
    def rest(start):
        if start == len(word):
            return 0.0, ()
        ways = []
        for end in range(start + 1, len(word) + 1):
            piece = word[start:end]
            score = pieces.get(piece, unknown if end == start + 1 else None)
            if score is not None:
                after, following = rest(end)
                ways.append((score + after, (piece, *following)))
        return max(ways, key=lambda way: way[0])  # of equal ones, the shortest first piece

    return list(rest(0)[1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ab", [WORD + "a", "b"]),  # -5.7, and -6.0 as the mark and "ab"
        ("aba  BB\tb", [WORD, "aba", WORD, "b", "b", WORD, "b"]),
        ("\x7fa\x7f", [WORD + "a"]),
        ("\ufdfa", [WORD + "a", "b", WORD + "a"]),
        ("xyzaxy", [WORD, "[UNK]", "a", "[UNK]"]),  # letters that are unknown are one piece
        ("x x", [WORD, "[UNK]", WORD, "[UNK]"]),
        ("我的卡", [WORD, "我的", "卡"]),
        ("<s> </s>", [WORD, "[UNK]", WORD, "[UNK]"]),  # the ends are no pieces of texts
        ("ccc", [WORD, "ccc"]),
        ("", []),
        (" \n", []),
    ],
)
def test_words_become_their_likeliest_pieces(text, expected):
    assert tokens_of([text]) == [expected]


def test_texts_are_cut_each_for_itself():
    texts = ["ab aba", "", "xx", "卡" * 50]
    assert tokens_of(texts) == [tokens_of([each])[0] for each in texts]
    assert tokens_of(texts, 5) == [each[:3] for each in tokens_of(texts, 60)]


def drawn(rng, number):
    """Pieces of "abcd" with scores, all letters but "d" among them; and texts."""
    letters = "abcd"
    words = {"".join(rng.choices(letters, k=rng.randint(1, 5))) for _ in range(60)}
    words |= {WORD + each for each in rng.sample(sorted(words), 20)} | set("abc" + WORD)
    pieces = {each: -rng.uniform(1, 12) for each in sorted(words - {"d"})}
    texts = [
        " ".join(
            "".join(rng.choices(letters, k=rng.randint(1, 40))) for _ in range(rng.randint(0, 5))
        )
        for _ in range(number)
    ]
    return pieces, texts


def in_graph(pieces, texts, unknown):
    tokens = ("", "[UNK]", "<s>", "</s>", *pieces)
    scores = np.array([-np.inf, unknown, -np.inf, -np.inf, *pieces.values()], np.float32)
    return tokens_of(texts, 1000, tokens=tokens, scores=scores)


def test_drawn_texts_are_cut_as_plain_python_cuts_them():
    rng = random.Random(0)
    for _ in range(5):
        pieces, texts = drawn(rng, 40)
        exact = {each: float(np.float32(score)) for each, score in pieces.items()}
        expected = []
        for text in texts:
            found = []
            for word in text.split():
                # The first of letters in sequence that are unknown stands for all.
                parts = likeliest(WORD + word, exact, -30.0)
                for place, part in enumerate(parts):
                    if part in pieces:
                        found.append(part)
                    elif place == 0 or parts[place - 1] in pieces:
                        found.append("[UNK]")
            expected.append(found)
        assert in_graph(pieces, texts, -30) == expected


def test_drawn_texts_are_cut_as_the_package_tokenizers_cuts_them():
    tokenizers = pytest.importorskip("tokenizers")
    pieces, texts = drawn(random.Random(1), 200)
    vocabulary = [("<unk>", 0.0), *((each, float(np.float32(s))) for each, s in pieces.items())]
    reference = tokenizers.Tokenizer(tokenizers.models.Unigram(vocabulary, unk_id=0))
    reference.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    expected = [
        ["[UNK]" if token == "<unk>" or token not in pieces else token for token in each.tokens]
        for each in reference.encode_batch(texts)
    ]
    lowest = min(score for _, score in vocabulary)
    assert in_graph(pieces, texts, lowest - 10) == expected
