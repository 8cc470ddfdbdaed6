"""`--trust`, the same for every command that reads what may be a stranger's."""

from typing import Any

import click

from tfmeta.named_code import trusting


def trust_option(command: Any) -> Any:
    """Adds `--trust` to a command: while it runs, the files that it reads may name code."""
    return click.option(
        "--trust",
        is_flag=True,
        expose_value=False,
        callback=_trust,
        help="Run the code that a run or a file names or holds, if it is not tfmeta's own.",
    )(command)


def _trust(context: click.Context, option: str, value: Any) -> None:
    context.with_resource(trusting(value))
