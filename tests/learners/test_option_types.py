"""Options of learners are of the types that their constructors say; nothing else is taken."""

import keras
import numpy as np
import pytest

import tfmeta
from tfmeta import UserError

NUMBER, WHOLE = "expected a finite number", "expected a whole number"
FLAG = "expected True or False"


def network(outputs=5):
    return tfmeta.networks.mlp((2,), outputs)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("MAML", {"inner_steps": True}, WHOLE),
        ("MAML", {"inner_steps": 2.0}, WHOLE),
        ("MAML", {"inner_steps": 0}, "expected a whole number from 1 up"),
        ("MAML", {"test_inner_steps": True}, WHOLE),
        ("MAML", {"inner_learning_rate": True}, NUMBER),
        ("MAML", {"inner_learning_rate": "0.1"}, NUMBER),
        ("MAML", {"inner_learning_rate": float("nan")}, NUMBER),
        ("MAML", {"inner_learning_rate": -1}, "expected a positive number"),
        ("MAML", {"multi_step_loss_steps": True}, WHOLE),
        ("MAML", {"multi_step_loss_steps": -1}, "expected a whole number from 0 up"),
        ("MAML", {"vectorised": 1}, "expected True, False or 'auto'"),
        ("MAML", {"first_order": "no"}, FLAG),
        ("MAML", {"seed": 1.5}, WHOLE),
        ("MAML", {"adapt_layers": True}, "expected 'all', 'head' or a list of layers"),
        ("Reptile", {"num_minibatches": True}, WHOLE),
        ("Ridge", {"regularisation": True}, NUMBER),
        ("Ridge", {"regularisation": float("inf")}, NUMBER),
        ("Ridge", {"regularisation": "1"}, NUMBER),
        ("Matching", {"similarity_scale": True}, NUMBER),
        ("Matching", {"read_steps": True}, WHOLE),
        ("Siamese", {"margin": True}, NUMBER),
        ("BayesLinear", {"noise_variance": True}, NUMBER),
        ("BayesLinear", {"num_outputs": True}, WHOLE),
        ("BayesLinear", {"num_outputs": 2.5}, WHOLE),
        ("MetaLSTM", {"hidden_units": True}, WHOLE),
        ("HyperNetwork", {"units": True}, WHOLE),
        ("HyperNetwork", {"class_head": "no"}, FLAG),
    ],
)
def test_another_type_is_refused_by_the_name_of_the_option(name, options, message):
    ((option, value),) = options.items()
    with pytest.raises(ValueError, match=message) as refused:
        getattr(tfmeta, name)(network(), **options)
    assert f"received {option}={value!r}" in str(refused.value)


def test_numbers_of_numpy_are_numbers():
    learner = tfmeta.MAML(
        network(), np.int64(2), inner_learning_rate=np.float32(0.5), first_order=np.bool_(True)
    )
    config = learner.get_config()
    found = {name: config[name] for name in ("inner_steps", "inner_learning_rate", "first_order")}
    assert found == {"inner_steps": 2, "inner_learning_rate": 0.5, "first_order": True}
    assert [type(value) for value in found.values()] == [int, float, bool]
    assert tfmeta.MAML.from_config(config).inner_steps == 2


def test_the_options_of_ones_own_learner_are_checked_too():
    class Mine(tfmeta.Prototypical):
        def __init__(self, network, *, pace: "float | None" = None, name_of: str = "", **kwargs):
            super().__init__(network, **kwargs)
            self.pace, self.name_of = pace, name_of

    assert (Mine(network(None)).pace, Mine(network(None), pace=1).pace) == (None, 1)
    with pytest.raises(UserError, match=r"received pace='fast'; expected a finite number"):
        Mine(network(None), pace="fast")
    with pytest.raises(UserError, match=r"received remembers='no'; expected True or False"):
        Mine(network(None), remembers="no")


@pytest.mark.parametrize("dtype", ["mixed_float16", "float64"])
def test_another_dtype_than_the_networks_is_refused(dtype):
    with pytest.raises(ValueError, match=r"a network in float32, whose layers compute as they"):
        tfmeta.MAML(network(), dtype=dtype)
    assert tfmeta.MAML(network(), dtype="float32").compute_dtype == "float32"


def test_a_regulariser_of_the_learner_would_not_count():
    with pytest.raises(ValueError, match=r"received activity_regularizer, which would not count"):
        tfmeta.MAML(network(), activity_regularizer=keras.regularizers.L2(1.0))


def test_a_learner_keeps_its_network():
    learner = tfmeta.MAML(network())
    learner.network = learner.network
    with pytest.raises(AttributeError, match=r"a MAML keeps its network; expected another one"):
        learner.network = network()


@pytest.mark.parametrize("name", ["Prototypical", "Ridge", "Matching", "Siamese", "Transfer"])
def test_its_summary_is_that_of_keras(name):
    lines = []
    getattr(tfmeta, name)(network(None)).summary(line_length=60, print_fn=lines.append)
    assert "Total params" in "".join(lines)
