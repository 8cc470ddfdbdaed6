"""A function of TensorFlow's or Keras's, replaced for a while and in one thread."""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any


class ReplacedFunction:
    """A function that another one replaces in the body of `by()`, and nowhere else.

    What replaces it is put in place once, when it is first needed, so that an import changes
    nothing. Other threads call the function as it was, so that they can run networks meanwhile.

    Args:
        owner: a module or class that has the function under a public name.
        name: of the function.
    """

    def __init__(self, owner: Any, name: str):
        self._owner, self._name = owner, name
        self._replacements: contextvars.ContextVar[tuple[Callable[..., Any], ...]]
        self._replacements = contextvars.ContextVar(f"tfmeta_{name}", default=())

    @contextlib.contextmanager
    def by(self, replacement: Callable[..., Any]) -> Iterator[None]:
        """Replaces the function in its body, in this thread only.

        Args:
            replacement: `(original, *args, **kwargs)`, called as the function is, but for the
                original: the function, or in the body of another replacement, that one.
        """
        _ = self._installed
        token = self._replacements.set((*self._replacements.get(), replacement))
        try:
            yield
        finally:
            self._replacements.reset(token)

    @functools.cached_property
    def _installed(self) -> Callable[..., Any]:
        original = getattr(self._owner, self._name)

        @functools.wraps(original)
        def function(*args: Any, **kwargs: Any) -> Any:
            call = original
            for replacement in self._replacements.get():
                call = functools.partial(replacement, call)
            return call(*args, **kwargs)

        setattr(self._owner, self._name, function)
        return function
