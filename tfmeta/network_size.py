"""How many weights a network would have, before room is made for them."""

import math

import keras

from tfmeta.errors import UserError
from tfmeta.keras_internals import leaving_no_trace

MOST_WEIGHTS = 2**28  # 1 GiB; of a network by its settings, where more is a slip of some zeros


def count_weights(make) -> int:
    """Of the network that a function makes, whose weights get no values and no room."""
    with leaving_no_trace(), keras.StatelessScope(initialize_variables=False):
        return sum(math.prod(variable.shape) for variable in make().variables)


def check_size(make) -> None:
    """Raises UserError if the network that a function makes would have too many weights."""
    number = count_weights(make)
    if number > MOST_WEIGHTS:
        raise UserError(
            f"the network would have {number} weights; expected {MOST_WEIGHTS} at most. Make it "
            "smaller: --set network.NAME=VALUE"
        )
