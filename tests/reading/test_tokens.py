"""Words in every script: what a token is, against Unicode's own categories."""
# ruff: noqa: RUF001 - full-width punctuation is what is tested

import json
import unicodedata

import numpy as np
import pytest

from tfmeta import UserError
from tfmeta.pipelines.text import build, token_ids
from tfmeta.reading.tokenizers import TOKENIZERS

CHINESE, JAPANESE, THAI = "我的银行卡丢了，怎么办？", "カードを失くしました。", "บัตรหาย"


def tokens(text, tokenizer="unicode"):
    """The tokens of a text, each once, in the order in which they come."""
    words = TOKENIZERS[tokenizer].vocabulary_of([text], 1000)
    ids = token_ids([text], words, 100, tokenizer=tokenizer)[0].astype(int)
    return [words[i] for i in ids if i]


def source_of(tmp_path, texts, **options):
    rows = [{"text": t, "label": f"{i:02}", "part": p} for i, (t, p) in enumerate(texts)]
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return build(data_dir=path, split="part", **options)


@pytest.mark.fault("texts in a script without spaces", "each character is a token")
@pytest.mark.parametrize("text", [CHINESE, JAPANESE, THAI])
def test_a_script_without_spaces_is_tokens_of_a_character(text):
    letters, expected = [c for c in text if unicodedata.category(c)[0] in "LMN"], []
    for letter in letters:  # a mark stays with what it is on
        if unicodedata.category(letter)[0] == "M":
            expected[-1] += letter
        else:
            expected.append(letter)
    assert tokens(text) == expected


@pytest.mark.fault("English between full-width punctuation", "words as between ASCII's")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lost，my。card！now", ["lost", "my", "card", "now"]),
        ("ＬＯＳＴ　card", ["lost", "card"]),
        ("“Wo ist”—die Straße…", ["wo", "ist", "die", "straße"]),
        ("don't DON’T dont", ["dont", "dont", "dont"]),
        ("ÄRGER Ärger\u00a0Élan", ["ärger", "ärger", "élan"]),
        ("использовать карту", ["использовать", "карту"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("카드를 잃어버렸어요", ["카드를", "잃어버렸어요"]),
        ("买iPhone15 2台😀😀", ["买", "iphone15", "2", "台", "😀", "😀"]),
        ("a,b;c", ["a", "b", "c"]),
    ],
)
def test_a_word_ends_where_unicode_says(text, expected):
    assert tokens(text) == expected


def test_every_letter_is_in_a_token():
    letters = [chr(n) for n in range(0x20, 0x3000) if unicodedata.category(chr(n)) in ("Ll", "Lo")]
    found = "".join(tokens(" ".join(letters)[:190]))
    assert found == unicodedata.normalize("NFC", "".join(letters))[: len(found)]


def test_new_chinese_texts_are_known_by_their_characters(tmp_path):
    texts = [("我的卡丢了", "train"), ("银行在哪里", "train"), ("我的银行卡在哪里", "test")]
    source = source_of(tmp_path, texts, tokenizer="trigrams")
    assert (source.index.examples[2][:8] > 1).all()
    unknown = source.prepared.facts()["tokens"]["unknown"]
    assert unknown["test"] == 0
    by_default = source_of(tmp_path, texts).prepared.facts()["tokens"]["unknown"]
    assert 0 < by_default["test"] < 0.5  # pairs and trigrams across words
    old = source_of(tmp_path, texts, tokenizer="ascii").prepared.facts()["tokens"]["unknown"]
    assert old["test"] == 1


def test_a_run_from_before_keeps_its_tokens(tmp_path):
    texts = [("e-mail now", "train"), ("e-mail later", "test")]
    vocabulary = ["", "[UNK]", "email", "now"]
    source = source_of(tmp_path, texts, vocabulary=vocabulary)
    assert source.index.examples[:, :3].tolist() == [[2, 3, 0], [2, 1, 0]]
    new = source_of(tmp_path, texts)
    assert new.pinned_options["tokenizer"] == "ngrams"
    again = source_of(tmp_path, texts, **new.pinned_options)
    assert np.array_equal(again.index.examples, new.index.examples)
    with pytest.raises(
        UserError, match="tokenizer='words'; expected ngrams or trigrams or unicode or"
    ):
        source_of(tmp_path, texts, tokenizer="words")
