"""How far apart two right ways to compute a number may be.

The order of the sums in a network's matrix products depends on the processor's instructions, the
number of threads and the number of rows. Exponentials and roots differ in the last bit between full
registers and the rest. So none of these can be equal to the bit. Each rounding is wrong by half a
unit in the last place, and the errors of a sum grow with its terms. So the tolerance is a number of
roundings, relative to the scale of the sum. It was not fitted to a machine.
"""

from typing import Any

import numpy as np

# For sums of a few thousand terms in another order, through a few layers, and their logarithms.
# Errors add up like a random walk at best, and like their number at worst. The error of a wrong
# method, such as a statistic of the wrong batch, is hundreds of times as large.
ROUNDINGS = 1_000
# For a served model and its reference. Its warm-up examples are chosen so that a change of a few
# roundings changes no answer by more than half of this; the rest is for the order of sums.
OF_AN_EXPORT = 160
OF_A_NUDGE, OF_ITS_EFFECT = 5, 80
# For a network that enlarges a change of any examples, as a deep one does, twice the effect is
# allowed, up to this. Rounding does not explain more.
MOST_OF_AN_EXPORT = 16_000
# For the same model with more or fewer rows: only the order within a product changes.
IN_COMPANY = 100


def rounding_error(dtype: Any, roundings: Any = ROUNDINGS) -> float:
    """The size of this many roundings, relative to the scale: 6e-5 in float32, 1e-13 in float64."""
    return roundings * float(np.finfo(dtype).eps) / 2
