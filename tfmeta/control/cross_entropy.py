"""The cross-entropy method: a search for the best sequence of actions, in the graph."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.errors import UserError

_LEAST_SPREAD = 1e-3  # of a bound's width; a spread of zero would end the search


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, Python's or NumPy's."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


@dataclass(frozen=True)
class Bounds:
    """The least and the most of each action, `(actions,)`; finite.

    Raises:
        UserError: if the shapes differ, a number is not finite, or a least is not below its most.

    Example:

    >>> tfmeta.control.Bounds([-1, -1], [1, 2]).size
    2
    """

    low: Any
    high: Any

    def __post_init__(self) -> None:
        try:
            both = (np.asarray(each, np.float32) for each in (self.low, self.high))
            low, high = map(np.atleast_1d, both)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"received the bounds {self.low!r} and {self.high!r}; expected the least and the "
                "most of each action, two vectors of numbers"
            ) from error
        are_vectors = low.ndim == 1 and low.shape == high.shape and low.size > 0
        if not are_vectors or not np.isfinite([low, high]).all() or not (low < high).all():
            raise UserError(
                f"received the bounds {np.asarray(self.low).tolist()} and "
                f"{np.asarray(self.high).tolist()}; expected one finite least and one larger most "
                "for each action"
            )
        object.__setattr__(self, "low", low)  # the object is frozen
        object.__setattr__(self, "high", high)

    @classmethod
    def of(cls, pair: Any) -> "Bounds":
        """The bounds of a pair of vectors; raises UserError if it is none."""
        if not isinstance(pair, list | tuple | np.ndarray) or len(pair) != 2:
            raise UserError(
                f"received the bounds {pair!r}; expected a pair, the least and the most of each "
                "action: ([-1.0], [1.0])"
            )
        return cls(*pair)

    @property
    def size(self) -> int:
        """The number of actions."""
        return len(self.low)

    @property
    def centre(self) -> np.ndarray:
        return (self.low + self.high) / 2

    @property
    def width(self) -> np.ndarray:
        return self.high - self.low


@dataclass(frozen=True)
class CrossEntropy:
    """Draws candidates, keeps the best, and draws again around them.

    Each iteration draws sequences of actions from normal distributions, one for each step and
    action, and clips them to the bounds. The mean and the deviation of the best ones become the
    next ones: `smoothing * old + (1 - smoothing) * new`. The answer is the last mean. De Boer,
    Kroese, Mannor and Rubinstein 2005, "A Tutorial on the Cross-Entropy Method", section 5.

    Args:
        horizon: actions in a sequence.
        candidates: sequences per iteration.
        elites: the share of them that is kept.
        iterations: how often it draws.
        smoothing: the share of the old mean and deviation, from 0 to below 1.

    Raises:
        UserError: if a number is out of its range, or fewer than two candidates would be kept.

    Example:

    >>> from tfmeta.control import Bounds, CrossEntropy
    >>> bounds, near = Bounds([-1.0], [1.0]), lambda actions: -tf.reduce_sum(actions**2, [1, 2])
    >>> search = CrossEntropy(horizon=2, iterations=8)
    >>> actions, value = search.best(near, bounds, tf.ones((2, 1)), seed=(0, 0))
    >>> bool(tf.reduce_all(abs(actions) < 0.05))
    True
    """

    horizon: int = 10
    candidates: int = 200
    elites: float = 0.1
    iterations: int = 4
    smoothing: float = 0.1

    def __post_init__(self) -> None:
        for name, least in (("horizon", 1), ("candidates", 2), ("iterations", 1)):
            value = getattr(self, name)
            if not is_whole(value) or value < least:
                raise UserError(f"received {name}={value!r}; expected a whole number from {least}")
        for name, value in (("elites", self.elites), ("smoothing", self.smoothing)):
            if not isinstance(value, int | float) or not 0 <= value < 1:
                raise UserError(f"received {name}={value!r}; expected a number from 0 to below 1")
        if self.num_elites < 2:
            raise UserError(
                f"received elites={self.elites} of candidates={self.candidates}; expected 2 or "
                "more to be kept, because one has no deviation"
            )

    @property
    def num_elites(self) -> int:
        """How many candidates are kept."""
        return round(self.elites * self.candidates)

    def best(
        self, value_of: Callable[..., Any], bounds: Bounds, mean: Any, *, seed: Any
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The best sequence that the search finds; the same for the same seed.

        Args:
            value_of: `(candidates, horizon, actions)` -> `(candidates,)`, the more the better; what
                is not finite is the worst.
            bounds: of the actions.
            mean: `(horizon, actions)`, where the search begins; the deviation is half a width.
            seed: two whole numbers.

        Returns:
            `(horizon, actions)`, and how good the worst elite of the last iteration is: it is not
            finite if too few candidates were.
        """
        seed = tf.convert_to_tensor(seed, tf.int32)
        mean = tf.convert_to_tensor(mean, tf.float32)
        spread = tf.broadcast_to(tf.constant(bounds.width / 2), mean.shape)
        worst = tf.constant(-np.inf, tf.float32)

        def iterate(number: Any, mean: Any, spread: Any, worst: Any) -> Any:
            seeds = tf.random.experimental.stateless_fold_in(seed, number)
            return number + 1, *self._iteration(value_of, bounds, (mean, spread), seeds)

        loop = (tf.constant(0), mean, spread, worst)
        _, mean, _, worst = tf.while_loop(
            lambda number, *_: number < self.iterations, iterate, loop, parallel_iterations=1
        )
        return mean, worst

    def _iteration(
        self, value_of: Callable[..., Any], bounds: Bounds, normal: Any, seed: Any
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        mean, spread = normal
        noise = tf.random.stateless_normal((self.candidates, *mean.shape), seed)
        actions = tf.clip_by_value(mean + spread * noise, bounds.low, bounds.high)
        values = tf.cast(value_of(actions), tf.float32)
        values = tf.where(tf.math.is_finite(values), values, -np.inf)
        values, kept = tf.math.top_k(values, self.num_elites)
        elites = tf.gather(actions, kept)
        new = tf.reduce_mean(elites, 0), tf.math.reduce_std(elites, 0)
        old_share, new_share = self.smoothing, 1 - self.smoothing
        mean, spread = (old_share * o + new_share * n for o, n in zip(normal, new, strict=True))
        return mean, tf.maximum(spread, _LEAST_SPREAD * bounds.width), values[-1]
