"""Old names that still work for a while, each with a warning that says what to use instead."""

import functools
import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])
_warned: set[str] = set()

# Modules that the README once told users' own pipelines and learners to import.
MOVED = {
    "tfmeta.learners.class_room": "tfmeta.learners.class_members",
    "tfmeta.pipelines.class_index": "tfmeta.episodes.class_index",
    "tfmeta.pipelines.class_source": "tfmeta.episodes.class_source",
    "tfmeta.pipelines.episode_source": "tfmeta.episodes.episode_source",
    "tfmeta.pipelines.splitting": "tfmeta.episodes.splitting",
}


def warn_renamed(old: str, new: str, *, since: str, until: str, stacklevel: int = 2) -> None:
    """Warns, once in a process, that a name is an old one.

    Args:
        old: the name that was used.
        new: the name to use.
        since: the version that brought the new name.
        until: the version in which the old name no longer works.
        stacklevel: as in `warnings.warn`; 2 is the caller of this function's caller.
    """
    if old in _warned:
        return
    _warned.add(old)
    warnings.warn(
        f"{old} is called {new} since tfmeta {since}, and stops working in {until}; use {new}",
        DeprecationWarning,
        stacklevel=stacklevel + 1,
    )


def renamed_argument(
    old: str, new: str, *, since: str, until: str
) -> Callable[[_Function], _Function]:
    """A decorator for a function whose keyword argument `old` is now called `new`.

    Raises:
        TypeError: if the function is called with both.
    """

    def decorated(function: _Function) -> _Function:
        @functools.wraps(function)
        def with_new_name(*args: Any, **kwargs: Any) -> Any:
            if old in kwargs:
                name = function.__name__
                if new in kwargs:
                    raise TypeError(f"{name} received {old} and {new}; expected {new} alone")
                warn_renamed(f"{name}({old}=)", f"{name}({new}=)", since=since, until=until)
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return with_new_name  # type: ignore[return-value]

    return decorated


class MovedModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports modules under the names that they had before, if no file has the name.

    Args:
        moved: `{old: new}` dotted names.
        since: the version that brought the new names.
        until: the version in which the old names no longer work.
    """

    def __init__(self, moved: Mapping[str, str], *, since: str, until: str):
        self._moved = moved
        self._warn = functools.partial(warn_renamed, since=since, until=until)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._moved:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        new = self._moved[module.__name__]
        self._warn(module.__name__, new)
        now = importlib.import_module(new)
        vars(module)["__getattr__"] = lambda name: getattr(now, name)


def keep_old_names() -> None:
    """From now on the modules in `MOVED` are found under their old names too."""
    sys.meta_path.append(MovedModules(MOVED, since="0.1", until="0.3"))
