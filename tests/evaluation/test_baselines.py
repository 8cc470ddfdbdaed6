"""The baselines beside a result, against scikit-learn's own."""

import dataclasses
import json

import numpy as np
import pytest
from closeness import assert_close
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.neighbors import NearestCentroid

import tfmeta
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_shape import EpisodeShape, Range
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.evaluation.baselines import UNTRAINED, compared, share_right
from tfmeta.evaluation.result import Result
from tfmeta.pipelines import build
from tfmeta.pipelines.text import token_ids
from tfmeta.reading.image_format import ImageFormat

RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(6), 9)
ROWS = np.float32(RNG.normal(size=(6, 5))[LABELS] + 1.5 * RNG.normal(size=(54, 5)))
SHAPE = EpisodeShape(4, 2, 3)


@pytest.fixture(scope="module")
def source():
    splits = {"train": np.arange(2), "test": np.arange(2, 6)}
    return ClassSource("six", ClassIndex(ROWS, LABELS, splits, tuple("abcdef")))


def tasks(fixed):
    for batch in fixed.batches(50):
        yield from zip(*(np.asarray(t) for t in batch), strict=True)


def means(model, fixed):
    right = [
        np.mean(model().fit(x, y).predict(query_x) == query_y)
        for x, y, query_x, query_y in tasks(fixed)
    ]
    return np.array(right)


@pytest.mark.parametrize(
    ("name", "model"),
    [("raw inputs, nearest mean", NearestCentroid), ("raw inputs, ridge", RidgeClassifier)],
)
def test_raw_inputs_are_compared_as_scikit_learn_does(name, model, source):
    fixed = FixedEpisodes(source, SHAPE, num_tasks=40)
    learners = RNG.uniform(size=40)
    (row,) = [each for each in compared(fixed, learners) if each["name"] == name]
    theirs = means(model, fixed)
    assert_close(row["accuracy"], theirs.mean())
    difference = learners - theirs
    assert_close(row["difference"], difference.mean())
    expected = 1.96 * difference.std(ddof=1) / np.sqrt(40)
    assert_close(row["difference_ci95"], expected)


def test_chance_is_that_of_each_task(source):
    shape = EpisodeShape(Range(2, 4), 2, 3)
    rows = compared(FixedEpisodes(source, shape, num_tasks=30), np.zeros(30))
    assert rows[0]["name"] == "chance"
    assert 1 / 4 < rows[0]["accuracy"] < 1 / 2


def test_where_classes_score_alike_the_answer_is_a_guess_among_them():
    assert share_right(np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 1.0]]), np.array([0, 1])) == 0.75


def test_values_have_the_mean_and_ridge_alone_and_pooled():
    source = build("sinusoid")
    fixed = FixedEpisodes(source, EpisodeShape(1, 5, 10), num_tasks=20)
    rows = {row["name"]: row["mse"] for row in compared(fixed, np.zeros(20))}
    alone, mean = [], []
    for x, y, query_x, query_y in tasks(fixed):
        x, y, query_x, query_y = (np.float64(t) for t in (x, y, query_x, query_y))
        alone.append(np.mean((Ridge().fit(x, y).predict(query_x).reshape(-1, 1) - query_y) ** 2))
        mean.append(np.mean((y.mean(0) - query_y) ** 2))
    assert_close(rows["ridge per task"], np.mean(alone), dtype=np.float32)
    assert_close(rows["mean of the support targets"], np.mean(mean))
    assert 2 < rows["ridge, pooled"] < 6  # half of the mean squared amplitude is about 4.2


def test_an_evaluation_says_what_the_learner_does_not_beat(tmp_path):
    run = tfmeta.train(
        "glyphs",
        algorithm="prototypical",
        run_dir=tmp_path / "run",
        steps=0,
        queries=3,
        network_options={"filters": 4},
    )
    result = tfmeta.evaluate(run, tasks=10)
    rows = {row["name"]: row for row in result["baselines"]}
    assert rows[UNTRAINED]["accuracy"] == result.accuracy  # 0 steps are no training
    assert (rows[UNTRAINED]["difference"], rows[UNTRAINED]["difference_ci95"]) == (0.0, 0.0)
    last = str(result).splitlines()[-1]
    assert last.startswith("the learner does NOT beat: ")
    assert last.endswith(UNTRAINED)
    assert "baselines" in json.loads((run.path / "results.json").read_text())[0]
    assert "baselines" not in tfmeta.evaluate(run, tasks=10, baselines=False).facts


