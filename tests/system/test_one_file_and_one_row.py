"""A learner and a network are one file and one row each: by name, both train."""

import sys

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import tfmeta
from tfmeta import network_registry, networks
from tfmeta.cli import main
from tfmeta.learners import ALGORITHMS, Algorithm
from tfmeta.network_registry import NETWORKS, Network

LEARNER = '''
import keras
import tensorflow as tf
import tfmeta
from tfmeta.learners.recipe import Recipe


@keras.saving.register_keras_serializable("last_answer")
class LastAnswer(tfmeta.MetaLearner):
    """Answers with what its network does, moved by the mean of the support set's targets."""

    def adapt(self, support_x, support_y):
        return {"mean": tf.reduce_mean(support_y, 0)}

    def predict_with(self, task_state, query_x):
        outputs = self.function.with_statistics(self.function.weights(), [], query_x)
        return outputs + task_state["mean"]

    def task_gradients(self, episode):
        return self.query_gradients(episode)

    @classmethod
    def recipe(cls, options, *, regression):
        return Recipe(options, steps=1, meta_batch=2)
'''
NETWORK = """
import keras


def line(input_shape=(1,), num_outputs=1):
    inputs = keras.Input(input_shape)
    return keras.Model(inputs, keras.layers.Dense(num_outputs)(inputs), name="line")
"""


@pytest.fixture
def added(tmp_path, monkeypatch):
    """Both files, each with its row, for as long as a test."""
    (tmp_path / "last_answer.py").write_text(LEARNER)
    (tmp_path / "line_network.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(ALGORITHMS, "last-answer", Algorithm("last_answer:LastAnswer", "a mean"))
    row = Network("line_network:line", "a straight line", (1,), 2)
    monkeypatch.setitem(network_registry.NETWORKS, "line", row)
    monkeypatch.setattr(networks, "NAMES", tuple(NETWORKS))
    monkeypatch.setattr(networks, "line", row.load(), raising=False)
    yield
    for name in ("last_answer", "line_network"):
        sys.modules.pop(name, None)


def test_both_are_listed_and_train_a_step_by_name(added, tmp_path):
    for command, line in (("algorithms", "last-answer"), ("networks", "line")):
        assert f"\n{line} " in CliRunner().invoke(main, [command]).stdout
    run = tmp_path / "run"
    options = {"network": "line", "steps": 1, "validation_tasks": 0, "seed": 3}
    tfmeta.train("sinusoid", algorithm="last-answer", run_dir=run, **options)
    trained = tfmeta.load(run, trust=True)  # its learner is not in the package
    assert (type(trained).__name__, trained.network.name) == ("LastAnswer", "line")
    assert (run / "metrics.jsonl").read_text().count("\n") == 1


@pytest.mark.parametrize(("name", "algorithm"), [("ANIL", "anil"), ("FOMAML", "fomaml")])
def test_python_has_the_command_lines_names_of_maml(name, algorithm):
    def network():
        keras.utils.set_random_seed(1)
        return tfmeta.networks.mlp((2,), 3, units=(4,))

    learner = getattr(tfmeta, name)(network(), 2, inner_learning_rate=0.1)
    options = ALGORITHMS[algorithm].options
    expected = tfmeta.MAML(network(), 2, inner_learning_rate=0.1, **options)
    assert type(learner) is tfmeta.MAML
    for key in ("first_order", "adapt_layers", "inner_steps", "inner_learning_rate"):
        assert learner.get_config()[key] == expected.get_config()[key]
    x, y = np.eye(3, 2, dtype=np.float32), np.arange(3)
    episode = tfmeta.Episode(x, y, x, y)
    for one, other in zip(
        learner.task_gradients(episode)[0], expected.task_gradients(episode)[0], strict=True
    ):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(TypeError, match="multiple values"):
        getattr(tfmeta, name)(network(), **options)
