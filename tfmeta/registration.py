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

from tfmeta.keras_names import LOOK_UP, REGISTRY


def find_our_classes(modules) -> None:
    """From now on Keras's look-up imports `modules` for a name `tfmeta>...` that is missing."""
    if REGISTRY in sys.modules:
        _extend(sys.modules[REGISTRY], modules)
    else:
        sys.meta_path.insert(0, _AfterImport(modules))


class _AfterImport(importlib.abc.MetaPathFinder):
    """Extends the look-up once, when its module has been imported."""

    def __init__(self, modules):
        self._modules = modules

    def find_spec(self, name, path=None, target=None):
        if name != REGISTRY:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            _extend(module, self._modules)

        spec.loader.exec_module = exec_module
        return spec


def _extend(registry, modules):
    look_up = getattr(registry, LOOK_UP)

    @functools.wraps(look_up)
    def get_registered_object(name, *args, **kwargs):
        found = look_up(name, *args, **kwargs)
        if found is None and isinstance(name, str) and name.startswith("tfmeta>"):
            for module in modules:
                importlib.import_module(module)
            found = look_up(name, *args, **kwargs)
        return found

    setattr(registry, LOOK_UP, get_registered_object)
