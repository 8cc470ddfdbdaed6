"""Inputs that are no finite numbers: refused by name where they come in, before any answer."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from nightly import crossed

import tfmeta
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.source_facts import SourceFacts
from tfmeta.errors import UserError
from tfmeta.reading.origins import Origins
from tfmeta.reading.row_format import PLAIN
from tfmeta.reading.support_arrays import read_support_arrays

BAD = pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])


@pytest.mark.fault("NaN or infinite examples, whatever read them", "refused, with their place")
@BAD
def test_examples_that_are_not_finite_are_no_source(bad):
    examples = np.ones((6, 2, 2), np.float32)
    examples[4, 1, 0] = bad
    origins = Origins(names=tuple(f"train/{n}" for n in range(6)))
    splits = {"train": np.arange(3)}
    with pytest.raises(UserError, match=rf"1 of 6 examples.*4 \(train/4\), {bad} at \[1, 0\]"):
        ClassIndex(examples, np.repeat(range(3), 2), splits, ("a", "b", "c"), origins=origins)


@pytest.mark.fault("NaN or infinity given to `adapt` or `predict_with`", "refused, with its place")
@BAD
@pytest.mark.parametrize("values", [False, True], ids=["classes", "values"])
def test_what_is_given_to_a_learner_is_finite(bad, values):
    keras.utils.set_random_seed(0)
    targets = "values" if values else "classes"
    learner = tfmeta.MAML(tfmeta.networks.mlp((4,), 2, units=(5,)), targets=targets)
    x, y = np.ones((4, 4), np.float32), np.ones((4, 2), np.float32) if values else np.arange(4) % 2
    broken = x.copy()
    broken[3, 1] = bad
    with pytest.raises(UserError, match=rf"support_x with 1 values.*at \[3, 1\]: {bad}; expected"):
        learner.adapt(broken, y)
    state = learner.adapt(x, y)
    with pytest.raises(UserError, match=r"query_x with 1 values.*at \[3, 1\]"):
        learner.predict_with(state, broken)
    if values:
        with pytest.raises(UserError, match=r"support_y with 8 values.*at \[0, 0\]"):
            learner.adapt(x, np.full_like(y, bad))


@pytest.fixture(scope="module", params=[False, True], ids=["no XLA", "XLA"])
def compiled(request):
    """A learner of values; the tests share what it has traced."""
    learner = tfmeta.MAML(tfmeta.networks.mlp((4,), 2, units=(5,)), targets="values")
    learner.compile(loss="mse", jit_compile=request.param)
    return learner


@pytest.mark.fault(
    "NaN or infinity in episodes given to `evaluate` or `predict`",
    "refused, with the input's name",
)
@crossed("bad, name", [np.nan, np.inf, -np.inf], ["support_x", "query_x", "query_y"])
def test_episodes_that_are_evaluated_are_finite(bad, name, compiled):
    learner = compiled
    x, y = np.ones((6, 4, 4), np.float32), np.ones((6, 4, 2), np.float32)
    episodes = tfmeta.Episode(x, y, x, y)
    good = tf.data.Dataset.from_tensor_slices(episodes).batch(2)
    broken = getattr(episodes, name).copy()
    broken[5, 3, 1] = bad
    episodes = episodes._replace(**{name: broken})
    late = tf.data.Dataset.from_tensor_slices(episodes).batch(2)
    for method in (learner.evaluate, learner.predict):
        method(good, verbose=0)
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} with values that"):
            method(late, verbose=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} with values that"):
        learner.fit(good, validation_data=late, verbose=0)
    for method in (learner.test_on_batch, learner.predict_on_batch):
        with pytest.raises(UserError, match=rf"{name} with 1 values.*at \[5, 3, 1\]: {bad}"):
            method(episodes)


def test_what_float32_cannot_hold_is_refused_too():
    keras.utils.set_random_seed(0)
    learner = tfmeta.MAML(tfmeta.networks.mlp((4,), 2, units=(5,)), targets="classes")
    with pytest.raises(UserError, match=r"no finite numbers in float32.*\[0, 0\]: inf"):
        learner.adapt(np.full((2, 4), 1e300), np.arange(2))


@pytest.mark.fault("a support set in an NPZ with NaN in it", "refused, with its place")
@BAD
@pytest.mark.parametrize("name", ["x", "y"])
def test_a_support_set_in_a_file_is_finite(tmp_path, bad, name):
    arrays = {"x": np.ones((4, 3), np.float32), "y": np.ones((4, 1), np.float32)}
    arrays[name][2, 0] = bad
    np.savez(tmp_path / "support.npz", **arrays)
    facts = SourceFacts(name="regression", input_shape=(3,), input_format=PLAIN, target_size=1)
    with pytest.raises(UserError, match=rf"holds {name} with {bad} at \[2, 0\]; expected finite"):
        read_support_arrays(tmp_path / "support.npz", facts, num_classes=None)
