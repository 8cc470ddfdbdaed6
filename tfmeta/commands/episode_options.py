"""The options that say how episodes are drawn, the same for every command that draws some."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import click

from tfmeta.errors import UserError

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


class _Range(click.ParamType):  # type: ignore[type-arg]  # generic only for type checkers
    """A number, or from one to another: `5` or `5-10`."""

    name = "N or A-B"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        matched = _RANGE.fullmatch(value) if isinstance(value, str) else None
        if matched is None:
            self.fail(f"received {value!r}; expected a number, such as 5, or a range, 5-10")
        least, most = matched.group(1), matched.group(2) or matched.group(1)
        return int(least), int(most)


_OPTIONS = (
    click.option("--ways", type=_Range(), help="Classes per episode.  [default: {ways}]"),
    click.option("--shots", type=_Range(), help="Support examples per class.  [default: {shots}]"),
    click.option("--queries", type=_Range(), help="Queries per class.  [default: {queries}]"),
    click.option(
        "--unbalanced/--balanced",
        default=None,
        help="With a range of shots, each class of an episode has its own number, or not.",
    ),
    click.option(
        "--within-group/--across-groups",
        default=None,
        help="Classes of one group (alphabet) only, or of all.",
    ),
    click.option(
        "--query-other-group/--query-same-group",
        default=None,
        help="Support of one group (speaker), queries of another with classes of the same names.",
    ),
    click.option(
        "--skip-small-classes",
        is_flag=True,
        default=None,
        help="Leave out classes with too few examples; says which.",
    ),
    click.option(
        "--skip-unreadable",
        is_flag=True,
        default=None,
        help="Leave out files that can't be read; says which.",
    ),
)


def episode_options(**defaults: Any) -> Callable[..., Any]:
    """Adds `--ways`, `--shots`, `--queries` and how classes are chosen to a command."""

    def add(command: Any) -> Any:
        for option in reversed(_OPTIONS):
            command = option(command)
        for each in command.__click_params__:
            if each.name in defaults:
                each.help = each.help.format(**defaults)
        return command

    return add


def given_options(options: dict[str, Any]) -> dict[str, Any]:
    """The `{option: value}` of a command that the user gave."""
    return {name: value for name, value in options.items() if value is not None}


def pipeline_options(assignments: Sequence[str], *others: str) -> dict[str, Any]:
    """`--set pipeline.NAME=VALUE` as settings, of a command that takes few others.

    Raises:
        UserError: if one is no option of the pipeline.
    """
    from tfmeta.training.flat_settings import parse_assignment

    own = dict(map(parse_assignment, assignments))
    wrong = [key for key in own if not key.startswith("pipeline.") and key not in others]
    if wrong:
        what = f", or {' or '.join(others)}" if others else " alone"
        raise UserError(f"received --set {wrong[0]}; expected an option of the pipeline's{what}")
    return own
