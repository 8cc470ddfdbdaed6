"""The exceptions for users' mistakes, and words for their messages."""

import difflib
from collections.abc import Collection, Iterable


class UserError(ValueError):
    """A mistake that the user can correct; says what was received, what was expected, what to do.

    The command line prints only the message, without a traceback, and exits with `exit_status`: 2
    if the command was wrong, 1 if the command was right and the work failed.
    """

    def __init__(self, message: str, *, exit_status: int = 2):
        super().__init__(message)
        self.exit_status = exit_status


class NotFiniteError(UserError):
    """Training reached a step whose numbers are not finite, and stopped before it.

    Attributes:
        step: its number, from 1, among the steps of the run, or else of this `fit`.
        what: what was not finite: "loss", "gradient" or "update" (of weights or of the optimizer's
            state).
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
        """A sentence that says which step, and what was wrong with it."""
        verb = "are" if self.what[1:] else "is"
        what = " and ".join(self.what)
        return f"training stopped at step {self.step}, in which the {what} {verb} not finite"


def plural(noun: str) -> str:
    """Of a noun in the singular."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    return f"{noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{noun}s"


def counted(number: int, noun: str) -> str:
    """A number and what is counted: "1 class", "2 classes"; the noun is in the singular."""
    return f"1 {noun}" if number == 1 else f"{number:,} {plural(noun)}"


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """Such as "unknown network 'minlm' (did you mean minilm?)"."""
    near = difflib.get_close_matches(str(name), list(known), 1, cutoff=0.75)
    return f"unknown {what} {name!r}{f' (did you mean {near[0]}?)' if near else ''}"


def which_are(number: int, noun: str, of: object) -> str:
    """Such as "1 class of FILE is" and "2 classes of FILE are"."""
    return f"{counted(number, noun)} of {of} {'is' if number == 1 else 'are'}"


def listed(values: Collection[object], most: int | None = 5, *, between: str = ", ") -> str:
    """The first few values, and how many more there are; all values if `most` is None."""
    shown = [str(value) for value in values][:most]
    more = len(values) - len(shown)
    return between.join(shown) + (f" and {more} more" if more else "")


def described(error: Exception) -> str:
    """An error's type and the first line of what it says, for a message in brackets."""
    reason = str(error).strip().splitlines()
    return f"{type(error).__name__}: {reason[0] if reason else 'no reason given'}"
