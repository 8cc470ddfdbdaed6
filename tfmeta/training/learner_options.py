"""The options of a learner's class: the arguments of its constructor and its base classes'."""

import inspect
from collections.abc import Mapping
from inspect import Parameter
from typing import Any

import keras

from tfmeta.errors import UserError
from tfmeta.training.flat_settings import shown_name

# the run itself gives these
_FROM_THE_RUN = (
    *("self", "network", "targets", "transductive", "num_outputs", "seed"),
    *("num_training_classes", "num_steps"),
)


def option_names(learner_class: type[Any]) -> list[str]:
    """What a user may set as `learner.NAME`."""
    return [name for name in _parameters(learner_class) if name not in _FROM_THE_RUN]


def default_options(learner_class: type[Any]) -> dict[str, Any]:
    """The defaults, without those that are None, which means "it depends"."""
    parameters = _parameters(learner_class)
    defaults = {name: parameters[name].default for name in option_names(learner_class)}
    return {k: v for k, v in defaults.items() if v not in (Parameter.empty, None)}


def check_options(learner_class: type[Any], options: Mapping[str, Any], algorithm: str) -> None:
    """Raises UserError if the class has no such option, or one that is a number is given as text.

    Args:
        learner_class: of the learner.
        options: by their names.
        algorithm: the name of the learner that the user knows.
    """
    known, defaults = option_names(learner_class), default_options(learner_class)
    for name, value in options.items():
        if name not in known:
            raise UserError(
                f"algorithm {algorithm} has no option {name!r}; it has: {', '.join(known)}"
            )
        if isinstance(value, str) and isinstance(defaults.get(name), int | float):
            expected = "True or False" if isinstance(defaults[name], bool) else "a number"
            raise UserError(
                f"received {shown_name(f'learner.{name}')}={str(value)!r}; expected {expected}, "
                f"such as {defaults[name]}"
            )


def _parameters(learner_class: type[Any]) -> dict[str, inspect.Parameter]:
    found: dict[str, inspect.Parameter] = {}
    for each in learner_class.__mro__:
        if each is keras.Model:
            break
        if "__init__" in vars(each):
            parameters = inspect.signature(vars(each)["__init__"]).parameters.values()
            named = [p for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
            found = {**found, **{p.name: p for p in named if p.name not in found}}
    return found
