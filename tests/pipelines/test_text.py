"""Texts of users' own: words become ids, ids are embedded, and lines that won't do are named."""

import itertools
import json

import keras
import numpy as np
import pytest
from nightly import rows

import tfmeta
from tfmeta import UserError, networks
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.pipelines.text import build, token_ids

NUM_TOPICS, NUM_INTENTS, NUM_TEXTS = 9, 30, 12
SHAPE = EpisodeShape(5, 3, 4)
WORDS = {"tokenizer": "unicode"}


def intents():
    """An intent is two of nine topics, a text eight of their words among four of no topic."""
    rng = np.random.default_rng(0)
    pairs = rng.permutation(list(itertools.combinations(range(NUM_TOPICS), 2)))[:NUM_INTENTS]
    rows = []
    for number, pair in enumerate(pairs):
        for _ in range(NUM_TEXTS):
            words = [f"topic{rng.choice(pair)}x{rng.integers(5)}" for _ in range(8)]
            words += [f"noise{rng.integers(20)}" for _ in range(4)]
            rows.append({"text": " ".join(rng.permutation(words)), "label": f"intent{number:02d}"})
    return rows


def jsonl(folder, rows):
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def small(folder, texts, split=(), **options):
    """A source of one text a class, the classes in the order of their texts."""
    splits = split or ["train"] * len(texts)
    rows = [
        {"text": text, "label": f"{i:02d}", "part": part}
        for i, (text, part) in enumerate(zip(texts, splits, strict=True))
    ]
    return build(data_dir=jsonl(folder, rows), split="part", **options)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return build(data_dir=jsonl(tmp_path_factory.mktemp("text"), intents()), length=14, **WORDS)


# What is read


def test_a_text_is_its_words_ids_padded_or_cut(tmp_path):
    texts = ["b a, b! B?", "Ärger? ÄRGER", "b", "a zz b b b", "(c)  c\tc c b"]
    parts = ["train", "train", "train", "test", "train"]
    source = small(tmp_path, texts, parts, length=4, **WORDS)
    assert source.vocabulary == ["", "[UNK]", "b", "c", "ärger", "a"]
    assert source.index.examples.dtype == np.float32
    assert source.index.examples.tolist() == [
        [2, 5, 2, 2],
        [4, 4, 0, 0],
        [2, 0, 0, 0],
        [5, 1, 2, 2],
        [3, 3, 3, 3],
    ]
    assert (source.name, source.input_shape, source.length) == ("text", (4,), 4)
    assert source.network == "bag_of_tokens"
    assert source.network_options["vocabulary_size"] == 6


def test_the_vocabulary_is_that_of_the_training_texts_and_no_larger_than_asked(tmp_path):
    texts = ["a a a b b c", "d d d d d d d"]
    assert small(tmp_path, texts, ["train", "test"], **WORDS).vocabulary[2:] == ["a", "b", "c"]
    few = small(tmp_path, texts, ["train", "validation"], vocabulary=4, **WORDS)
    assert few.vocabulary == ["", "[UNK]", "a", "b"]
    assert few.index.examples[0, :7].tolist() == [2, 2, 2, 3, 3, 1, 0]
    assert few.index.examples.max() < few.network_options["vocabulary_size"] == 4


def test_the_words_that_a_run_has_recorded_stay_when_new_texts_come(tmp_path):
    parts = ["train", "train", "test"]
    first = small(tmp_path, ["a b", "a", "c"], parts, **WORDS)
    later = small(tmp_path, ["z z z b", "z", "c"], parts, **first.pinned_options)
    assert later.vocabulary == first.vocabulary == ["", "[UNK]", "a", "b"]
    assert later.index.examples[0, :5].tolist() == [1, 1, 1, 3, 0]


def test_a_text_without_a_word_is_an_example_like_any_other(tmp_path):
    assert small(tmp_path, ["a b", "?!"], length=3, **WORDS).index.examples.tolist() == [
        [3, 2, 0],
        [0] * 3,
    ]


