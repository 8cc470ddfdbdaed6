"""Temperature, calibration error and the score for unknown queries, fitted and served."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import trained
from closeness import assert_at_most, assert_close, assert_within_chance
from model_answers import served
from nightly import rows

import tfmeta
from tfmeta.confidence import Confidence
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.evaluation.calibration import Answers, calibrate, expected_calibration_error, fitted
from tfmeta.exporting.writing.exporter import export_model

FEATURES = 6


def drawn_answers(seed=0, number=20_000, scale=1.0):
    """Labels that are drawn with just the probabilities that the logits over `scale` say."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=(number, 5)) * 1.5
    chances = np.exp(honest) / np.exp(honest).sum(-1, keepdims=True)
    labels = (rng.random((number, 1)) > chances.cumsum(-1)).sum(-1).clip(max=4)
    return Answers((honest * scale).astype(np.float32), labels, np.zeros((0, 5), np.float32))


# The numbers


def test_by_default_probabilities_are_a_softmax_and_unknown_is_their_doubt():
    logits = tf.random.normal((4, 3, 5), seed=1) * 3
    probabilities = Confidence().probabilities(logits).numpy()
    assert_close(probabilities, tf.nn.softmax(logits))
    unknown = Confidence().unknown(logits).numpy()
    assert_close(unknown, 1 - probabilities.max(-1), scale=1.0)  # of what is left of 1


@pytest.mark.parametrize("logits", [[50.0, 0, 0], [0.0, 0, 0], [3.0], [1.0, -1e9, -1e9]])
def test_unknown_is_a_number_from_0_to_1_at_the_ends_too(logits):
    for confidence in (Confidence(), Confidence(0.1, 3.0, 2.0, -4.0)):
        unknown = confidence.unknown(tf.constant([logits])).numpy()
        assert 0 <= unknown[0] <= 1


@pytest.mark.parametrize(
    ("logits", "is_empty", "expected"),
    [
        ([0.0, 0, 0], False, 1),
        ([2.5, 2.5, -1e9], False, 1),
        ([2.5, 2.5, 2.4], False, None),
        ([2.5, -1e9, -1e9], False, None),  # the only class
        ([9.0, 0, 0], True, 1),
    ],
)
def test_what_says_nothing_is_unknown(logits, is_empty, expected):
    confidence, logits = Confidence(0.7, -3.0, 0.6, 0.1), tf.constant([logits])
    found = confidence.unknown(logits, is_empty=tf.constant([is_empty])).numpy()
    doubt, largest = (each.numpy() for each in confidence.evidence(logits))
    fitted_score = 1 / (1 + np.exp(3.0 - 0.6 * doubt - 0.1 * largest))
    assert_close(found, [expected] if expected else fitted_score)


def test_a_column_without_examples_changes_nothing():
    logits = tf.random.normal((6, 3), seed=2)
    wider = tf.concat([logits, tf.fill((6, 2), -1e9)], 1)
    confidence = Confidence(1.7, 0.5, 0.8, -0.3)
    assert_close(confidence.unknown(wider), confidence.unknown(logits))


@pytest.mark.parametrize("scale", [0.25, 1.0, 4.0])
def test_the_temperature_that_was_is_found(scale):
    answers = drawn_answers(scale=scale)
    found = fitted(answers)
    # The Fisher information on the temperature's logarithm: of an answer, its logits' variance.
    honest = answers.known / scale
    chances = np.exp(honest) / np.exp(honest).sum(-1, keepdims=True)
    spread = (chances * honest**2).sum(-1) - (chances * honest).sum(-1) ** 2
    standard_error = spread.sum() ** -0.5
    assert_within_chance(np.log(found.temperature), np.log(scale), standard_error)
    held_out = drawn_answers(seed=1, scale=scale)
    assert expected_calibration_error(found, held_out) < 0.015
    if scale != 1:
        assert expected_calibration_error(Confidence(), held_out) > 0.05


