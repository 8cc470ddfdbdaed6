"""Errors of a source's own code that TensorFlow wraps, given back as they were raised."""

import contextlib
import re
from collections.abc import Iterator

import tensorflow as tf

from tfmeta.errors import UserError

_RAISED = re.compile(r"(?:^|\s)UserError: (.*?)\nTraceback ", re.DOTALL)


@contextlib.contextmanager
def as_raised() -> Iterator[None]:
    """Raises a UserError again that was raised while a dataset called Python."""
    try:
        yield
    except tf.errors.OpError as error:
        if found := _RAISED.search(error.message):
            raise UserError(found[1]) from error
        raise
