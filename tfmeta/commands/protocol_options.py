"""The options that say which episodes runs are tested on, and what stands beside them."""

from typing import Any

import click

from tfmeta.commands import completion
from tfmeta.commands.episode_options import episode_options, pipeline_options
from tfmeta.errors import UserError

_BASELINES = click.option(
    "--baselines/--no-baselines",
    default=True,
    help="Compare with what needs no learning, on the same episodes.  [default: baselines]",
)


def testing_options(command: Any) -> Any:
    """Adds the options about episodes to a command; `given_episodes` reads them."""
    return options_of_episodes(command, tasks=600)


def options_of_episodes(command: Any, *, tasks: int) -> Any:
    """`testing_options` for another number of tasks.

    Args:
        command: a function.
        tasks: that it takes by default.
    """
    for option in reversed(_options(tasks)):
        command = option(command)
    return command


def _options(tasks: int) -> tuple[Any, ...]:
    return (
        click.option("--split", help="train, validation, test or all.  [default: test]"),
        click.option("--tasks", type=click.IntRange(1), help=f"Test episodes.  [default: {tasks}]"),
        episode_options(ways="as trained", shots="as trained", queries="as trained"),
        click.option(
            "--pipeline",
            shell_complete=completion.pipelines,
            help="Test on another pipeline than the run's.",
        ),
        click.option("--set", "assignments", multiple=True, metavar="pipeline.NAME=VALUE"),
        click.option("--data-dir", type=click.Path(), help="Where the pipeline's data is."),
        click.option("--seed", type=int, help="Of the test episodes.  [default: 0]"),
        click.option(
            "--episodes", type=click.Path(), help="A file of `tfmeta episodes` to test on."
        ),
    )


def protocol_options(command: Any) -> Any:
    """Adds these and `--baselines` to a command; `given_protocol` reads them."""
    return testing_options(_BASELINES(command))


def given_protocol(options: dict[str, Any]) -> dict[str, Any]:
    """The options that the user gave, as arguments of a workflow: the protocol and `baselines`.

    Args:
        options: all that `protocol_options` added.

    Raises:
        UserError: if there are a file of episodes and a protocol.
    """
    baselines = options.pop("baselines")
    return {**given_episodes(options), "baselines": baselines}


def given_episodes(options: dict[str, Any]) -> dict[str, Any]:
    """The options that the user gave, as arguments of a workflow: the protocol alone.

    Args:
        options: all that `testing_options` added.

    Raises:
        UserError: if there are a file of episodes and a protocol.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    episodes = given.pop("episodes", None)
    if episodes is not None and given:
        first = "set" if "assignments" in given else next(iter(given)).replace("_", "-")
        raise UserError(f"received --episodes and --{first}; the file says which episodes they are")
    given |= pipeline_options(given.pop("assignments", ()))
    return {**given, "episodes": episodes}
