"""The conformance table: every learner keeps the same promises, and none is left out of it."""

import functools
import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_all_close, assert_close, assert_far_apart, assert_gradients
from conformance_table import (
    NAMELESS,
    OF_CLASSES,
    OF_VALUES,
    QUERIES,
    ROWS,
    SHOTS,
    TABLE,
    TASKS,
    WAYS,
    WITH_GRADIENT,
    answer,
    classification_batch,
    each,
    each_name,
    export_of,
    one_task,
)
from model_answers import checked
from nightly import rows

import tfmeta
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.learners import ALGORITHMS
from tfmeta.pipelines.sinusoid import Sinusoid
from tfmeta.precision import IN_COMPANY
from tfmeta.training.learner_options import option_names


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(3)


def test_every_algorithm_and_every_public_learner_is_in_the_table():
    assert TABLE.keys() == ALGORITHMS.keys()
    public = {getattr(tfmeta, name) for name in tfmeta.__all__}
    learners = {c for c in public if inspect.isclass(c) and issubclass(c, tfmeta.MetaLearner)}
    made = {type(row.make()) for row in TABLE.values()}
    assert learners - {tfmeta.MetaLearner, tfmeta.OnFeatures} == made
    assert {algorithm.load() for algorithm in ALGORITHMS.values()} == made


