"""How far apart two right ways to compute a number may be: the one place that says so.

A network's products of matrices are added up in an order that the processor's instructions, the
number of threads and the number of rows decide, and exponentials and roots differ in the last bit
between full registers and what is left over. None of it can be promised to the bit. Each rounding
errs by half a unit in the last place, and the errors of a sum grow with its terms: so the tolerance
is a number of roundings, of the scale of what was added up. It was not fitted to a machine.
"""

import numpy as np

# Sums of a few thousand terms in another order, through a handful of layers, and their logarithms:
# errors add up like a random walk at best and like their number at worst. A mistake in a method, a
# statistic of the wrong batch or a weight left out, is hundreds of times as large.
ROUNDINGS = 1_000
# Of a served model and its reference. Its warm-up examples are chosen so that a nudge of a few
# roundings moves no answer by more than half of that: what is left is for the order of adding up.
OF_AN_EXPORT = 160
OF_A_NUDGE, OF_ITS_EFFECT = 5, 80
# Of one model's operations on more rows or fewer: only the order within a product changes.
IN_COMPANY = 100


def rounding_error(dtype, roundings=ROUNDINGS) -> float:
    """What `roundings` may add up to, relative to the scale; 6e-5 of float32, 1e-13 of float64."""
    return roundings * float(np.finfo(dtype).eps) / 2
