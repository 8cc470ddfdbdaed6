"""How the steps of a run divide into windows; each is an epoch of Keras and a line of metrics."""

import math
from dataclasses import dataclass

_MOST_PER_FIT = 10_000


@dataclass(frozen=True)
class Windows:
    """A window ends at each multiple of `log_every` and of `validate_every`, and at the last step.

    Attributes:
        log_every: steps.
        validate_every: steps; None for a run without validation.
        last: the last step; None for a run that only time ends.
    """

    log_every: int
    validate_every: int | None = None
    last: int | None = None

    @property
    def longest(self) -> int:
        """Steps of the longest window."""
        return min(self.log_every, self.validate_every or self.log_every)

    def alike(self, step: int) -> tuple[int, int]:
        """The windows of one length that follow a step, for one call of `fit`.

        A shorter window than the longest comes alone: several steps per execution stop early only
        where the data ends.

        Returns:
            `(length, number)`.
        """
        length, number = self._end(step) - step, 1
        while length == self.longest and number < _MOST_PER_FIT:
            start = step + number * length
            if self._end(start) - start != length:
                break
            number += 1
        return length, number

    def is_validated(self, step: int) -> bool:
        """Whether validation follows a step because of its number."""
        return self.validate_every is not None and step % self.validate_every == 0

    def number_before(self, step: int) -> int:
        """How many windows end at a step or before it."""
        each, other = self.log_every, self.validate_every or self.log_every
        ends = step // each + step // other - step // math.lcm(each, other)
        if self.last and self.last <= step and self.last % each and self.last % other:
            return ends + 1
        return ends

    def _end(self, step: int) -> int:
        """Where the window ends that begins after a step."""
        ends = [step - step % n + n for n in (self.log_every, self.validate_every) if n]
        return min(ends if self.last is None else [*ends, self.last])