def test_ids_of_new_texts_are_made_as_those_of_the_file(source):
    texts = [row["text"] for row in intents()]
    ids = token_ids(texts, source.vocabulary, source.length, tokenizer=source.tokenizer)
    assert ids.dtype == np.float32
    assert np.array_equal(ids, source.index.examples)
    assert token_ids(["never seen"], source.vocabulary, 4, tokenizer="unicode").tolist() == [
        [1, 1, 0, 0]
    ]


def test_csv_and_json_lines_say_the_same(tmp_path):
    rows = [
        {"text": 'Say "a, b"', "label": "1", "g": "x"},
        {"text": "two\nlines", "label": "2", "g": "x"},
        {"text": "größer", "label": "10", "g": "y"},
    ]
    text = '\ufefftext,label,g\r\n"Say ""a, b""",1,x\r\n\r\n"two\nlines",2,x\r\ngrößer,10,y\r\n'
    (tmp_path / "data.csv").write_bytes(text.encode())
    rows[1]["label"] = 2
    options = {"group": "g", "split_by": "class", "validation": 0, "test": 1}
    first = build(data_dir=tmp_path, **options)
    jsonl(tmp_path, rows)
    second = build(data_dir=tmp_path, file="data.jsonl", **options)
    assert np.array_equal(first.index.examples, second.index.examples)
    for each in (first, second):
        assert each.index.class_names == ("1", "10", "2")
        assert each.index.groups.tolist() == [0, 1, 0]
        assert each.index.labels.tolist() == [0, 2, 1]
    with pytest.raises(UserError, match=r"holds 2 files of \.csv, \.tsv, \.jsonl or \.parq"):
        build(data_dir=tmp_path)


def test_classes_are_split_and_episodes_drawn_as_of_any_source(source, tmp_path):
    splits = source.index.named_splits()
    assert [len(names) for names in splits.values()] == [19, 5, 6]
    assert len({name for names in splits.values() for name in names}) == NUM_INTENTS
    again = build(data_dir=jsonl(tmp_path, intents()), length=14, **WORDS)
    assert again.index.named_splits() == splits
    few, many = source.draw("train", SHAPE, 2)(0, 3), again.draw("train", SHAPE, 2)(0, 9)
    assert few.query_x.shape == (3, 20, 14)
    for one, other in zip(few, many, strict=True):
        assert np.array_equal(one, other[:3])


