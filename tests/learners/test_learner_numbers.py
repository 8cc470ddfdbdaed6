"""Each method's numbers against its paper's equations, written out by hand in NumPy, in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from closeness import assert_close

import tfmeta
from tfmeta.episodes.episode import Episode

pytestmark = pytest.mark.usefixtures("float64")

WAYS, SHOTS, QUERIES = 3, 2, 2


def identity():
    """An embedding that is its input, so that distances can be worked out by hand."""
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Identity()(inputs))


def classifier():
    return tfmeta.networks.mlp((4,), WAYS, units=(5,), activation="tanh")


def episode(seed=0):
    rng = np.random.default_rng(seed)

    def part(number):
        y = np.repeat(np.arange(WAYS, dtype=np.int32), number)
        return tf.constant(rng.normal(size=(WAYS * number, 4))), tf.constant(y)

    return Episode(*part(SHOTS), *part(QUERIES))


def answer(learner, task):
    return learner.predict_with(learner.adapt(task.support_x, task.support_y), task.query_x).numpy()


def squared_distances(a, b):
    return ((a[:, None] - b[None]) ** 2).sum(-1)


def loss_gradients(network, weights, x, y):
    """The mean cross-entropy's gradient at `weights`, by the network's own variables."""
    start = [v.numpy() for v in network.trainable_variables]
    for variable, value in zip(network.trainable_variables, weights, strict=True):
        variable.assign(value)
    with tf.GradientTape() as tape:
        logits = network(x)
        losses = keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
        loss = tf.reduce_mean(losses)
    gradients = [g.numpy() for g in tape.gradient(loss, network.trainable_variables)]
    for variable, value in zip(network.trainable_variables, start, strict=True):
        variable.assign(value)
    return float(loss), gradients


# Gradient learners


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_reptiles_inner_loop_is_the_optimizers(optimizer):
    """On the minibatches that training deals out; Adam by its paper's algorithm 1, beta1 = 0."""
    network, task, rate, number = classifier(), episode(), 0.05, 2
    learner = tfmeta.Reptile(
        network, 4, inner_learning_rate=rate, inner_optimizer=optimizer, num_minibatches=number
    )
    got, _ = learner.task_gradients(task)
    phi = [v.numpy() for v in network.trainable_variables]
    theta, moments = phi, [np.zeros_like(value) for value in phi]
    for step in range(4):
        share = slice(step % number, None, number)
        _, gradients = loss_gradients(network, theta, task.support_x[share], task.support_y[share])
        if optimizer == "adam":
            pairs = zip(moments, gradients, strict=True)
            moments = [0.999 * v + 0.001 * g**2 for v, g in pairs]
            roots = [np.sqrt(v / (1 - 0.999 ** (step + 1))) for v in moments]
            gradients = [g / (r + 1e-8) for g, r in zip(gradients, roots, strict=True)]
        theta = [t - rate * g for t, g in zip(theta, gradients, strict=True)]
    for difference, start, end in zip(got, phi, theta, strict=True):
        assert_close(difference, start - end)


def test_reptiles_update_is_the_mean_of_theta_minus_phi_to_the_last_bit():
    tasks = [episode(seed) for seed in range(4)]
    batch = Episode(*(tf.stack(parts) for parts in zip(*tasks, strict=True)))
    network = classifier()
    learner = tfmeta.Reptile(network, 3, inner_learning_rate=0.05, vectorised=False)
    phi = [v.numpy() for v in network.trainable_variables]
    steps = [learner.task_gradients(task)[0] for task in tasks]  # phi - theta of each
    learner.compile(keras.optimizers.SGD(1.0), run_eagerly=True)
    learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
    for i, variable in enumerate(network.trainable_variables):
        total = np.zeros_like(phi[i])
        for step in steps:
            total = total + step[i].numpy()
        np.testing.assert_array_equal(variable.numpy(), phi[i] - total / 4)


def test_reptile_with_one_task_a_step_and_rate_one_ends_at_the_tasks_weights():
    """Serial Reptile (algorithm 1) with epsilon = 1."""
    network, task = classifier(), episode()
    learner = tfmeta.Reptile(network, 2, inner_learning_rate=0.1, num_minibatches=1)
    theta = learner.adapt(task.support_x, task.support_y, inner_steps=2)["weights"]
    learner.compile(keras.optimizers.SGD(1.0))
    batch = Episode(*(t[tf.newaxis] for t in task))
    learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
    for variable, value in zip(network.trainable_variables, theta.values(), strict=True):
        assert_close(variable.numpy(), value)


