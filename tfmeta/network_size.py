"""Counts the weights that a network would have, before memory is reserved for them."""

import math
from collections.abc import Callable
from typing import Any

import keras

from tfmeta.errors import UserError
from tfmeta.keras_internals import leaving_no_trace

MOST_WEIGHTS = 2**28  # 1 GiB; if settings ask for more, some zeros are a typing error


def count_weights(make: Callable[[], Any]) -> int:
    """The number of weights of the network that a function makes; no memory is reserved."""
    with leaving_no_trace(), keras.StatelessScope(initialize_variables=False):
        return sum(math.prod(variable.shape) for variable in make().variables)


def check_size(make: Callable[[], Any]) -> None:
    """Raises UserError if the network that a function makes would have too many weights."""
    number = count_weights(make)
    if number > MOST_WEIGHTS:
        raise UserError(
            f"the network would have {number} weights; expected {MOST_WEIGHTS} at most. Make it "
            "smaller: --set network.NAME=VALUE"
        )
