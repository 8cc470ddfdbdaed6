"""A function of TensorFlow's that Keras calls, replaced for a while and in one thread."""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any


class ReplacedFunction:
    """A function that another one replaces in the body of `here()`, and nowhere else.

    It is put in place once, when it is first needed, so that an import changes nothing.

    Args:
        module: that has the function under a public name.
        name: of the function.
        replacement: `(original, *args, **kwargs)`, called as the function is, but for the original.
    """

    def __init__(self, module: Any, name: str, replacement: Callable[..., Any]):
        self._module, self._name, self._replacement = module, name, replacement
        self._is_replaced = contextvars.ContextVar(f"tfmeta_{name}", default=False)

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """Replaces the function in its body, in this thread only."""
        _ = self._installed
        token = self._is_replaced.set(True)
        try:
            yield
        finally:
            self._is_replaced.reset(token)

    @functools.cached_property
    def _installed(self) -> Callable[..., Any]:
        original = getattr(self._module, self._name)

        @functools.wraps(original)
        def function(*args: Any, **kwargs: Any) -> Any:
            if self._is_replaced.get():
                return self._replacement(original, *args, **kwargs)
            return original(*args, **kwargs)

        setattr(self._module, self._name, function)
        return function
