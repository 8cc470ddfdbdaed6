"""The content of a file of weights, once it is known to be the one that was reviewed."""

import hashlib

from tfmeta.errors import UserError, described
from tfmeta.user_files import AnyPath, read_file

_MOST = 2**30  # bytes of a file


def reviewed_content(path: AnyPath, *, sha256: str) -> bytes:
    """The content of a file of weights.

    Args:
        path: of the file.
        sha256: the digest that the file must have, in hexadecimal digits.

    Raises:
        UserError: if the file can't be read, or is another one.
    """
    try:
        content = read_file(path, most=_MOST)
    except OSError as error:
        raise UserError(f"cannot read the weights in {path}: {described(error)}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise UserError(
            f"{path} has the SHA-256 digest {found}; expected {sha256}. Install it again"
        )
    return content