def test_a_long_inner_loop_is_that_of_as_many_steps():
    """More than ten steps run as a loop of the graph."""
    network, task = classifier(), episode()
    learner = tfmeta.Reptile(network, 12, inner_learning_rate=0.05, num_minibatches=1)
    *_, unrolled = learner.states(task.support_x, task.support_y, inner_steps=12)
    looped = tf.function(learner.adapt)(task.support_x, task.support_y)
    for name, value in unrolled["weights"].items():
        assert_close(looped["weights"][name], value)
    assert list(learner.adaptation_path(task.support_x, task.support_y)) == [0, 12]


@pytest.mark.parametrize("learner", [tfmeta.MetaSGD, tfmeta.MetaLSTM, tfmeta.Reptile])
def test_training_takes_more_than_ten_steps_vectorised(learner):
    learner = learner(classifier(), 11, inner_learning_rate=0.01, vectorised=True)
    learner.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    batch = Episode(*(t[tf.newaxis] for t in episode()))
    before = [v.numpy() for v in learner.network.trainable_variables]
    learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
    after = [v.numpy() for v in learner.network.trainable_variables]
    assert any((a != b).any() for a, b in zip(after, before, strict=True))


def test_reptile_deals_no_empty_share():
    network, task = classifier(), episode()
    few = task._replace(support_x=task.support_x[::SHOTS], support_y=task.support_y[::SHOTS])
    learner = tfmeta.Reptile(network, 3, num_minibatches=5)
    gradients, _ = learner.task_gradients(few)
    same, _ = tfmeta.Reptile(network, 3, num_minibatches=WAYS).task_gradients(few)
    for got, want in zip(gradients, same, strict=True):
        np.testing.assert_array_equal(got, want)


def test_meta_sgd_moves_each_weight_at_its_own_rate():
    network, task = classifier(), episode()
    learner = tfmeta.MetaSGD(network, inner_learning_rate=0.1)
    rng = np.random.default_rng(0)
    for rate in learner.rates:
        rate.assign(rng.normal(size=rate.shape))
    start = [v.numpy() for v in network.trainable_variables]
    _, gradients = loss_gradients(network, start, task.support_x, task.support_y)
    state = learner.adapt(task.support_x, task.support_y)["weights"].values()
    for got, theta, rate, gradient in zip(state, start, learner.rates, gradients, strict=True):
        assert_close(got, theta - rate.numpy() * gradient)


def test_mamls_learned_rates_are_one_for_each_layer_and_step():
    network, task = classifier(), episode()
    learner = tfmeta.MAML(network, 2, inner_learning_rate=0.1, learn_rates=True)
    assert learner.rates.shape == (2, 2)  # steps, layers
    learner.rates.assign([[0.3, 0.5], [0.7, 0.0]])
    weights = [v.numpy() for v in network.trainable_variables]
    for step in learner.rates.numpy():
        _, gradients = loss_gradients(network, weights, task.support_x, task.support_y)
        by_weight = [step[0], step[0], step[1], step[1]]  # kernel and bias of each layer
        weights = [w - r * g for w, r, g in zip(weights, by_weight, gradients, strict=True)]
    state = learner.adapt(task.support_x, task.support_y)["weights"].values()
    for got, want in zip(state, weights, strict=True):
        assert_close(got, want)


def test_the_multi_step_loss_fades_into_that_of_the_last_step():
    learner = tfmeta.MAML(classifier(), 3, multi_step_loss_steps=10, inner_learning_rate=0.2)
    learner.compile(keras.optimizers.SGD(0.0))
    learner.optimizer.build(learner.trainable_variables)
    task = episode()
    losses = [
        float(learner.task_loss(task.query_y, learner.predict_with(state, task.query_x)))
        for state in learner.states(task.support_x, task.support_y, inner_steps=3, first=1)
    ]
    for iterations, others in ((0, 1 / 3), (5, 1 / 6), (10, 0.01), (1000, 0.01)):
        learner.optimizer.iterations.assign(iterations)
        shares = [others, others, 1 - 2 * others]
        _, logs = learner.task_gradients(task)
        assert_close(float(logs["loss"]), np.dot(shares, losses))


