"""Settings as users write them: in Python, on the command line, after `--set`."""

import os
from typing import Any

from tfmeta import strict_json
from tfmeta.errors import UserError

GROUPS = ("pipeline", "network", "learner")  # `learner.inner_steps` is an option of the learner
# Options of the command line whose names are shorter than those of their settings.
_SHORT_NAMES = {
    "inner_steps": "learner.inner_steps",
    "inner_lr": "learner.inner_learning_rate",
    "recompute": "learner.recompute",
}
_RANGES = ("ways", "shots", "queries")


def as_flat(options: dict[str, Any]) -> dict[str, Any]:
    """Turns options, as workflows and commands take them, into flat settings.

    Args:
        options: settings by their names. `ways`, `shots` and `queries` are a number, or the least
            and the most; `inner_steps`, `inner_lr` and `recompute` are allowed;
            `pipeline_options`, `network_options` and `learner_options` are dictionaries.

    Raises:
        UserError: if a range does not have two numbers, or options are not a dictionary.
    """
    flat = {}
    for name, value in options.items():
        group, value = name.removesuffix("_options"), _plain(value)
        if name in _RANGES and isinstance(value, list | tuple):
            if len(value) != 2 or None in value:
                raise UserError(
                    f"received {name}={value!r}; expected a number, or the least and the most"
                )
            least, flat[name] = map(_plain, value)
            flat[f"least_{name}"] = least if least != flat[name] else None
        elif group in GROUPS and group != name:
            if not isinstance(value, dict):
                raise UserError(f"received {name}={value!r}; expected a dictionary of options")
            flat.update({f"{group}.{option}": _plain(each) for option, each in value.items()})
        else:
            flat[_SHORT_NAMES.get(name, name)] = value
    return flat


def parse_assignment(text: str) -> tuple[str, object]:
    """`key=value` of --set; the value is read as JSON if possible, else as text.

    Raises:
        UserError: if there is no `=`.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UserError(f"received --set {text!r}; expected key=value, such as --set shots=5")
    try:
        return key, strict_json.loads(value)
    except ValueError:
        return key, value


def _plain(value: Any) -> Any:
    """A path as text, a NumPy number as Python's; anything else unchanged."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def shown_name(key: str) -> str:
    """A setting's key as users know it: `inner_lr` for `learner.inner_learning_rate`."""
    return {long: short for short, long in _SHORT_NAMES.items()}.get(key, key)
