"""What an environment's own code raises, as an error that says so in one line."""

import contextlib
from collections.abc import Iterator

from tfmeta.errors import UserError, described


@contextlib.contextmanager
def running(environment: str, method: str) -> Iterator[None]:
    """Names the environment and its method in whatever its own code raises.

    Args:
        environment: its name.
        method: that is called in the body.

    Raises:
        UserError: in place of any other exception.
    """
    try:
        yield
    except Exception as error:
        raise UserError(
            f"the environment {environment} failed in its own {method} ({described(error)}); "
            "expected one that goes on until its episodes end. Mend it, then go on: a run resumes "
            "from its last checkpoint",
            exit_status=1,
        ) from error
