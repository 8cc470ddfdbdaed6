"""The one exception that stands for a user's mistake."""


class UserError(ValueError):
    """A mistake that the user can mend: what was received, what was expected, how to fix it.

    The command line prints the message alone, without a traceback, and exits with `exit_status`:
    2 when the command was wrong, 1 when the command was right and the work failed.
    """

    def __init__(self, message: str, *, exit_status: int = 2):
        super().__init__(message)
        self.exit_status = exit_status


def listed(values, most: int | None = 5) -> str:
    """The first few, and how many more there are; all of them if `most` is None."""
    shown = [str(value) for value in values][:most]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
