"""What Python users have: NumPy's types, wrong shapes and structures, and what a learner is."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfmeta
from tfmeta.learners import ALGORITHMS

WAYS = 3


def network(outputs=WAYS):
    keras.utils.set_random_seed(1)
    return tfmeta.networks.mlp((4,), outputs, units=(5,))


LEARNERS = {
    "MAML": lambda **o: tfmeta.MAML(network(), **o),
    "MetaSGD": lambda **o: tfmeta.MetaSGD(network(), **o),
    "Reptile": lambda **o: tfmeta.Reptile(network(), **o),
    "MetaLSTM": lambda **o: tfmeta.MetaLSTM(network(), 2, hidden_units=3, **o),
    "Siamese": lambda **o: tfmeta.Siamese(network(None), **o),
    "Prototypical": lambda **o: tfmeta.Prototypical(network(None), **o),
    "Matching": lambda **o: tfmeta.Matching(network(None), **o),
    "HyperNetwork": lambda **o: tfmeta.HyperNetwork(network(None), units=8, **o),
}
each = pytest.mark.parametrize("name", LEARNERS)


def arrays(tasks=2, x=np.float32, y=np.int32, values=False):
    rng = np.random.default_rng(0)
    examples = rng.normal(size=(2, tasks, 2 * WAYS, 4)).astype(x)
    labels = np.tile(np.arange(WAYS), (tasks, 2)).astype(y)
    targets = rng.normal(size=(tasks, 2 * WAYS, WAYS)) if values else labels
    return tfmeta.Episode(examples[0], targets, examples[1], targets)


def one_task(batch):
    return tfmeta.Episode(*(part[0] for part in batch))


def answer(learner, task):
    return learner.predict_with(learner.adapt(task.support_x, task.support_y), task.query_x)


@pytest.mark.fault(
    "NumPy's default types: int64 labels, float64 examples", "they are converted; same answers"
)
@each
def test_numpys_default_types_are_converted(name):
    learner = LEARNERS[name]()
    usual, numpys = arrays(), arrays(x=np.float64, y=np.int64)
    np.testing.assert_array_equal(
        answer(learner, one_task(usual)), answer(learner, one_task(numpys))
    )


@pytest.mark.parametrize("name", ["MAML", "Prototypical"])  # the methods are Keras's, of every one
def test_numpys_default_types_are_converted_in_training(name):
    learner = LEARNERS[name]()
    learner.compile("sgd", jit_compile=False)
    usual, numpys = arrays(), arrays(x=np.float64, y=np.int64)
    before = learner.test_on_batch(usual)
    assert learner.test_on_batch(numpys) == before
    assert np.isfinite(learner.train_on_batch(numpys))
    learner.fit(tf.data.Dataset.from_tensors(numpys), verbose=0)
    assert learner.predict_on_batch(numpys).shape == (2, 2 * WAYS, WAYS)


@pytest.mark.fault(
    "a dataset of (x, y) pairs or of single tasks, an array, a wrong shape",
    "the message says what an Episode is, and both shapes",
)
def test_what_is_no_episode_is_refused():
    learner = LEARNERS["MAML"]()
    learner.compile("sgd")
    x, y = np.zeros((2, 6, 4), np.float32), np.zeros((2, 6), np.int32)
    pairs = tf.data.Dataset.from_tensors((x, y))
    with pytest.raises(tfmeta.UserError, match=r"elements: received a tuple of 2; expected a tfm"):
        learner.fit(pairs)
    with pytest.raises(tfmeta.UserError, match=r"x is a ndarray; expected a tf.data.Dataset of"):
        learner.fit(x)
    with pytest.raises(tfmeta.UserError, match="validation_data is a tuple; expected"):
        learner.fit(arrays(), validation_data=(x, y))
    with pytest.raises(tfmeta.UserError, match=r"shape \(6, 4\); this network takes .* \(4\)"):
        learner.fit(tf.data.Dataset.from_tensors(one_task(arrays())))
    with pytest.raises(tfmeta.UserError, match=r"received a tuple of 3; expected a tfmeta.Episode"):
        learner.train_on_batch((x, y, x))


@pytest.mark.fault(
    "adapt with examples of another shape than the network's, or labels that can't be",
    "refused, with both shapes or the labels' range",
)
def test_adapt_refuses_what_makes_no_sense():
    images = tfmeta.networks.conv4((28, 28, 1), WAYS, filters=2, num_blocks=2)
    labels = np.array([0, 1, 2])
    with pytest.raises(tfmeta.UserError, match=r"\(3, 20, 28, 1\); .* \(28, 28, 1\)"):
        tfmeta.MAML(images).adapt(np.zeros((3, 20, 28, 1)), labels)
    x = np.zeros((3, 4))
    for learner, most in ((LEARNERS["MAML"](), 3), (LEARNERS["Prototypical"](), None)):
        for wrong in ([-1, 0, 1], [1, 2, 3][: 3 if most else 0]):
            if wrong:
                with pytest.raises(tfmeta.UserError, match="expected labels from 0"):
                    learner.adapt(x, np.array(wrong))
        with pytest.raises(tfmeta.UserError, match="expected integer labels, or targets"):
            learner.adapt(x, np.array([0.0, 1.0, 2.0]))
        with pytest.raises(tfmeta.UserError, match="expected a target for each example"):
            learner.adapt(x, np.array([0, 1]))
        with pytest.raises(tfmeta.UserError, match="received query_x of shape"):
            learner.predict_with(learner.adapt(x, labels), np.zeros((2, 5)))


@pytest.mark.fault("training on labels 1 to 3 of 3 classes", "refused, compiled by XLA or not")
@pytest.mark.parametrize("jit_compile", [True, False])
def test_labels_beyond_the_head_are_refused_in_training(jit_compile):
    learner = LEARNERS["MAML"]()
    learner.compile("sgd", jit_compile=jit_compile)
    wrong = arrays()._replace(query_y=arrays().query_y + 1)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="query_y: expected labels from 0 to 2"
    ):
        learner.fit(tf.data.Dataset.from_tensors(wrong), verbose=0)
    with pytest.raises(tfmeta.UserError, match="labels from 1 to 3"):
        learner.train_on_batch(wrong)


@pytest.mark.fault("fit of a wholly frozen network", "the message says that nothing is trainable")
@pytest.mark.parametrize("name", ["MAML", "Reptile", "Prototypical"])
def test_a_frozen_network_says_so(name):
    frozen = network()
    frozen.trainable = False
    learner = getattr(tfmeta, name)(frozen)
    learner.compile("sgd")
    with pytest.raises(tfmeta.UserError, match=r"every layer of the network .* is frozen"):
        learner.fit(tf.data.Dataset.from_tensors(arrays()), verbose=0)


# What a learner is


@pytest.mark.fault(
    "a learner that lacks adapt or another method", "it can't be made; the message names them"
)
def test_an_abstract_learner_cannot_be_made():
    class Half(tfmeta.MetaLearner):
        def predict_with(self, task_state, query_x):
            return query_x

        def task_gradients(self, episode):
            return [], {}

    with pytest.raises(TypeError, match="Half is abstract: it has no adapt, recipe"):
        Half(network())
    with pytest.raises(TypeError, match="MetaLearner is abstract"):
        tfmeta.MetaLearner(network())


@pytest.mark.fault(
    "training without a word on what the targets are",
    "a learner knows from its loss or its first episodes, keeps it, and refuses the other kind",
)
def test_a_learner_knows_what_its_targets_are(tmp_path):
    told = tfmeta.MAML(network(), targets="values")
    by_loss = tfmeta.MAML(network())
    by_loss.compile("sgd", "mse")
    by_data = tfmeta.MAML(network())
    by_data.compile("sgd", jit_compile=False)
    by_data.train_on_batch(arrays(values=True))
    for learner in (told, by_loss, by_data):
        assert learner.targets == "values"
        with pytest.raises(tfmeta.UserError, match="this learner's are values"):
            learner.adapt(one_task(arrays()).support_x, one_task(arrays()).support_y)
        learner.save(tmp_path / "learner.keras")
        assert keras.models.load_model(tmp_path / "learner.keras").targets == "values"
    classifier = tfmeta.MAML(network(), targets="classes")
    with pytest.raises(tfmeta.UserError, match="this learner's are classes"):
        classifier.adapt(one_task(arrays()).support_x, one_task(arrays(values=True)).support_y)
    with pytest.raises(tfmeta.UserError, match="for targets that are values"):
        classifier.compile("sgd", "mse")
    with pytest.raises(tfmeta.UserError, match="tells classes apart"):
        tfmeta.Prototypical(network(None), targets="values")


@pytest.mark.fault(
    "learner.export(), which every Keras model has", "it writes this project's export, by kind"
)
def test_export_writes_this_projects_model(tmp_path):
    learner = tfmeta.MAML(network())
    learner.compile("sgd", "mse")
    folder = learner.export(tmp_path / "values")
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    assert list(signature.structured_outputs) == ["prediction"]  # no softmax
    learner = tfmeta.Prototypical(network(None))
    support = np.zeros((3, 4)), np.array([0, 1, 2])
    folder = learner.export(
        tmp_path / "classes", kind="adapted", support=support, class_names=["a", "b", "c"]
    )
    assert json.loads((folder / "tfmeta.json").read_text())["kind"] == "adapted"
    for options, message in (
        ({"format": "onnx"}, "received format='onnx'"),
        ({"kind": "other"}, "expected one of: learner, adapted, generator"),
        ({"input_signature": []}, "received input_signature; it takes"),
        ({"verbose": True}, "received verbose; it takes"),
        ({"kind": "adapted"}, "needs support="),
    ):
        with pytest.raises(ValueError, match=message):
            learner.export(tmp_path / "refused", **options)


# Recipes that differ from the constructor on purpose, where its docstring says so.
ON_PURPOSE = {
    "maml": {"test_inner_steps"},
    "fomaml": {"test_inner_steps"},
    "anil": {"test_inner_steps"},
}


@pytest.mark.fault(
    "a learner made in Python and by the command line", "both have the same, good defaults"
)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_constructor_has_the_recipes_defaults(name):
    algorithm = ALGORITHMS[name]
    cls = algorithm.load()
    options = cls.recipe(algorithm.options, regression=False).options
    maps = tfmeta.networks.conv4((8, 8, 1), None, filters=4, num_blocks=2, features="map")
    of = maps if name == "relation" else network(None) if name == "hypernetwork" else network()
    ours, theirs = (cls(of, **each).get_config() for each in (algorithm.options, options))
    different = {key for key in options if ours[key] != theirs[key]}
    assert different == ON_PURPOSE.get(name, set())


class Embeds(keras.Model):
    """Ids, which half precision can't tell apart, into a network that declares no input."""

    def __init__(self):
        super().__init__()
        self.embed, self.flat = keras.layers.Embedding(5_000, 4), keras.layers.Flatten()
        self.head = keras.layers.Dense(3)

    def call(self, x):
        return self.head(self.flat(self.embed(x)))


@pytest.mark.fault(
    "integer ids for a subclassed network in half precision", "refused, with how to declare them"
)
def test_ids_in_half_precision_are_refused():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = Embeds()
        network(np.zeros((2, 4), "int32"))
        learner = tfmeta.MAML(network)
    finally:
        keras.config.set_dtype_policy("float32")
    ids = np.array([[4001, 4002, 4003, 1], [1, 2, 3, 4]])
    with pytest.raises(tfmeta.UserError, match="received support_x of type int64 for a network in"):
        learner.adapt(ids, np.array([0, 1]))