@each(ROWS)
def test_adapting_changes_no_variable(row):
    learner = row.make()
    before = [v.numpy() for v in learner.variables]
    answer(learner, one_task(classification_batch()))
    for variable, value in zip(learner.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


@each(ROWS)
def test_the_order_of_the_support_set_does_not_matter(row):
    learner, episode = row.shared, one_task(classification_batch())
    order = np.random.default_rng(0).permutation(WAYS * SHOTS)
    shuffled = episode._replace(
        support_x=tf.gather(episode.support_x, order), support_y=tf.gather(episode.support_y, order)
    )
    assert_close(answer(learner, shuffled), answer(learner, episode))


@each(TABLE)
def test_eager_equals_graph(row):
    learner, episode = row.shared, one_task(classification_batch())
    graph = tf.function(lambda e: answer(learner, e), autograph=False)
    assert_close(graph(episode), answer(learner, episode))


@each(ROWS)
def test_an_inductive_answer_does_not_depend_on_the_other_queries(row):
    learner, episode = row.shared, one_task(classification_batch())
    together = answer(learner, episode)
    for query in range(3):
        alone = answer(learner, episode._replace(query_x=episode.query_x[query : query + 1]))
        scale = np.abs(together).max()
        assert_close(alone[0], together[query], roundings=IN_COMPANY, scale=scale)


@each(TABLE)
def test_a_transductive_answer_does_and_says_so(row):
    learner, episode = row.make(transductive=True), one_task(classification_batch())
    assert learner.mode == "transductive"
    alone = answer(learner, episode._replace(query_x=episode.query_x[:1]))
    assert_far_apart(alone[0], answer(learner, episode)[0])


@each(TABLE)
def test_a_batch_gives_what_its_tasks_give(row):
    learner, batch = row.shared, classification_batch()
    outputs = learner(batch)
    for task in range(TASKS):
        assert_close(outputs[task], answer(learner, one_task(batch, task)))


@functools.cache
def fitted(name):
    """A learner after twenty steps with XLA, and what it said of its loss on the way."""
    keras.utils.set_random_seed(3)
    learner = TABLE[name].make()
    learner.compile(keras.optimizers.Adam(3e-3), metrics=["accuracy"])
    dataset = tf.data.Dataset.from_tensors(classification_batch())
    before = learner.evaluate(dataset, verbose=0, return_dict=True)
    history = learner.fit(
        dataset.repeat(), steps_per_epoch=5, epochs=4, verbose=0, shuffle=False
    ).history
    return learner, before, history


@each_name(TABLE, turn=1)
def test_fit_lowers_the_loss_and_evaluate_and_predict_agree(name):
    (learner, before, history), batch = fitted(name), classification_batch()
    dataset = tf.data.Dataset.from_tensors(batch)
    after = learner.evaluate(dataset, verbose=0, return_dict=True)
    assert after["loss"] < before["loss"]
    assert history["loss"][-1] < history["loss"][0]
    outputs = learner.predict(dataset, verbose=0)
    right = np.mean(outputs.argmax(-1) == batch.query_y)
    assert_close(after["accuracy"], right, dtype=np.float32)


@each_name(TABLE, turn=1)
def test_save_and_load_keep_the_answers_and_the_optimizer(name, tmp_path):
    (learner, *_), batch = fitted(name), classification_batch()
    learner.save(tmp_path / "learner.keras")
    loaded = keras.models.load_model(tmp_path / "learner.keras")
    networks = {"network": None, "encoder": None}  # their own configs name layers anew
    ours, theirs = learner.get_config(), loaded.get_config()
    assert {**theirs, **networks} == {**ours, **networks}
    np.testing.assert_array_equal(loaded(batch), learner(batch))
    ours, theirs = learner.optimizer.variables, loaded.optimizer.variables
    for variable, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(variable.numpy(), other.numpy())


@pytest.mark.slow
@each({name: TABLE[name] for name in ("maml", "prototypical")})  # a step's loop is every learner's
def test_several_steps_an_execution_give_the_same_weights(row):
    weights = []
    for steps in (1, 4):
        keras.utils.set_random_seed(5)
        learner = row.make()
        optimizer = keras.optimizers.Adam(1e-3)
        learner.compile(optimizer, steps_per_execution=steps, jit_compile=False)
        dataset = tf.data.Dataset.from_tensors(classification_batch()).repeat(4)
        learner.fit(dataset, steps_per_epoch=4, verbose=0, shuffle=False)
        weights.append([v.numpy() for v in learner.trainable_variables])
    for one, four in zip(*weights, strict=True):
        assert_close(one, four)


@each(TABLE)
def test_every_option_is_saved(row):
    learner = row.shared
    options = set(option_names(type(learner))) | {"transductive"}
    assert options <= learner.get_config().keys()


@each(OF_VALUES, turn=1)
def test_it_learns_regression(row):
    head = None if "num_outputs" in row.regression else 1  # the learner's own, or the network's
    network = tfmeta.networks.mlp((1,), head, units=(16, 16))
    learner = row.make(network, **row.regression)
    # Reptile's meta-gradient is a step already.
    optimizer = "sgd" if row.learner == "Reptile" else "adam"
    rate = 0.3 if row.learner == "Reptile" else 3e-3
    learner.compile(keras.optimizers.get(optimizer), metrics=["mse"], jit_compile=False)
    learner.optimizer.learning_rate = rate
    episodes = Sinusoid().episodes("train", EpisodeShape(1, 6, 5), num_tasks=16)
    history = learner.fit(episodes, steps_per_epoch=50, epochs=6, verbose=0, shuffle=False).history
    assert history["mse"][-1] < 0.8 * history["mse"][0]


@each(OF_CLASSES)
def test_a_method_for_classes_refuses_values(row):
    with pytest.raises(tfmeta.UserError, match=f"{row.learner} tells classes apart"):
        getattr(tfmeta, row.learner).recipe({}, regression=True)


@each(NAMELESS)
def test_permuting_the_class_names_permutes_the_answer(row):
    learner, episode = row.shared, one_task(classification_batch())
    names = tf.constant([2, 0, 1])
    renamed = episode._replace(support_y=tf.gather(names, episode.support_y))
    columns = tf.gather(answer(learner, renamed), names, axis=1)
    assert_close(columns, answer(learner, episode))


@each(NAMELESS)
def test_it_answers_as_many_classes_as_it_is_shown(row):
    learner, episode = row.shared, one_task(classification_batch())
    assert answer(learner, episode).shape == (WAYS * QUERIES, WAYS)
    two = episode._replace(
        support_x=episode.support_x[: 2 * SHOTS], support_y=episode.support_y[: 2 * SHOTS]
    )
    np.testing.assert_array_equal(answer(learner, two).shape, (WAYS * QUERIES, 2))


@each(NAMELESS)
def test_a_class_without_examples_cannot_win(row):
    learner, episode = row.shared, one_task(classification_batch())
    gap = episode._replace(support_y=tf.where(episode.support_y == 1, 3, episode.support_y))
    probabilities = tf.nn.softmax(answer(learner, gap)).numpy()
    assert probabilities.shape == (WAYS * QUERIES, 4)
    assert not probabilities[:, 1].any()
    assert_close(probabilities[:, [0, 3, 2]], tf.nn.softmax(answer(learner, episode)))


@pytest.mark.usefixtures("float64")  # a step through small tasks' normalisations enlarges rounding
@each({n: row for n, row in ROWS.items() if not row.options.get("full_context")}, turn=0)
def test_vectorised_tasks_give_the_numbers_of_mapped_ones(row):
    results = []
    for vectorised in (False, True):
        keras.utils.set_random_seed(5)
        learner = row.make(row.network(num_blocks=1), vectorised=vectorised)
        # The one task by task is not traced either.
        learner.compile(keras.optimizers.SGD(0.1), jit_compile=False, run_eagerly=not vectorised)
        batch = classification_batch(dtype=np.float64)
        learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
        results.append([*(v.numpy() for v in learner.variables), learner(batch)[..., :WAYS]])
    assert_all_close(*results)


@pytest.mark.slow
@pytest.mark.usefixtures("float64")
# XLA compiles the others for too long, and MAML in test_recompute.py too.
@rows("row", [ROWS["maml"], ROWS["ridge"]], each_run=[ROWS["ridge"]], ids=["maml", "ridge"])
def test_compiled_by_xla_a_step_is_the_same(row):
    results = []
    for compiled in (False, True):
        keras.utils.set_random_seed(5)
        learner = row.make(vectorised=compiled)
        learner.compile(keras.optimizers.SGD(0.1), jit_compile=compiled)
        learner.train_on_batch(classification_batch(dtype=np.float64))
        results.append([v.numpy() for v in learner.variables])
    assert_all_close(*results)


@pytest.mark.usefixtures("float64")
@each(WITH_GRADIENT)
def test_the_meta_gradient_equals_finite_differences(row):
    """Along a random direction, for each variable; so near that no ReLU turns over on the way."""
    learner, episode = row.make(), one_task(classification_batch(dtype=np.float64))
    rng = np.random.default_rng(1)
    for variable in learner.trainable_variables:  # away from zeros, where a ReLU has a kink
        variable.assign(variable + 0.05 * rng.normal(size=variable.shape))
    loss = tf.function(lambda: learner.task_gradients(episode)[1]["loss"], autograph=False)
    gradients, _ = learner.task_gradients(episode)
    assert_gradients(loss, learner.trainable_variables, gradients, step=1e-6)


@each_name([name for name in TABLE if name != "fomaml"])  # whose export is that of maml
def test_the_export_passes_every_check_of_the_c_loader(name):
    report = checked(export_of(name) / "1")
    assert report["ok"], report["checks"]


@pytest.mark.parametrize("kind", ["values", "classes"])
def test_two_replicas_take_the_step_of_one(kind):
    """Two virtual devices share the meta-batch."""
    from replicas import variables_after_fit

    one, two = variables_after_fit(1, kind), variables_after_fit(2, kind)
    for a, b in zip(one, two, strict=True):
        assert_close(a, b)
