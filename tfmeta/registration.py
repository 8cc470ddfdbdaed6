"""Lets Keras find tfmeta's classes in a saved file, though `import tfmeta` imports none of them.

Keras looks for a class in its registry. A class enters the registry when its module is imported,
and Keras imports no modules of others. So if Keras would find nothing under a name of tfmeta, all
of tfmeta's classes are imported first. The look-up is changed only when Keras itself is imported,
before or after tfmeta.
"""

import functools
import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Iterable
from typing import Any

from tfmeta.keras_names import LOOK_UP, REGISTRY


def find_our_classes(modules: Iterable[str]) -> None:
    """From now on Keras's look-up imports `modules` for a name `tfmeta>...` that is missing."""
    if REGISTRY in sys.modules:
        _extend(sys.modules[REGISTRY], modules)
    else:
        sys.meta_path.insert(0, _AfterImport(modules))


class _AfterImport(importlib.abc.MetaPathFinder):
    """Extends the look-up once, when its module has been imported."""

    def __init__(self, modules: Iterable[str]):
        self._modules = modules

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != REGISTRY:
            return None
        sys.meta_path.remove(self)
        spec: Any = importlib.util.find_spec(name)  # Keras is being imported, so it is there
        execute = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            _extend(module, self._modules)

        spec.loader.exec_module = exec_module
        return spec


def _extend(registry: Any, modules: Iterable[str]) -> None:
    look_up = getattr(registry, LOOK_UP)

    @functools.wraps(look_up)
    def get_registered_object(name: str, *args: Any, **kwargs: Any) -> Any:
        found = look_up(name, *args, **kwargs)
        if found is None and isinstance(name, str) and name.startswith("tfmeta>"):
            for module in modules:
                importlib.import_module(module)
            found = look_up(name, *args, **kwargs)
        return found

    setattr(registry, LOOK_UP, get_registered_object)