@pytest.mark.parametrize("wrong", [0, 1, 3, 6])
def test_no_more_confidence_is_claimed_than_the_answers_are_evidence_for(wrong):
    rng = np.random.default_rng(wrong)
    labels = rng.integers(0, 3, 10)
    logits = np.float32(np.eye(3)[labels] * 8 + rng.normal(size=(10, 3)))
    labels[:wrong] = (labels[:wrong] + 1) % 3
    found = fitted(Answers(logits, labels, np.zeros((0, 3), np.float32)))
    scaled = np.exp(logits / found.temperature)
    claimed = (scaled / scaled.sum(-1, keepdims=True)).max(-1).mean()
    assert_at_most(claimed, (10 - wrong + 1) / 12)


def test_calibration_error_of_a_worked_example():
    # Sure by 0.9 three times, right twice; sure by 0.6 once, wrong.
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.6, 0.4]])
    answers = Answers(np.log(chances).astype(np.float32), np.array([0, 0, 0, 1]), np.zeros((0, 2)))
    expected = 3 / 4 * (0.9 - 2 / 3) + 1 / 4 * 0.6
    error = expected_calibration_error(Confidence(), answers)
    assert_close(error, expected, dtype=np.float32)


# On tasks


def blobs(classes_a_split=12):
    """Well-separated clouds of points, a class each."""
    rng = np.random.default_rng(3)
    number = 3 * classes_a_split
    centres = rng.normal(size=(number, FEATURES)) * 4
    labels = np.repeat(np.arange(number), 20)
    points = centres[labels] + rng.normal(size=(len(labels), FEATURES))
    thirds = np.split(np.arange(number), 3)
    splits = dict(zip(("train", "validation", "test"), thirds, strict=True))
    names = tuple(str(i) for i in range(number))
    return ClassSource("blobs", ClassIndex(points.astype(np.float32), labels, splits, names))


def nearest_mean():
    """Prototypical networks on the points as they are."""
    inputs = keras.Input((FEATURES,))
    layer = keras.layers.Dense(FEATURES, use_bias=False, kernel_initializer="identity")
    return tfmeta.Prototypical(keras.Model(inputs, layer(inputs)))


def test_calibrate_reports_on_classes_that_it_was_not_fitted_on():
    confidence = calibrate(nearest_mean(), blobs(), EpisodeShape(5, 3, 4), num_tasks=40)
    report = confidence.report
    assert report["ece_after"] < 0.03
    assert report["accuracy"] > 0.95
    assert report["unknown_auroc"] > 0.9
    protocol = {"pipeline": "blobs", "fitted_on": "validation", "split": "test", "num_ways": 5}
    protocol |= {"num_shots": 3, "num_tasks": 40, "seed": 0, "mode": "inductive"}
    assert report.items() >= protocol.items()


def test_a_query_far_from_every_class_is_unknown_however_sure_the_softmax_is():
    learner = nearest_mean()
    confidence = calibrate(learner, blobs(), EpisodeShape(5, 3, 4), num_tasks=40)
    support = np.eye(5, FEATURES, dtype=np.float32) * 8
    near, far = support[:1] * 1.02, support[:1] * 8
    state = learner.adapt(tf.constant(support), tf.range(5))
    logits = learner.predict_with(state, tf.constant(np.concatenate([near, far])))
    sureness = confidence.probabilities(logits).numpy().max(-1)
    unknown = confidence.unknown(logits).numpy()
    assert sureness.min() > 0.95
    assert unknown[0] < 0.2
    assert unknown[1] > 0.8


