"""The training step against plain Keras and NumPy: what is minimised, how tasks are averaged."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_at_most, assert_close

import tfmeta
from tfmeta.episodes.episode import PaddedEpisode
from tfmeta.learners.weight_rules import penalty

WAYS, RATE = 3, 0.1
IN_HALF = 16  # a gradient of a dozen examples, through one dense layer: float16 has 3 digits


def dense(outputs=WAYS, **options):
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(outputs, **options)])


def episodes(tasks=2, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(WAYS, dtype=np.int32), (tasks, 2))
    x = rng.normal(size=(2, tasks, 2 * WAYS, 4)).astype(np.float32)
    return tfmeta.Episode(x[0], labels, x[1], labels)


def one_step(network, learner="MAML", loss=None, optimizer=None, **options):
    """The learner after a step of SGD with RATE on `episodes()`, and the loss that it reports."""
    learner = getattr(tfmeta, learner)(network, **options)
    learner.compile(optimizer or keras.optimizers.SGD(RATE), loss, jit_compile=False)
    return learner, learner.train_on_batch(episodes(), return_dict=True)["loss"]


def values(learner):
    return [v.numpy() for v in learner.trainable_variables]


@pytest.mark.fault(
    "a kernel_regularizer in the network",
    "its penalty is in the loss, and its gradient in the step, once, as in plain Keras",
)
@pytest.mark.parametrize("method", ["MAML", "Reptile", "Prototypical"])
def test_a_regularizer_counts(method):
    network = dense(kernel_regularizer=keras.regularizers.L2(10.0))
    kernel = network.layers[-1].kernel.numpy()
    regularized, loss = one_step(network, method)
    plain, plain_loss = one_step(dense(), method)
    assert_close(loss, plain_loss + 10 * (kernel**2).sum(), dtype=np.float32)
    assert_close(values(regularized)[0], values(plain)[0] - RATE * 20 * kernel)
    assert_close(values(regularized)[1], values(plain)[1])
    before = sum(float(each) for each in network.losses)
    evaluated = regularized.test_on_batch(episodes())
    assert_close(penalty(network.trainable_variables), before)
    assert evaluated > before


@pytest.mark.fault(
    "a layer that adds losses on the way through it (activity_regularizer, add_loss)",
    "the learner is refused by the layer's name",
)
def test_losses_of_a_forward_pass_are_refused():
    with pytest.raises(ValueError, match=r"layer 'busy' \(Dense\) has an activity_regularizer"):
        tfmeta.MAML(dense(activity_regularizer="l2", name="busy"))
    network = keras.Sequential([keras.Input((4,)), Adding(name="adding"), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match=r"layer 'adding' \(Adding\) calls add_loss"):
        tfmeta.Prototypical(network)


class Adding(keras.layers.Layer):
    def call(self, x):
        self.add_loss(keras.ops.sum(x))
        return x


@pytest.mark.fault(
    "a network with a kernel_constraint", "it holds after each step, of the inner loop too"
)
def test_a_constraint_holds_in_the_inner_loop():
    network = dense(kernel_constraint=keras.constraints.MaxNorm(0.5))
    learner = tfmeta.MAML(network, inner_steps=2, inner_learning_rate=5.0)
    batch = episodes()
    fast = learner.adapt(batch.support_x[0], batch.support_y[0])["weights"]
    kernel = next(v for v in fast.values() if v.shape == (4, WAYS))
    assert_at_most(np.linalg.norm(kernel, axis=0), 0.5)
    learner, _ = one_step(network)
    assert_at_most(np.linalg.norm(values(learner)[0], axis=0), 0.5)


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_a_step_is_traced_once(monkeypatch, method):
    number, of_a_task = [], tfmeta.Prototypical.task_gradients

    def counted(*arguments):
        number.append(1)
        return of_a_task(*arguments)

    monkeypatch.setattr(tfmeta.Prototypical, "task_gradients", counted)
    learner = tfmeta.Prototypical(dense())
    learner.compile(keras.optimizers.Adam(RATE))
    for _ in range(3):
        getattr(learner, method)(episodes())
    assert sum(number) == 1


def _scaling(scale):
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(RATE), scale)


def meta_step_by_hand(network):
    """First-order MAML's step in float64 by NumPy: a linear softmax classifier, one inner step."""
    batch, inner = episodes(), 0.4
    kernel, bias = (v.numpy().astype(np.float64) for v in network.trainable_variables)
    totals = [np.zeros_like(kernel), np.zeros_like(bias)]

    def gradient(kernel, bias, x, y):
        logits = x @ kernel + bias
        share = np.exp(logits - logits.max(-1, keepdims=True))
        error = (share / share.sum(-1, keepdims=True) - np.eye(WAYS)[y]) / len(y)
        return x.T @ error, error.sum(0)

    for sx, sy, qx, qy in zip(*batch, strict=True):
        of_kernel, of_bias = gradient(kernel, bias, sx, sy)
        fast = kernel - inner * of_kernel, bias - inner * of_bias
        for total, each in zip(totals, gradient(*fast, qx, qy), strict=True):
            total += each / len(batch.support_x)
    return kernel - RATE * totals[0], bias - RATE * totals[1]


