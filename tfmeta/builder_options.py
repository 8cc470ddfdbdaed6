"""Reads a builder's options from its source; nothing is imported, so that lists are quick."""

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def options_in_source(home: str, given: tuple[str, ...]) -> dict[str, Any]:
    """The keyword arguments of a builder, `{option: default}`.

    Args:
        home: `module:function`.
        given: names of arguments that are no options.

    Returns:
        The options; empty if the module has no source, or its builder is not a `def`.
    """
    module, _, function = home.partition(":")
    tree = _tree(module)
    found = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function)
    for builder in found:
        defaults = zip(builder.args.kwonlyargs, builder.args.kw_defaults, strict=True)
        return {
            argument.arg: _value(default, tree)
            for argument, default in defaults
            if argument.arg not in given
        }
    return {}


def _tree(module: Any) -> Any:
    try:
        spec = find_spec(module)
        return ast.parse(Path(spec.origin).read_text())  # type: ignore[union-attr, arg-type]
    except Exception:  # another package may raise anything when it is imported
        return ast.Module([], [])


def _value(node: Any, tree: Any) -> Any:
    """The value of a literal, or of a constant of this module or of one that it imports from."""
    if node is None:
        return None
    if not isinstance(node, ast.Name):
        try:
            return ast.literal_eval(node)
        except ValueError:
            return ast.unparse(node)
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            target, value = statement.targets[0], statement.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=True))
            else:
                pairs = [(target, value)]
            for name, constant in pairs:
                if getattr(name, "id", None) == node.id:
                    return _value(constant, tree)
        if isinstance(statement, ast.ImportFrom) and node.id in [n.name for n in statement.names]:
            return _value(node, _tree(statement.module))
    return ast.unparse(node)