def test_a_learner_that_is_better_beats_them():
    facts = {"accuracy": 0.9, "ci95": 0.01, "baselines": []}
    row = {"name": "chance", "accuracy": 0.2, "ci95": 0.0, "difference_ci95": 0.1}
    protocol = {
        "adaptation_steps": [0],
        "adaptation_curve": [0.9],
        "mode": "inductive",
        "num_tasks": 2,
        "split": "test",
        "pipeline": "p",
        "seed": 0,
        "episodes_sha256": "0" * 64,
        **SHAPE.protocol(),
    }
    for difference, beaten in ((0.7, True), (0.05, False)):
        facts["baselines"] = [{**row, "difference": difference}]
        assert ("NOT beat" not in str(Result({**facts, **protocol}))) == beaten


def test_large_images_are_averaged_down_first():
    """Against blocks of pixels averaged by NumPy."""
    images = np.random.default_rng(0).integers(0, 256, (len(LABELS), 64, 96, 3), np.uint8)
    splits = {"train": np.arange(2), "test": np.arange(2, 6)}
    index, seen = ClassIndex(images, LABELS, splits, tuple("abcdef")), ImageFormat(64, 96, 3)
    source = ClassSource("six", index, input_format=seen)
    small = np.float32(images.reshape(-1, 32, 2, 32, 3, 3).mean((2, 4)) / 255)
    rows = source.index.rows("test")
    assert_close(source.for_baselines("test").index.examples[rows], small[rows])
    smaller = ClassSource("six", ClassIndex(small, LABELS, splits, tuple("abcdef")))
    found = [
        compared(FixedEpisodes(s, SHAPE, num_tasks=40), np.zeros(40)) for s in (source, smaller)
    ]
    assert found[0] == found[1]


@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_")
def test_texts_are_compared_by_ngrams_of_characters(tmp_path):
    """Against scikit-learn on the texts themselves."""
    words = ["pay", "bill", "card", "lost", "cash", "loan", "rate", "home"]
    rng = np.random.default_rng(0)
    rows = [
        (f"{words[label]} {' '.join(rng.choice(words, 3))} {number}", f"intent{label}")
        for label in range(8)
        for number in range(5)
    ]
    lines = [f"{text},{label}" for text, label in rows]
    (tmp_path / "intents.csv").write_text("\n".join(["text,label", *lines]))
    source = build("text", data_dir=tmp_path / "intents.csv")
    fixed = FixedEpisodes(source, EpisodeShape(2, 2, 2), "all", num_tasks=20)
    found = {row["name"]: row["accuracy"] for row in compared(fixed, np.zeros(20))}
    trained = [rows[row][0] for row in source.index.rows("train")]
    vectoriser = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit(trained)
    numbers = dataclasses.replace(fixed, source=source.for_baselines("all"))
    right = {NearestCentroid: [], RidgeClassifier: []}
    for of_texts, of_tokens in zip(tasks(numbers), tasks(fixed), strict=True):
        texts = [[rows[int(row)][0] for row in each[:, 0]] for each in (of_texts[0], of_texts[2])]
        ids = token_ids(texts[0], source.vocabulary, source.length, tokenizer=source.tokenizer)
        np.testing.assert_array_equal(ids, of_tokens[0])  # they are the same texts
        x, query_x = (vectoriser.transform(each).toarray() for each in texts)
        for model, shares in right.items():
            shares.append(np.mean(model().fit(x, of_texts[1]).predict(query_x) == of_texts[3]))
    assert_close(found["character n-grams, nearest mean"], np.mean(right[NearestCentroid]))
    assert_close(found["character n-grams, ridge"], np.mean(right[RidgeClassifier]))
