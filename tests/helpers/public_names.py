"""Writes tests/system/public_names.txt: what `tfmeta` exports, by name and signature.

    python tests/helpers/public_names.py

Types are left out; the type checker compares those.
"""

import inspect
from pathlib import Path

import tfmeta

PAGE = Path(__file__).parents[1] / "system" / "public_names.txt"


def page() -> str:
    public = {f"tfmeta.{name}": getattr(tfmeta, name) for name in tfmeta.__all__}
    networks = public.pop("tfmeta.networks")
    public |= {f"tfmeta.networks.{name}": getattr(networks, name) for name in networks.__all__}
    return "".join(f"{name}{arguments_of(value)}\n" for name, value in public.items())


def arguments_of(value) -> str:
    """In parentheses, with their defaults; a value that is not called has none."""
    if not callable(value):
        return ""
    # Keras gives its classes a `__new__` that takes anything; a named tuple has no `__init__`.
    has_init = inspect.isclass(value) and value.__init__ is not object.__init__
    signature = inspect.signature(value.__init__ if has_init else value)
    return str(
        inspect.Signature(
            [shown(each) for each in signature.parameters.values() if each.name != "self"]
        )
    )


def shown(parameter):
    default = parameter.default
    if inspect.isfunction(default):  # its address would differ each time
        default = ...
    return parameter.replace(annotation=parameter.empty, default=default)


if __name__ == "__main__":
    PAGE.write_text(page())