class Shuffled(ClassSource):
    """Episodes whose examples come in any order."""

    def draw(self, split, shape, seed):
        draw = super().draw(split, shape, seed)

        def episodes(first, count):
            episode, orders = draw(first, count), []
            for y in (episode.support_y, episode.query_y):
                orders.append(tf.argsort(tf.random.stateless_uniform(tf.shape(y), (1, 2))))
            return type(episode)(
                *(tf.gather(t, orders[i // 2], batch_dims=1) for i, t in enumerate(tuple(episode)))
            )

        return episodes


def test_the_order_of_an_episode_does_not_matter():
    source = blobs()
    shuffled = Shuffled("blobs", source.index)
    shape = EpisodeShape(5, 3, 4)
    ours, theirs = (calibrate(nearest_mean(), s, shape, num_tasks=10) for s in (source, shuffled))
    assert_close(theirs.temperature, ours.temperature, dtype=np.float32)
    scores = (each.report["unknown_auroc"] for each in (theirs, ours))
    assert_close(*scores, dtype=np.float32)


def test_without_other_classes_the_unknown_score_is_as_by_default():
    confidence = calibrate(nearest_mean(), blobs(5), EpisodeShape(5, 1, 4), num_tasks=10)
    assert confidence.report["unknown_auroc"] is None
    assert (confidence.bias, confidence.of_doubt, confidence.of_largest) == (0.0, 1.0, 0.0)
    assert confidence.temperature != 1


def test_a_split_of_one_class_calibrates_nothing():
    with pytest.raises(
        tfmeta.UserError, match=r"the \w+ split of \S+ has 1 class; expected 2 or more"
    ):
        calibrate(nearest_mean(), blobs(1), EpisodeShape(5, 1, 4), num_tasks=10)


def test_tasks_are_lowered_to_what_the_splits_have():
    report = calibrate(nearest_mean(), blobs(4), EpisodeShape(9, 30, 30), num_tasks=10).report
    assert (report["num_ways"], report["num_shots"], report["num_queries"]) == (4, 19, 1)


# Served


CONFIDENCE = Confidence(temperature=2.5, bias=-0.4, of_doubt=0.7, of_largest=-0.2)


def test_a_served_answer_is_that_of_the_confidence(tmp_path):
    learner = nearest_mean()
    rng = np.random.default_rng(4)
    support_x = rng.normal(size=(1, 5, FEATURES)).astype(np.float32)
    support_y = np.arange(5, dtype=np.int32)[np.newaxis]
    query_x = rng.normal(size=(1, 6, FEATURES)).astype(np.float32)
    state = learner.adapt(tf.constant(support_x[0]), tf.constant(support_y[0]))
    logits = learner.predict_with(state, tf.constant(query_x[0]))
    as_learner = export_model(learner, tmp_path / "learner", confidence=lambda: CONFIDENCE)
    request = {"support_x": support_x, "support_y": support_y, "query_x": query_x}
    adapted = export_model(
        learner,
        tmp_path / "adapted",
        "adapted",
        support=(support_x[0], support_y[0]),
        class_names=list("abcde"),
        confidence=lambda: CONFIDENCE,
    )
    answers = (
        {key: value[0] for key, value in served(as_learner, "serving_default", request).items()},
        served(adapted, "serving_default", {"x": query_x[0]}),
    )
    for received in answers:
        for name in ("probabilities", "unknown"):
            expected = getattr(CONFIDENCE, name)(logits).numpy()
            assert_close(received[name], expected)
    assert json.loads((adapted / "tfmeta.json").read_text())["confidence"]["temperature"] == 2.5


# The kinds have the confidence fitted alike; of one with a support set, as many shots.
@rows("kind", ["learner", "adapted"], each_run=["adapted"])
def test_export_fits_the_confidence_and_says_how_good_it_is(kind, tmp_path, capfd):
    few = ["--kind", kind, "--calibration-tasks", 20, "--output", tmp_path / "model"]
    if kind == "adapted":
        few += ["--support", trained.support_folder()]
    status, printed, errors = trained.inside(capfd, "export", trained.glyph_run(), *few)
    assert (status, printed) == (0, "")
    assert "expected calibration error" in errors
    assert "AUROC of the unknown score" in errors
    shots = 2 if kind == "adapted" else 1
    assert f"5-way {shots}-shot" in errors
    version = tmp_path / "model/1"
    facts = json.loads((version / "tfmeta.json").read_text())["confidence"]
    assert facts["temperature"] != 1
    assert f"{facts['report']['ece_after']:.2%}" in (version / "README.md").read_text()


def test_without_the_data_an_export_goes_on_with_a_warning(tmp_path, capfd, monkeypatch):
    from tfmeta.workflows import export

    def missing(run, settings):
        raise tfmeta.UserError("glyphs are not in /data")

    monkeypatch.setattr(export, "open_source_of_run", missing)
    options = ["--kind", "adapted", "--support", trained.support_folder()]
    options += ["--output", tmp_path / "model"]
    status, _, errors = trained.inside(capfd, "export", trained.glyph_run(), *options)
    assert status == 0
    assert "warning: exported without calibration" in errors
    assert "The model may be sure of wrong answers" in errors
    assert "glyphs are not in /data" in errors
    facts = json.loads((tmp_path / "model/1/tfmeta.json").read_text())
    assert facts["confidence"] == Confidence().to_dict()
