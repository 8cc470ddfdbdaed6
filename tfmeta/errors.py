"""The one exception that stands for a user's mistake."""

from collections.abc import Collection


class UserError(ValueError):
    """A mistake that the user can mend: what was received, what was expected, how to fix it.

    The command line prints the message alone, without a traceback, and exits with `exit_status`:
    2 when the command was wrong, 1 when the command was right and the work failed.
    """

    def __init__(self, message: str, *, exit_status: int = 2):
        super().__init__(message)
        self.exit_status = exit_status


class NotFiniteError(UserError):
    """Training came to a step whose numbers are not finite, and stopped before it.

    Attributes:
        step: its number, from 1; of the steps of this `fit`, or of the run where there is one.
        what: what was not finite in it: "loss", "gradient" or "update" (of weights or of the
            optimizer's state).
    """

    def __init__(self, step: int, what: list[str], message: str | None = None):
        self.step, self.what = step, list(what)
        super().__init__(
            message
            or f"{self.reason}. The weights are those from before it; lower the learning rates, or "
            "look for targets and inputs that are large, not finite, or labelled out of range",
            exit_status=1,
        )

    @property
    def reason(self) -> str:
        """Which step, and what was wrong with it."""
        verb = "are" if self.what[1:] else "is"
        what = " and ".join(self.what)
        return f"training stopped at step {self.step}, in which the {what} {verb} not finite"


def listed(values: Collection[object], most: int | None = 5) -> str:
    """The first few, and how many more there are; all of them if `most` is None."""
    shown = [str(value) for value in values][:most]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def described(error: Exception) -> str:
    """An error's type and the first line of what it says, for a message in brackets."""
    reason = str(error).strip().splitlines()
    return f"{type(error).__name__}: {reason[0] if reason else 'no reason given'}"
