"""The conformance table: what each learner is made of, and which promises its method makes."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import keras
import nightly
import numpy as np
import pytest
import quick
import tensorflow as tf
from made_once import made_once

import tfmeta
from tfmeta.episodes.episode import Episode
from tfmeta.exporting.writing.exporter import export_model

WAYS, SHOTS, QUERIES, TASKS = 3, 2, 4, 4


def conv(num_outputs=WAYS, num_blocks=2, **options):
    return tfmeta.networks.conv4(
        (8, 8, 1), num_outputs, filters=6, num_blocks=num_blocks, **options
    )


def embedding(**options):
    return conv(None, **options)


def maps(**options):
    return conv(None, features="map", **options)


@dataclass(frozen=True)
class Row:
    """What a learner is made of, and which promises its method makes.

    Args:
        learner: its name in `tfmeta`.
        options: of the method under test.
        network: what it is made on.
        regression: options for values as targets; None if it is for classes alone.
        names_matter: whether permuting the class names may change more than the answer's columns.
        has_meta_gradient: whether `task_gradients` is the gradient of the loss it reports; a
            first-order method's is not.
    """

    learner: str
    options: dict
    network: Callable = conv
    regression: dict | None = None
    names_matter: bool = True
    has_meta_gradient: bool = True

    def make(self, network=None, **options):
        learner = getattr(tfmeta, self.learner)
        return learner(network or self.network(), **{**self.options, **options})

    @functools.cached_property
    def shared(self):
        """A learner for the tests that change nothing of it."""
        return self.make()


SMALL_STEPS = {"inner_learning_rate": 0.02}

# A row is all that a new learner adds here.
TABLE = {
    "maml": Row("MAML", {"inner_steps": 2}, regression=SMALL_STEPS),
    "fomaml": Row(
        "MAML",
        {"inner_steps": 2, "first_order": True},
        regression=SMALL_STEPS,
        has_meta_gradient=False,
    ),
    "anil": Row("MAML", {"inner_steps": 2, "adapt_layers": "head"}, regression=SMALL_STEPS),
    "meta-sgd": Row("MetaSGD", {"inner_steps": 2}, regression=SMALL_STEPS),
    "reptile": Row(
        "Reptile",
        {"inner_steps": 4, "num_minibatches": 2, "inner_learning_rate": 0.01},
        regression={"inner_optimizer": "sgd", **SMALL_STEPS},
        has_meta_gradient=False,
    ),
    "meta-lstm": Row(
        "MetaLSTM",
        {"inner_steps": 2, "inner_learning_rate": 0.1, "hidden_units": 4},
        regression=SMALL_STEPS,
        has_meta_gradient=False,
    ),
    "siamese": Row("Siamese", {}, embedding, names_matter=False),
    "prototypical": Row("Prototypical", {}, embedding, names_matter=False),
    "ridge": Row("Ridge", {"scale": 4.0}, embedding, names_matter=False),
    "transfer": Row("Transfer", {"num_training_classes": WAYS + 1}, embedding, names_matter=False),
    "bayes-linear": Row(
        "BayesLinear",
        {"scale": 4.0},
        embedding,
        regression={"num_outputs": 1},
        names_matter=False,
    ),
    "matching": Row("Matching", {}, embedding, names_matter=False),
    "relation": Row("Relation", {"filters": 6}, maps, names_matter=False),
    "hypernetwork": Row(
        "HyperNetwork",
        {"units": 16},
        embedding,
        regression={"class_head": False},
        names_matter=False,
    ),
}

# Options that make another method of a learner: they keep the promises that depend on the method,
# and share the steps, the saving and the export with their learner's row.
VARIANTS = {
    "maml++": Row(
        "MAML",
        {
            "inner_steps": 2,
            "multi_step_loss_steps": 10,
            "learn_rates": True,
            "per_step_statistics": True,
        },
        regression=SMALL_STEPS,
    ),
    "reptile-sgd": Row(
        "Reptile",
        {"inner_optimizer": "sgd", "inner_steps": 4, "inner_learning_rate": 0.2},
        has_meta_gradient=False,
    ),
    "siamese-logistic": Row("Siamese", {"objective": "logistic"}, embedding, names_matter=False),
    "siamese-triplet": Row("Siamese", {"objective": "triplet"}, embedding, names_matter=False),
    "matching-in-context": Row(
        "Matching", {"full_context": True, "read_steps": 2}, embedding, names_matter=False
    ),
    "transfer-cosine": Row(
        "Transfer",
        {"num_training_classes": WAYS + 1, "classifier": "cosine", "head": "nearest-mean"},
        embedding,
        names_matter=False,
    ),
    "transfer-ridge": Row(
        "Transfer",
        {"num_training_classes": WAYS + 1, "label_smoothing": 0.1, "head": "ridge"},
        embedding,
        names_matter=False,
    ),
    "hypernetwork-all": Row(
        "HyperNetwork", {"units": 16, "generated": "all"}, embedding, names_matter=False
    ),
    "hypernetwork-modulation": Row(
        "HyperNetwork", {"units": 16, "generated": "modulation"}, embedding, names_matter=False
    ),
}
ROWS = {**TABLE, **VARIANTS}
OF_CLASSES = {name: row for name, row in TABLE.items() if row.regression is None}
OF_VALUES = {name: row for name, row in ROWS.items() if row.regression is not None}
WITH_GRADIENT = {name: row for name, row in ROWS.items() if row.has_meta_gradient}
NAMELESS = {name: row for name, row in ROWS.items() if not row.names_matter}


IN_QUICK = ("maml", "prototypical", "matching")  # stand for all of them in `make quick`


def each(rows, turn=None):
    """Every row of a table; with a turn, a third of them, and the others in `make nightly`."""
    return _of(rows, turn, "row", rows.get)


def each_name(rows, turn=None):
    """The same, by their names."""
    return _of(rows, turn, "name", str)


def _of(rows, turn, argument, value_of):
    if quick.IS_ON:
        rows, turn = [name for name in rows if name in IN_QUICK], None
    values, names = list(map(value_of, rows)), list(rows)
    if turn is None:
        return pytest.mark.parametrize(argument, values, ids=names)
    return nightly.in_turn(argument, values, turn, ids=names)


def classification_batch(seed=0, dtype=np.float32):
    """TASKS tasks whose classes differ in brightness and pattern."""
    rng = np.random.default_rng(seed)
    prototypes = rng.uniform(size=(TASKS, WAYS, 1, 8, 8, 1))

    def part(number):
        x = prototypes + 0.1 * rng.normal(size=(TASKS, WAYS, number, 8, 8, 1))
        y = np.tile(np.repeat(np.arange(WAYS, dtype=np.int32), number), (TASKS, 1))
        return x.reshape(TASKS, WAYS * number, 8, 8, 1).astype(dtype), y

    return Episode(*(tf.constant(v) for v in (*part(SHOTS), *part(QUERIES))))


@functools.cache
def learner_of(name):
    """The learner of a row, whose weights are the same wherever it is made."""
    keras.utils.set_random_seed(5)
    return TABLE[name].make()


@made_once("conformance/{}")
def export_of(path, name):
    """The model's folder of that learner, as kind `learner`."""
    export_model(learner_of(name), path)


def one_task(batch, task=0):
    return Episode(*(tensor[task] for tensor in batch))


def answer(learner, episode):
    state = learner.adapt(episode.support_x, episode.support_y)
    return learner.predict_with(state, episode.query_x)
