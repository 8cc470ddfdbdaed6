"""Packages that only some work needs; each is installed by an extra of tfmeta."""

import importlib
from types import ModuleType

from tfmeta.errors import UserError


def import_extra(module: str, *, package: str, extra: str) -> ModuleType:
    """Imports a package that an extra installs.

    Args:
        module: the module to import, such as `tensorflow_datasets`.
        package: its name for pip, such as `tensorflow-datasets`.
        extra: the extra of tfmeta that has it, such as `tfds`.

    Raises:
        UserError: if the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or module).partition(".")[0] != module:
            raise  # the package is installed, but one that it needs is not
        raise UserError(f"this needs {package}: pip install 'tfmeta[{extra}]'") from error