@pytest.mark.slow
@pytest.mark.fault(
    "mixed_float16, whose losses Keras scales by 32,768",
    "a step is float32's, up to float16's rounding",
)
def test_a_step_in_half_precision_is_that_of_float32():
    expected = meta_step_by_hand(dense())
    received, _ = one_step(dense(), first_order=True)
    assert_close(values(received)[0], expected[0])
    keras.config.set_dtype_policy("mixed_float16")
    try:
        learner, _ = one_step(dense(), first_order=True)
        assert isinstance(learner.optimizer, keras.optimizers.LossScaleOptimizer)
        # At 32,768 their larger gradients overflow, and Keras skips the step.
        lower = [_scaling(2.0**8) for _ in range(3)]
        names = ("Reptile", "Prototypical", "Siamese")
        others = [
            one_step(dense(), name, optimizer=each) for name, each in zip(names, lower, strict=True)
        ]
    finally:
        keras.config.set_dtype_policy("float32")
    for value, right in zip(values(learner), expected, strict=True):
        assert_close(value, right, roundings=IN_HALF, scale=RATE, dtype=np.float16)
    for other, _ in others:
        right, _ = one_step(dense(), type(other).__name__)
        for value, expected in zip(values(other), values(right), strict=True):
            # Their larger gradients: up to 10, times RATE.
            assert_close(value, expected, roundings=IN_HALF, scale=1.0, dtype=np.float16)


@pytest.mark.fault(
    "an optimizer with a loss_scale_factor", "it changes no step: the scale is taken out again"
)
def test_a_loss_scale_changes_no_step():
    plain, _ = one_step(dense())
    scaled, _ = one_step(dense(), optimizer=keras.optimizers.SGD(RATE, loss_scale_factor=64.0))
    for a, b in zip(values(plain), values(scaled), strict=True):
        assert_close(a, b)


class Shifted(keras.losses.Loss):
    """With a __call__ of its own."""

    def __call__(self, y, outputs, sample_weight=None):
        return 7 + tf.reduce_mean(outputs) ** 2


LOSSES = [
    keras.losses.MeanSquaredError(reduction="mean"),
    keras.losses.Huber(0.5),
    "mae",
    lambda y, outputs: keras.ops.square(y - outputs),
    Shifted(),
]


@pytest.mark.fault(
    "a loss with a reduction, a mask or a __call__ of its own",
    "it is Keras's number, or refused by name",
)
@pytest.mark.parametrize("loss", LOSSES, ids=["mean", "huber", "name", "function", "own call"])
def test_a_loss_is_what_keras_computes(loss):
    rng = np.random.default_rng(0)
    y, outputs = (tf.constant(rng.normal(size=(6, 2)), tf.float32) for _ in range(2))
    plain = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    plain.compile(loss=loss)
    learner = tfmeta.MAML(dense(2))
    learner.compile(loss=loss)
    assert_close(learner.task_loss(y, outputs), plain.compute_loss(y=y, y_pred=outputs))


def test_a_mask_of_the_loss_or_the_network_leaves_out_what_it_masks():
    y, outputs = tf.constant([0, 1, 2, 1]), tf.random.stateless_normal((4, 3), (1, 2))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)
    learner = tfmeta.MAML(dense())
    learner.compile(loss=loss)
    assert_close(learner.task_loss(y, outputs), loss(y, outputs))
    learner.compile(loss="mae")
    outputs._keras_mask = tf.constant([True, False, True, False])
    targets = tf.ones((4, 3))
    assert_close(
        learner.task_loss(targets, outputs), keras.losses.MeanAbsoluteError()(targets, outputs)
    )


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (keras.losses.MeanSquaredError(reduction="sum"), "reduction='sum'"),
        (keras.losses.MeanSquaredError(reduction=None), "reduction=None"),
        (["mse", "mae"], "a learner has one output"),
        ("sparse_categorical_crossentropy", "from_logits=False"),
        (keras.losses.CategoricalCrossentropy(from_logits=True), "for one-hot vectors"),
    ],
)
def test_a_loss_that_cannot_count_is_refused(loss, message):
    with pytest.raises(ValueError, match=message):
        tfmeta.MAML(dense()).compile(loss=loss)


# Means over tasks


def task_losses(learner, batch):
    """Of each task alone, by Keras's own loss on the answers."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    outputs = learner.predict(tf.data.Dataset.from_tensors(batch), verbose=0)
    return np.array([float(loss(y, o)) for y, o in zip(batch.query_y, outputs, strict=True)])


@pytest.mark.fault(
    "evaluate on tasks whose last batch is a smaller one", "every task counts the same"
)
def test_a_smaller_last_batch_counts_by_its_tasks():
    learner = tfmeta.MAML(dense())
    learner.compile(metrics=["accuracy"])
    batch = episodes(tasks=5)
    dataset = tf.data.Dataset.from_tensor_slices(batch).batch(4)
    result = learner.evaluate(dataset, verbose=0, return_dict=True)
    assert_close(result["loss"], task_losses(learner, batch).mean(), dtype=np.float32)
    history = learner.fit(dataset, verbose=0).history  # of a learner that changes on the way
    assert history["loss"][0] != result["loss"]


def test_padded_tasks_count_the_same_whatever_their_size():
    learner = tfmeta.MAML(dense(), vectorised=False)
    learner.compile(metrics=["accuracy"], jit_compile=False)
    batch = episodes(tasks=3)
    sizes = np.array([6, 3, 2], np.int32)
    own = np.arange(6) < sizes[:, None]
    x, y = batch.query_x * own[..., None], np.where(own, batch.query_y, -1)
    padded = PaddedEpisode(batch.support_x, batch.support_y, x, y, np.full(3, 6, np.int32), sizes)
    dataset = tf.data.Dataset.from_tensors(padded)
    result = learner.evaluate(dataset, verbose=0, return_dict=True)
    outputs = learner.predict(dataset, verbose=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    tasks = [(y[i, :size], outputs[i, :size]) for i, size in enumerate(sizes)]
    assert_close(result["loss"], np.mean([loss(*task) for task in tasks]), dtype=np.float32)
    right = [np.mean(o.argmax(-1) == labels) for labels, o in tasks]
    assert_close(result["accuracy"], np.mean(right), dtype=np.float32)
