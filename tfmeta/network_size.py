"""How many weights a network would have, before room is made for them."""

import contextlib
import copy
import math
import random

import keras
from keras.src.backend.common import global_state

from tfmeta.errors import UserError

MOST_WEIGHTS = 2**28  # 1 GiB; of a network by its settings, where more is a slip of some zeros


def count_weights(make) -> int:
    """Of the network that a function makes, whose weights get no values and no room."""
    with _leaving_no_trace(), keras.StatelessScope(initialize_variables=False):
        return sum(math.prod(variable.shape) for variable in make().variables)


def check_size(make) -> None:
    """Raises UserError if the network that a function makes would have too many weights."""
    number = count_weights(make)
    if number > MOST_WEIGHTS:
        raise UserError(
            f"the network would have {number} weights; expected {MOST_WEIGHTS} at most. Make it "
            "smaller: --set network.NAME=VALUE"
        )


@contextlib.contextmanager
def _leaving_no_trace():
    """Keras keeps what waits for values in a list, which the next scope in the program makes.

    It also counts the names that it has given, and draws each layer's seed from Python's: the
    network that is made after this one would else be another.
    """
    state, seeds = vars(global_state.GLOBAL_STATE_TRACKER), random.getstate()
    kept = {
        name: copy.copy(value) if isinstance(value, list | dict) else value
        for name, value in state.items()
    }
    try:
        yield
    finally:
        state.clear()
        state.update(kept)
        random.setstate(seeds)
