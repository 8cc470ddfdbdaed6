"""The numbers of an explanation against NumPy: examples left out, parts hidden, values."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close
from toy import SHAPE, encoded, explainer, explanation, pictures

import tfmeta
from tfmeta.errors import UserError
from tfmeta.explaining.explainer import Explainer
from tfmeta.explaining.left_out_examples import can_do_without, copies
from tfmeta.explaining.question import question_of
from tfmeta.reading.example_reader import Place, SupportSet
from tfmeta.reading.row_format import PLAIN

Y = [0, 0, 1, 1, 1]
RATE = 0.3


def picture_set():
    x = pictures([1, 0, 2, 3, 3], np.random.default_rng(3))
    return x, pictures([3], np.random.default_rng(4))[0]


def linear_maml(**options):
    """One step of gradient descent on a linear network that starts at zero."""
    inputs = keras.Input(SHAPE)
    head = keras.layers.Dense(2, kernel_initializer="zeros", name="head")
    network = keras.Model(inputs, head(keras.layers.Flatten()(inputs)))
    return tfmeta.MAML(network, inner_steps=1, inner_learning_rate=RATE, **options)


def log_odds_after_a_step(x, y, queries):
    """Of the second class, by NumPy: at zero each probability is a half."""
    x, q = (np.reshape(each, (len(each), -1)).astype(np.float64) for each in (x, queries))
    error = (0.5 - np.eye(2)[y]) / len(y)
    logits = q @ (-RATE * x.T @ error) - RATE * error.sum(0)
    return logits[:, 1] - logits[:, 0]


def hidden(query, box, x):
    top, bottom, left, right = box
    changed = query.copy()
    place = slice(top, bottom + 1), slice(left, right + 1)
    changed[place] = x.mean(0)[place]
    return changed


def test_what_is_lost_without_each_example_and_without_each_place():
    x, query = picture_set()
    found = explanation(linear_maml(), x, Y, query)
    (full,) = log_odds_after_a_step(x, Y, [query])
    assert_close(found.score, full, dtype=np.float32)
    assert found.support.method == "leave-one-out"
    for row, example in enumerate(found.support.examples):
        rest = log_odds_after_a_step(np.delete(x, row, 0), np.delete(Y, row), [query])[0]
        assert_close(example.effect, full - rest, dtype=np.float32, scale=1)
    queries = [hidden(query, box, x) for box in found.input.boxes]
    expected = full - log_odds_after_a_step(x, Y, queries)
    assert_close(found.input.effects, expected, dtype=np.float32, scale=1)
    assert len(expected) == 49


def test_an_only_example_of_a_class_can_be_left_out_of_a_head_of_a_fixed_size():
    x, query = picture_set()
    x, y = x[[0, 2, 3]], [0, 1, 1]
    found = explanation(linear_maml(), x, y, query)
    rest = log_odds_after_a_step(x[1:], y[1:], [query])[0]
    assert_close(found.support.examples[0].effect, found.score - rest, dtype=np.float32, scale=1)


def test_a_method_with_a_column_per_class_needs_an_example_of_each():
    inputs = keras.Input(SHAPE)
    relation = tfmeta.Relation(keras.Model(inputs, keras.layers.Identity()(inputs)), filters=2)
    y = np.array([0, 1, 1])
    alone = [np.array([row]) for row in range(3)]
    assert [can_do_without(relation.num_outputs, y, rows) for rows in alone] == [0, 1, 1]
    found = explanation(relation, picture_set()[0][:3], y.tolist(), picture_set()[1])
    assert [each.effect is None for each in found.support.examples] == [True, False, False]
    assert not can_do_without(linear_maml().num_outputs, y, np.arange(3))


def test_a_class_that_is_asked_for_and_its_rival():
    x, query = picture_set()
    answer, other = (explanation(linear_maml(), x, Y, query, of) for of in (None, "one"))
    assert (answer.question.name, other.question.name) == ("other", "one")
    assert_close(other.score, -answer.score)
    assert_close(other.input.effects, -answer.input.effects, scale=1)


def test_the_parts_of_a_sum_are_of_the_lead_over_the_likeliest_other_class():
    inputs = keras.Input((4,))
    learner = tfmeta.Prototypical(keras.Model(inputs, keras.layers.Identity()(inputs)))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)).astype(np.float32), np.array([0, 1, 0, 2, 1, 2], np.int32)
    support = SupportSet(["a", "b", "c"], x, y, [Place("s.npz", row + 1) for row in range(6)])
    query = rng.normal(size=(1, 4)).astype(np.float32)
    (found,) = Explainer(learner, PLAIN, support).explain([Place("q.npz", 1)], query)
    means = np.stack([x[y == label].mean(0) for label in range(3)])
    logits = -((query - means) ** 2).sum(-1)
    order = np.argsort(-logits)
    question = found.question
    assert (question.column, question.rival) == (order[0], order[1])
    assert_close(found.support.total, logits[order[0]] - logits[order[1]], dtype=np.float32)
    odds = np.exp(logits)
    others = odds.sum() - odds[order[0]]
    assert_close(found.score, np.log(odds[order[0]] / others), dtype=np.float32)
    shares = [each.weight for each in found.support.examples]
    expected = np.select([y == order[0], y == order[1]], [0.5, -0.5], 0.0)
    np.testing.assert_array_equal(shares, expected)


def test_values_are_explained_in_their_own_unit():
    inputs = keras.Input((1,))
    head = keras.layers.Dense(2, kernel_initializer="zeros", name="head")
    learner = tfmeta.MAML(
        keras.Model(inputs, head(inputs)),
        inner_steps=1,
        inner_learning_rate=RATE,
        targets="values",
        target_spread=[2.0, 5.0],
    )
    x, y = np.array([[1.0], [2.0], [-1.0]], np.float32), np.array([[2, 5], [4, 0], [1, 5.0]])
    support = SupportSet(None, x, y.astype(np.float32), [Place("s.npz", n + 1) for n in range(3)])
    made = Explainer(learner, PLAIN, support)
    (found,) = made.explain([Place("q.npz", 1)], np.array([[0.5]], np.float32), 2)

    def value(x, y):
        """The mean squared error is over examples and values; targets are scaled."""
        error = -(y / [2.0, 5.0]) * 2 / y.size
        return (-RATE * (0.5 * x.T @ error + error.sum(0)) * [2.0, 5.0])[0, 1]

    assert_close(found.score, value(x, y), dtype=np.float32)
    rest = value(x[1:], y[1:])
    assert_close(found.support.examples[0].effect, found.score - rest, dtype=np.float32, scale=1)
    assert found.question.name == "value 2"
    assert found.support.examples[0].label == [2.0, 5.0]


@pytest.mark.parametrize(
    ("names", "of", "message"),
    [
        (["a", "b"], "c", r"of='c' \(--of\); expected a class of the support set: a, b"),
        (["a", "b"], 1, "of=1"),
        (None, "3", "number of one: 1 to 2"),
        (None, True, "of=True"),
        (None, "first", "of='first'"),
    ],
)
def test_what_there_is_not_is_not_explained(names, of, message):
    with pytest.raises(UserError, match=message):
        question_of(np.zeros(2), names, of)


def test_transductive_queries_are_answered_alone():
    """As `predict_with` answers one query, whatever the others are."""
    network = tfmeta.networks.conv4(SHAPE, 2, filters=2, num_blocks=1)
    learner = tfmeta.MAML(network, inner_steps=1, transductive=True)
    x, query = picture_set()
    state = learner.adapt(tf.constant(x), tf.constant(Y))
    places, queries = [Place("a.png"), Place("b.png")], [query, x[0]]
    made = explainer(learner, x, Y)
    found = made.explain(places, [encoded(each) for each in queries])
    for each, picture in zip(found, queries, strict=True):
        logits = learner.predict_with(state, picture[np.newaxis]).numpy()[0]
        sign = 1 if each.question.column == 1 else -1
        assert_close(each.score, sign * (logits[1] - logits[0]), dtype=np.float32, scale=1)
    kept = learner.adapt(tf.constant(x[1:]), tf.constant(Y[1:]))
    logits = learner.predict_with(kept, query[np.newaxis]).numpy()[0]
    rest = found[0].question.scores(logits)
    effect = found[0].support.examples[0].effect
    assert_close(effect, found[0].score - rest, dtype=np.float32, scale=1)


def test_on_a_frozen_network_the_examples_left_out_are_those_of_its_learner():
    network = tfmeta.networks.mlp(SHAPE, None, units=(6,))
    inner = tfmeta.MAML(tfmeta.networks.mlp((6,), 2, units=()), inner_steps=1)
    x, query = picture_set()
    found = explanation(tfmeta.OnFeatures(network, inner), x, Y, query)
    features = network(x[1:]).numpy(), network(query[np.newaxis]).numpy()
    rest = inner.predict_with(inner.adapt(features[0], np.array(Y[1:])), features[1]).numpy()[0]
    effect = found.support.examples[0].effect
    expected = found.score - found.question.scores(rest)
    assert_close(effect, expected, dtype=np.float32, scale=1)
    assert [layer.name for layer in found.adaptation.layers] == ["head"]


def test_copies_are_examples_that_are_the_same_to_the_bit():
    x = np.array([[1.0], [2.0], [1.0], [1.0]])
    assert [each.tolist() for each in copies(x)] == [[0, 2, 3], [1]]
    assert [each.tolist() for each in copies(x, np.array([0, 0, 0, 1]))] == [[0, 2], [1], [3]]
