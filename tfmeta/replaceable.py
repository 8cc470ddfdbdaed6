"""Files that may take the place of an older one of their kind, and of nothing else."""

import os
from collections.abc import Callable
from pathlib import Path

from tfmeta.errors import UserError
from tfmeta.user_files import AnyPath


def check_replaceable(
    path: AnyPath, option: str, maker: str, is_ours: Callable[[Path], bool]
) -> None:
    """Refuses a place for a file that may replace an older one of its kind, and nothing else.

    Args:
        path: of the file.
        option: that names it, with an example: "--contact-sheet FILE.png".
        maker: what wrote the older one, in words.
        is_ours: whether the file that is there is such a one.

    Raises:
        UserError: if the name ends otherwise, the folder does not exist, or there is another file.
    """
    path, name = Path(path), option.partition(" ")[0]
    suffix = Path(option).suffix
    if path.suffix.lower() != suffix:
        raise UserError(f"received {name} {path}; expected a file name that ends in {suffix}")
    if not path.parent.is_dir():
        raise UserError(f"there is no folder {path.parent}; expected one for {name}")
    if os.path.lexists(path) and not (path.is_file() and is_ours(path)):
        raise UserError(
            f"{path} is there already and is no {maker}; choose another place: {option}"
        )
