"""The conformance table: every learner keeps the same promises, and none is left out of it."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfmeta
from tfmeta.episode import Episode
from tfmeta.exporting.exporter import export_learner
from tfmeta.exporting.verification import verify_export
from tfmeta.learners import ALGORITHMS
from tfmeta.pipelines.episode_source import EpisodeShape
from tfmeta.pipelines.sinusoid import Sinusoid

WAYS, SHOTS, QUERIES, TASKS = 3, 2, 4, 4

# One row an algorithm: how to make it on a network. A row is all that a new learner adds here.
TABLE = {
    "maml": lambda network, **options: tfmeta.MAML(network, 2, **options),
    "fomaml": lambda network, **options: tfmeta.MAML(network, 2, first_order=True, **options),
    "anil": lambda network, **options: tfmeta.MAML(network, 2, adapt_layers="head", **options),
}
EVERY = pytest.mark.parametrize("make", TABLE.values(), ids=TABLE.keys())


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(3)


def conv():
    return tfmeta.networks.conv4((8, 8, 1), WAYS, filters=6, num_blocks=2)


def classification_batch(seed=0):
    """TASKS tasks whose classes differ in brightness and pattern."""
    rng = np.random.default_rng(seed)
    prototypes = rng.uniform(size=(TASKS, WAYS, 1, 8, 8, 1))

    def part(number):
        x = prototypes + 0.1 * rng.normal(size=(TASKS, WAYS, number, 8, 8, 1))
        y = np.tile(np.repeat(np.arange(WAYS, dtype=np.int32), number), (TASKS, 1))
        return x.reshape(TASKS, WAYS * number, 8, 8, 1).astype(np.float32), y

    return Episode(*(tf.constant(v) for v in (*part(SHOTS), *part(QUERIES))))


def one_task(batch, task=0):
    return Episode(*(tensor[task] for tensor in batch))


def answer(learner, episode):
    state = learner.adapt(episode.support_x, episode.support_y)
    return learner.predict_with(state, episode.query_x)


def test_every_algorithm_and_every_public_learner_is_in_the_table():
    assert TABLE.keys() == ALGORITHMS.keys()
    public = {getattr(tfmeta, name) for name in tfmeta.__all__}
    learners = {c for c in public if inspect.isclass(c) and issubclass(c, tfmeta.MetaLearner)}
    made = {type(make(conv())) for make in TABLE.values()}
    assert learners - {tfmeta.MetaLearner} == made
    assert {algorithm.load() for algorithm in ALGORITHMS.values()} == made


@EVERY
def test_adapting_changes_no_variable(make):
    learner = make(conv())
    before = [v.numpy() for v in learner.variables]
    answer(learner, one_task(classification_batch()))
    for variable, value in zip(learner.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


@EVERY
def test_the_order_of_the_support_set_does_not_matter(make):
    learner, episode = make(conv()), one_task(classification_batch())
    order = np.random.default_rng(0).permutation(WAYS * SHOTS)
    shuffled = episode._replace(
        support_x=tf.gather(episode.support_x, order), support_y=tf.gather(episode.support_y, order)
    )
    np.testing.assert_allclose(answer(learner, shuffled), answer(learner, episode), atol=2e-5)


@EVERY
def test_eager_equals_graph(make):
    learner, episode = make(conv()), one_task(classification_batch())
    graph = tf.function(lambda e: answer(learner, e), autograph=False)
    np.testing.assert_allclose(graph(episode), answer(learner, episode), atol=2e-5)


@EVERY
def test_an_inductive_answer_does_not_depend_on_the_other_queries(make):
    learner, episode = make(conv()), one_task(classification_batch())
    together = answer(learner, episode)
    for query in range(3):
        alone = answer(learner, episode._replace(query_x=episode.query_x[query : query + 1]))
        np.testing.assert_allclose(alone[0], together[query], atol=1e-6)


@EVERY
def test_a_transductive_answer_does_and_says_so(make):
    learner, episode = make(conv(), transductive=True), one_task(classification_batch())
    assert learner.mode == "transductive"
    alone = answer(learner, episode._replace(query_x=episode.query_x[:1]))
    assert np.abs(alone[0] - answer(learner, episode)[0]).max() > 1e-4


@EVERY
def test_a_batch_gives_what_its_tasks_give(make):
    learner, batch = make(conv()), classification_batch()
    outputs = learner(batch)
    for task in range(TASKS):
        np.testing.assert_allclose(outputs[task], answer(learner, one_task(batch, task)), atol=2e-5)


@EVERY
def test_fit_lowers_the_loss_and_evaluate_and_predict_agree(make):
    learner, batch = make(conv()), classification_batch()
    learner.compile(keras.optimizers.Adam(3e-3), metrics=["accuracy"])
    dataset = tf.data.Dataset.from_tensors(batch)
    before = learner.evaluate(dataset, verbose=0, return_dict=True)
    history = learner.fit(
        dataset.repeat(), steps_per_epoch=5, epochs=4, verbose=0, shuffle=False
    ).history
    after = learner.evaluate(dataset, verbose=0, return_dict=True)
    assert after["loss"] < before["loss"]
    assert history["loss"][-1] < history["loss"][0]
    outputs = learner.predict(dataset, verbose=0)
    assert np.mean(outputs.argmax(-1) == batch.query_y) == pytest.approx(after["accuracy"])


@EVERY
def test_several_steps_an_execution_give_the_same_weights(make):
    weights = []
    for steps in (1, 4):
        keras.utils.set_random_seed(5)
        learner = make(conv())
        learner.compile(keras.optimizers.Adam(1e-3), steps_per_execution=steps)
        dataset = tf.data.Dataset.from_tensors(classification_batch()).repeat(4)
        learner.fit(dataset, steps_per_epoch=4, verbose=0, shuffle=False)
        weights.append([v.numpy() for v in learner.trainable_variables])
    for one, four in zip(*weights, strict=True):
        np.testing.assert_allclose(one, four, rtol=1e-4, atol=1e-6)


@EVERY
def test_save_and_load_keep_the_answers_and_the_optimizer(make, tmp_path):
    learner, batch = make(conv()), classification_batch()
    learner.compile(keras.optimizers.Adam(1e-3))
    learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
    learner.save(tmp_path / "learner.keras")
    loaded = keras.models.load_model(tmp_path / "learner.keras")
    ours, theirs = learner.get_config(), loaded.get_config()
    assert {**theirs, "network": None} == {**ours, "network": None}
    np.testing.assert_array_equal(loaded(batch), learner(batch))
    ours, theirs = learner.optimizer.variables, loaded.optimizer.variables
    for variable, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(variable.numpy(), other.numpy())


@EVERY
def test_it_learns_regression(make):
    learner = make(tfmeta.networks.mlp((1,), 1, units=(16, 16)), inner_learning_rate=0.02)
    learner.compile(keras.optimizers.Adam(3e-3))
    episodes = Sinusoid().episodes("train", EpisodeShape(1, 5, 5), num_tasks=16)
    losses = learner.fit(episodes, steps_per_epoch=50, epochs=6, verbose=0, shuffle=False).history[
        "loss"
    ]
    assert losses[-1] < 0.8 * losses[0]


@EVERY
def test_the_export_passes_every_check_of_the_c_loader(make, tmp_path):
    report = verify_export(export_learner(make(conv()), tmp_path / "model"))
    assert report["ok"], report["checks"]


def test_two_replicas_take_the_step_of_one():
    """Two virtual devices share the meta-batch; run apart, since devices are fixed at the start."""
    from replicas import weights_after_fit

    one, two = weights_after_fit(1), weights_after_fit(2)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
