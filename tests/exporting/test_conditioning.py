"""How far apart two right answers may be: by what a nudge of the examples does to them."""

import numpy as np
from closeness import assert_close

from tfmeta.exporting.writing.conditioning import well_conditioned
from tfmeta.precision import MOST_OF_AN_EXPORT, OF_AN_EXPORT, rounding_error

USUAL, MOST = (rounding_error(np.float32, n) for n in (OF_AN_EXPORT, MOST_OF_AN_EXPORT))


def tolerance(enlarged):
    """Of answers that are `enlarged` times their examples, which are numbers around one."""

    def draw(seed):
        return np.random.default_rng(seed).normal(size=1000).astype(np.float32)

    def respond(x, nudge):
        return [(nudge(x) - x).astype(np.float64) * enlarged + 0.5]

    return well_conditioned(draw, respond)[1]


def test_a_network_that_enlarges_nothing_has_the_usual_tolerance():
    assert tolerance(1) == USUAL


def test_one_that_enlarges_roundings_has_as_much_more():
    assert USUAL < tolerance(10) < tolerance(100) < MOST
    assert_close(tolerance(100), 10 * tolerance(10))


def test_it_has_an_end():
    assert tolerance(1e6) == MOST


def test_a_draw_whose_label_rounding_changes_is_not_taken():
    def respond(seed, nudge):
        is_moved = seed < 5 and nudge(np.ones(1, np.float32))[0] != 1
        return [np.array([int(is_moved)])]

    assert well_conditioned(lambda seed: seed, respond) == (5, USUAL)