def test_per_step_statistics_follow_the_support_sets_of_training():
    network = tfmeta.networks.conv4((8, 8, 1), WAYS, filters=3, num_blocks=1)
    learner = tfmeta.MAML(network, 2, inner_learning_rate=0.1, per_step_statistics=True)
    rng = np.random.default_rng(0)
    x = tf.constant(rng.uniform(size=(WAYS, 8, 8, 1)))
    y = tf.range(WAYS)
    seen = []
    learner.adapt(x, y, inner_steps=2, seen=seen)
    batch = Episode(*(t[tf.newaxis] for t in (x, y, x, y)))
    learner.compile(keras.optimizers.SGD(0.0))
    before = [v.numpy() for v in learner.moving_averages.variables]
    learner.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
    rows = zip(*seen, strict=True)  # of each statistic: before the first step, after each
    for variable, start, of_step in zip(
        learner.moving_averages.variables, before, rows, strict=True
    ):
        expected = start + 0.9 * (np.stack(of_step) - start)  # the first step's momentum is 1/10
        assert_close(variable.numpy(), expected)
    state = learner.adapt(x, y)
    for name, variable in zip(
        learner.function.statistic_names, learner.moving_averages.variables, strict=True
    ):
        np.testing.assert_array_equal(state["statistics"][name], variable.numpy()[2])


def test_meta_lstms_step_is_equations_2_to_4():
    network, task = classifier(), episode()
    learner = tfmeta.MetaLSTM(network, 2, inner_learning_rate=0.2, hidden_units=3)
    rng = np.random.default_rng(0)
    for variable in (*learner.forget_gate.weights, *learner.input_gate.weights):
        variable.assign(rng.normal(size=variable.shape))
    theta = [v.numpy() for v in network.trainable_variables]
    size = sum(t.size for t in theta)
    hidden = cell = np.zeros((size, 3))
    forget, learn = np.ones((size, 1)), np.zeros((size, 1))
    for _ in range(2):
        loss, gradients = loss_gradients(network, theta, task.support_x, task.support_y)
        flat = np.concatenate([t.reshape(-1, 1) for t in theta])
        gradient = np.concatenate([g.reshape(-1, 1) for g in gradients])
        inputs = np.hstack([*preprocessed(gradient), *preprocessed(np.full_like(gradient, loss))])
        hidden, cell = lstm(learner.cell, inputs, hidden, cell)
        forget = gate(learner.forget_gate, hidden, flat, forget)
        learn = gate(learner.input_gate, hidden, flat, learn)
        flat = forget * flat - learn * gradient
        splits = np.cumsum([t.size for t in theta])[:-1]
        parts = np.split(flat[:, 0], splits)
        theta = [part.reshape(t.shape) for part, t in zip(parts, theta, strict=True)]
    state = learner.adapt(task.support_x, task.support_y)["weights"].values()
    for got, want in zip(state, theta, strict=True):
        assert_close(got, want)


def preprocessed(x, p=10.0):
    large = np.abs(x) >= np.exp(-p)
    size = np.where(large, np.log(np.where(large, np.abs(x), 1)) / p, -1)
    return size, np.where(large, np.sign(x), np.exp(p) * x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(cell, x, hidden, state):
    z = x @ cell.kernel.numpy() + hidden @ cell.recurrent_kernel.numpy() + cell.bias.numpy()
    i, f, c, o = np.split(z, 4, -1)
    state = sigmoid(f) * state + sigmoid(i) * np.tanh(c)
    return sigmoid(o) * np.tanh(state), state


def gate(layer, *inputs):
    return sigmoid(np.hstack(inputs) @ layer.kernel.numpy() + layer.bias.numpy())


# Metric learners


def test_prototypical_is_minus_the_squared_distance_to_the_class_mean():
    task = episode()
    means = task.support_x.numpy().reshape(WAYS, SHOTS, 4).mean(1)
    got = answer(tfmeta.Prototypical(identity()), task)
    assert_close(got, -squared_distances(task.query_x.numpy(), means))


def test_matching_is_attention_over_cosine_similarities():
    task = episode()
    learner = tfmeta.Matching(identity(), similarity_scale=3.0)
    support, query = (
        x.numpy() / np.linalg.norm(x, axis=1, keepdims=True) for x in (task.support_x, task.query_x)
    )
    weight = np.exp(3 * query @ support.T)
    weight /= weight.sum(1, keepdims=True)
    expected = logarithms(weight.reshape(-1, WAYS, SHOTS).sum(-1))
    assert_close(answer(learner, task), expected)


def test_matchings_context_is_read_as_in_its_appendix():
    task = episode()
    learner = tfmeta.Matching(identity(), full_context=True, read_steps=2, similarity_scale=1.0)
    support = learner.adapt(task.support_x, task.support_y)["support"].numpy()
    x = task.support_x.numpy()
    order = np.argsort(x.sum(1))
    read = learner.support_lstm(x[order][None])[0].numpy()
    assert_close(support[order], x[order] + read)

    query = task.query_x.numpy()
    hidden = cell = np.zeros_like(query)
    for _ in range(2):
        attention = np.exp(hidden @ support.T)
        seen = attention @ support / attention.sum(1, keepdims=True)
        hidden, cell = lstm(learner.read_cell, np.hstack([query, seen]), hidden, cell)
        hidden = hidden + query
    units = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (hidden, support)]
    weight = np.exp(units[0] @ units[1].T)
    weight /= weight.sum(1, keepdims=True)
    expected = logarithms(weight.reshape(-1, WAYS, SHOTS).sum(-1))
    assert_close(answer(learner, task), expected)


