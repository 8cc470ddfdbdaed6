"""Networks of many kinds with learners of each kind: as Keras, or refused with the reason."""

import numpy as np
import pytest
from closeness import assert_close
from layer_trials import PAGE, answers_as_keras, verify
from network_trials import (
    LEARNERS,
    NETWORKS,
    RANDOM,
    REFUSED,
    gradients,
    learner,
    network,
    section,
    task,
)
from nightly import crossed

from tfmeta.exporting.writing.exporter import export_model

TAKEN = [name for name in NETWORKS if name not in REFUSED]
DEEP = {"MobileNet"}  # each operation rounds
# Of each network with random layers, and of each learner, one; and one that adapts its structure.
EXPORTED = {
    "subclassed": "maml",
    "attention": "ridge",
    "recurrent": "prototypical",
    "augmentation": "hypernetwork",
    "searched cells": "maml",
}


def test_the_docs_have_each_network_and_learner():
    assert section() in PAGE.read_text()


@pytest.mark.fault("a network of any kind with a learner of any kind", "it answers as plain Keras")
@crossed("name, method", TAKEN, list(LEARNERS))
def test_a_task_is_answered_as_by_keras_alone(name, method):
    made, one = learner(name, method), task(name)
    answer = made.predict_with(made.adapt(one.support_x, one.support_y), one.query_x)
    expected = made.reference_answer(one.support_x, one.support_y, one.query_x)
    options = {"roundings": 10_000} if name in DEEP else {}
    assert_close(answer, expected, scale=max(1.0, np.abs(expected).max()), **options)


@crossed("name, method", TAKEN, list(LEARNERS))
def test_a_training_step_is_finite_and_what_its_episode_decides(name, method):
    first, again, other = (gradients(name, method, words) for words in ((1, 2), (1, 2), (3, 4)))
    assert all(np.isfinite(each).all() for each in first)
    assert any(np.any(each) for each in first[:-1])
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert (first[-1] != other[-1]) == (name in RANDOM)


@pytest.mark.parametrize("method", LEARNERS)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_right_is_refused_by_the_layers_name(name, method):
    with pytest.raises(ValueError, match=rf"the network's layer '\w+' .*{REFUSED[name]}"):
        LEARNERS[method](network(name))


def test_their_exports_answer_as_keras(tmp_path):
    folders = {
        name: export_model(learner(name, method), tmp_path / name)
        for name, method in EXPORTED.items()
    }
    for name, report in verify(folders).items():
        assert answers_as_keras(report), (name, report["checks"])