# What is refused


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (
            "text,label\na,b\n",
            {"text": "label"},
            "'label' as the column of the texts and of",
        ),
        ("t,label\na,b\n", {}, r"no column 'text' \(it has: t, label\); .*pipeline\.text=NAME"),
        ("text,label\na,b\n", {"group": "g"}, r"no column 'g' .*--set pipeline\.group=NAME"),
        ("text,label\na,b\n ,c\nd,e\n,f\n", {}, r"no text \(text\) in lines 3, 5; fill"),
        ('text,label\n"a\nb",c\nd,\n', {}, r"no label \(label\) in line 4; fill"),
        ("text,label\na,b\na, b,c\n", {}, r"line 3, has 3 columns; expected 2.* needs quotes"),
        ("text;label\na; c;b\n", {}, r"line 2, has 3 columns; .* with a semicolon needs quotes"),
        ("text,label\na,b\na\n", {}, r"line 3, has 1 column; expected 2"),
        ('text,label\na,b\n"a,b\n', {}, r"line 3, is no CSV \(.*\); expected quotes to be closed"),
        ("\ntext,label,text\na,b,c\n", {}, r"line 2, names a column twice \(text, label, text\)"),
        ("text,label\n", {}, r"holds no rows; expected a text and a label in each"),
        ("", {}, r"holds no rows"),
        ("text,label\n..,b\n?!,c\n", {"validation": 0, "test": 1}, r"have no word but punctuation"),
        (b"text,label\na,b\nc\xff,d\n", {}, r"line 3, is not UTF-8 \(invalid start byte\); expec"),
        ("text,label\na,b\nc,d\n", {}, r"leave none of 2 for training"),
        ("text,label,s\na,b,train\nc,b,test\n", {"split": "s"}, r"two values of split: b \(b has"),
        ("text,label\na,b\n", {"vocabulary": 2}, r"pipeline\.vocabulary=2; .* from 3 to 16777216"),
        ("text,label\na,b\n", {"vocabulary": 9.5}, r"pipeline\.vocabulary=9\.5; expected a whole"),
        ("text,label\na,b\n", {"length": 0}, r"pipeline\.length=0; expected a whole number from 1"),
    ],
)
def test_a_csv_that_will_not_do_is_refused_by_its_lines(tmp_path, text, options, words):
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "data.csv").write_bytes(content)
    with pytest.raises(UserError, match=words):
        build(data_dir=tmp_path, **options)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (['{"text": "a", "label": "b"}', "", '{"text": "a"'], r"line 3, is no JSON \(Expecting"),
        (
            ['{"text": "a", "label": "b"}', "[1, 2]"],
            r"line 2, is a JSON list; expected one object",
        ),
        (["[" * 100_000], r"line 1, is no JSON"),
        (['{"text": "a", "label": 1}', '{"text": "c"}'], r"no label \(label\) in line 2"),
        (['{"text": "a", "label": null}'], r"no label \(label\) in line 1"),
        (['{"text": "a", "label": NaN}'], r"no label \(label\) in line 1"),
        (['{"text": ["a"], "label": "b"}'], r"has text that is no text in line 1"),
        (['{"t": "a", "label": "b"}'], r"no column 'text' \(line 1 has: t, label\)"),
        (["", " "], r"holds no rows"),
    ],
)
def test_json_lines_that_will_not_do_are_refused_by_their_lines(tmp_path, lines, words):
    (tmp_path / "data.jsonl").write_text("\n".join(lines))
    with pytest.raises(UserError, match=words):
        build(data_dir=tmp_path)


def test_without_a_file_it_says_which(tmp_path):
    with pytest.raises(
        UserError, match=r"text needs its data: --data-dir FILE \(\.csv, \.tsv, \.jsonl or"
    ):
        build()
    (tmp_path / "data.npz").write_bytes(b"")
    with pytest.raises(
        UserError, match=r"received the file .*data\.npz; expected \.csv, \.tsv, \.jsonl or"
    ):
        build(data_dir=tmp_path / "data.npz")


# Training
LEARNERS = {
    "prototypical": lambda network: tfmeta.Prototypical(network(None)),
    "maml": lambda network: tfmeta.MAML(network(5), 1, inner_learning_rate=2.0),
    "maml, one task after another": lambda network: tfmeta.MAML(
        network(5), 1, inner_learning_rate=2.0, vectorised=False
    ),
}


@rows("name", LEARNERS, each_run=["prototypical", "maml"])
def test_a_learner_trains_on_texts(source, name):
    """5 ways, 3 shots, test intents: chance is 0.2."""
    keras.utils.set_random_seed(0)
    learner = LEARNERS[name](
        lambda outputs: networks.bag_of_tokens(
            source.input_shape, outputs, vocabulary_size=len(source.vocabulary)
        )
    )
    accuracy = keras.metrics.SparseCategoricalAccuracy("accuracy")
    learner.compile(keras.optimizers.Adam(1e-2), metrics=[accuracy], jit_compile=False)
    learner.optimizer.build(learner.trainable_variables)
    training, test = (source.episodes(s, SHAPE, num_tasks=8) for s in ("train", "test"))
    learner.fit(training, steps_per_epoch=60, verbose=0, shuffle=False)
    measured = learner.evaluate(test, steps=10, verbose=0, return_dict=True)
    assert measured["accuracy"] > 0.6