def logarithms(probabilities):
    """Those that a matching network answers with, where a probability may be 0."""
    return np.log(probabilities + 1e-12)


def pairs(task):
    """Every pair of an episode's examples: distances, like and unlike."""
    x = np.concatenate([task.support_x, task.query_x])
    y = np.concatenate([task.support_y, task.query_y])
    first, second = np.triu_indices(len(x), 1)
    like = y[first] == y[second]
    return x[first], x[second], like


def training_loss(learner, task):
    return float(learner.task_gradients(task)[1]["loss"])


def test_siameses_contrastive_loss_is_hadsells():
    task = episode()
    a, b, like = pairs(task)
    distance = np.sqrt(((a - b) ** 2).sum(-1))
    of_like = (distance[like] ** 2).mean()
    of_unlike = (np.maximum(0, 2.5 - distance[~like]) ** 2).mean()
    learner = tfmeta.Siamese(identity(), objective="contrastive", margin=2.5)
    assert_close(training_loss(learner, task), (of_like + of_unlike) / 2)
    nearest = -squared_distances(task.query_x.numpy(), task.support_x.numpy())
    expected = nearest.reshape(-1, WAYS, SHOTS).mean(-1)
    assert_close(answer(learner, task), expected)


def test_siameses_logistic_loss_is_kochs():
    task = episode()
    learner = tfmeta.Siamese(identity(), objective="logistic")
    a, b, like = pairs(task)
    kernel, bias = (w.numpy() for w in learner.judge.weights)
    p = sigmoid(np.abs(a - b) @ kernel + bias)[:, 0]
    expected = (-np.log(p[like]).mean() - np.log(1 - p[~like]).mean()) / 2
    assert_close(training_loss(learner, task), expected)


def test_siameses_triplet_loss_is_the_mean_of_those_that_are_violated():
    task = episode()
    x = np.concatenate([task.support_x, task.query_x])
    y = np.concatenate([task.support_y, task.query_y])
    d = squared_distances(x, x)
    shortfalls = [
        1.5 + d[a, p] - d[a, n]
        for a in range(len(x))
        for p in range(len(x))
        for n in range(len(x))
        if a != p and y[a] == y[p] and y[a] != y[n]
    ]
    violated = [s for s in shortfalls if s > 0]
    learner = tfmeta.Siamese(identity(), objective="triplet", margin=1.5)
    assert_close(training_loss(learner, task), np.mean(violated))


def test_relations_two_halves_are_one_convolution_of_both_maps_together():
    network = tfmeta.networks.conv4((8, 8, 1), None, filters=2, num_blocks=1, features="map")
    learner = tfmeta.Relation(network, filters=3)
    rng = np.random.default_rng(0)
    x, queries = (tf.constant(rng.uniform(size=(n, 8, 8, 1))) for n in (WAYS, 2))
    state = learner.adapt(x, tf.range(WAYS))
    maps, query_maps = network(x), network(queries)
    kernel = np.concatenate([learner.query_half.kernel, learner.class_half.kernel], 2)
    for query in range(2):
        for way in range(WAYS):
            both = tf.concat([query_maps[query], maps[way]], -1)[tf.newaxis]
            score = learner.judge(tf.nn.conv2d(both, kernel, 1, "SAME"))
            got = learner.predict_with(state, queries)[query, way]
            assert_close(got, tf.math.log_sigmoid(score)[0, 0])


def test_relations_loss_is_the_squared_distance_from_the_match():
    network = tfmeta.networks.conv4((8, 8, 1), None, filters=2, num_blocks=1, features="map")
    learner = tfmeta.Relation(network, filters=3)
    scores = np.array([[0.9, 0.2, 0.1], [0.3, 0.6, 0.5]])
    loss = learner.training_loss(
        None, None, outputs=tf.constant(np.log(scores)), query_y=tf.constant([0, 2])
    )
    expected = np.mean((scores - np.array([[1, 0, 0], [0, 0, 1]])) ** 2)
    assert_close(float(loss), expected)


