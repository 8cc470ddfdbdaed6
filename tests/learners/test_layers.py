"""Every layer of Keras in a network of MAML: right in each number, or refused by its name.

An export of each takes minutes: `make layers` tries them all and writes docs/layers.md; here a few
of each kind are exported.
"""

import pytest
from keras_layers import NAMES, NOT_TRIED, RANDOM, REFUSED, TRIED, network_with
from layer_trials import PAGE, answers_as_keras, meta_gradient_difference, verified_exports
from nightly import rows

import tfmeta

ACCEPTED = [name for name in TRIED if name not in REFUSED]
# Random layers are all alike here: what they draw is a constant of the derivative.
DIFFERENTIATED = [*(set(ACCEPTED) - set(RANDOM)), "Dropout", "GaussianNoise", "RandomRotation"]
# Loops of the same cells as Bidirectional, GRU, Masking and ConvLSTM2D.
MORE_CELLS = {"LSTM", "LSTMCell", "GRUCell", "RNN", "SimpleRNNCell"}
MORE_CELLS |= {"StackedRNNCells", "ConvLSTM1D", "ConvLSTM3D"}
EXPORTED = ["BatchNormalization", "Bidirectional", "Embedding"]


def test_every_layer_of_keras_is_tried_or_named():
    assert set(NOT_TRIED) | set(TRIED) == set(NAMES)
    assert set(REFUSED) <= set(TRIED)


def test_the_table_in_the_docs_has_every_layer_and_nothing_wrong():
    lines = PAGE.read_text().split("| --- | --- | --- |\n")[1].partition("\n\n")[0].splitlines()
    rows = dict(line.strip("| ").split(" | ", 1) for line in lines)
    assert rows.keys() >= set(NAMES), set(NAMES) - rows.keys()
    assert {name for name, row in rows.items() if row.startswith("refused")} == set(REFUSED)
    assert {name for name, row in rows.items() if row.endswith("as Keras")} == set(ACCEPTED)


@pytest.mark.fault(
    "a layer that changes its weights, draws by Python or has a wrong second derivative",
    "refused by the layer's name when the learner is made",
)
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_layer_that_makes_no_pure_function_is_refused_by_name(name):
    with pytest.raises(ValueError, match=rf"\({name}\) {REFUSED[name]}"):
        tfmeta.MAML(network_with(name))


@pytest.mark.slow
@pytest.mark.fault(
    "any other layer of Keras, in MAML of second order",
    "its meta-gradient is that of finite differences of plain Keras",
)
@rows("name", sorted(DIFFERENTIATED), each_run=sorted({*DIFFERENTIATED} - MORE_CELLS))
def test_the_meta_gradient_is_that_of_plain_keras(name):
    difference, tolerance = meta_gradient_difference(name)
    assert difference < tolerance


@pytest.mark.fault(
    "any other layer of Keras, exported and run by TensorFlow's C++ loader",
    "it adapts and answers as plain Keras does",
)
def test_exports_answer_as_plain_keras(tmp_path):
    for name, report in verified_exports(EXPORTED, tmp_path).items():
        assert answers_as_keras(report), (name, report["checks"])