# Hypernetwork


def test_a_hypernetworks_head_starts_as_the_nearest_class_mean():
    task = episode()
    learner = tfmeta.HyperNetwork(
        tfmeta.networks.mlp((4,), None, units=(5,), activation="tanh"), units=8
    )
    for variable in (*learner.head_decoder.weights, *learner.decoder.weights):
        variable.assign(tf.zeros_like(variable))
    features, queries = learner.network(task.support_x), learner.network(task.query_x).numpy()
    means = features.numpy().reshape(WAYS, SHOTS, 5).mean(1)
    expected = -squared_distances(queries, means) + (queries**2).sum(1, keepdims=True)
    assert_close(answer(learner, task), expected)


def test_a_hypernetworks_generated_weights_are_the_base_and_an_offset():
    network = tfmeta.networks.mlp((1,), 1, units=(6,))
    learner = tfmeta.HyperNetwork(network, class_head=False, units=8)
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(5, 1)) for _ in range(2))
    code = learner.encoder(np.hstack([x, y])).numpy().mean(0)
    offsets = learner.decoder(code[None])[0].numpy()
    base = np.concatenate([v.numpy().ravel() for v in network.trainable_variables])
    state = learner.adapt(tf.constant(x), tf.constant(y))["weights"]
    got = np.concatenate([value.numpy().ravel() for value in state.values()])
    assert_close(got, base + offsets)
    assert offsets.any()


def test_a_large_network_without_normalisation_has_all_its_weights_generated():
    network = tfmeta.networks.mlp((4,), None, units=(100, 100))
    learner = tfmeta.HyperNetwork(network)
    task = episode()
    state = learner.adapt(task.support_x, task.support_y)["weights"]
    assert state.keys() == {*learner.function.weight_names, "head_kernel", "head_bias"}


def test_a_hypernetwork_without_a_generated_head_is_built_with_one():
    assert tfmeta.HyperNetwork.recipe({"class_head": False}, regression=False).has_head
    assert not tfmeta.HyperNetwork.recipe({}, regression=False).has_head


def test_a_network_without_normalisation_cannot_be_modulated():
    with pytest.raises(ValueError, match="without scale and shift after a normalisation"):
        tfmeta.HyperNetwork(classifier(), generated="modulation", class_head=False)


def test_modulation_generates_the_scale_and_shift_of_each_channel():
    network = tfmeta.networks.conv4((8, 8, 1), None, filters=3, num_blocks=2)
    learner = tfmeta.HyperNetwork(network, generated="modulation", units=8)
    state = learner.adapt(tf.random.uniform((WAYS, 8, 8, 1), dtype="float64"), tf.range(WAYS))
    names = [f"norm{block}_{part}" for block in (1, 2) for part in ("gamma", "beta")]
    assert list(state["weights"]) == [*names, "head_kernel", "head_bias"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tfmeta.Reptile(classifier(), inner_optimizer="rmsprop"), "expected 'adam' or"),
        (lambda: tfmeta.Reptile(classifier(), num_minibatches=0), "num_minibatches=0; expected"),
        (lambda: tfmeta.MetaSGD(classifier(), inner_learning_rate=0), "a positive number"),
        (
            lambda: tfmeta.MAML(classifier(), per_step_statistics=True, transductive=True),
            "normalised with their own statistics. Choose one",
        ),
        (lambda: tfmeta.MetaLSTM(classifier(), inner_learning_rate=2), "between 0 and 1"),
        (lambda: tfmeta.MetaLSTM(classifier(), hidden_units=0), "hidden_units=0; expected"),
        (lambda: tfmeta.Siamese(identity(), objective="l2"), "contrastive, logistic, triplet"),
        (lambda: tfmeta.Siamese(identity(), margin=0), "margin=0; expected a positive number"),
        (lambda: tfmeta.Matching(identity(), similarity_scale=0), "expected a positive number"),
        (lambda: tfmeta.Matching(identity(), read_steps=0), "read_steps=0; expected 1 or more"),
        (
            lambda: tfmeta.Matching(identity(), full_context=True, vectorised=True),
            "vectorised=True; expected False with full_context",
        ),
        (lambda: tfmeta.Relation(identity()), "compares feature maps"),
        (lambda: tfmeta.HyperNetwork(identity(), generated="some"), "expected 'auto', 'all' or"),
        (lambda: tfmeta.HyperNetwork(identity(), encoder="conv4"), "expected a built keras.Model"),
        (lambda: tfmeta.HyperNetwork(classifier()), "a network with a head of its own"),
    ],
)
def test_wrong_options_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
