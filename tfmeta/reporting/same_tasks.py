"""Whether runs can be compared: whether they are tested on the same tasks."""

from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.errors import UserError
from tfmeta.inspection.identity import digest_as_given
from tfmeta.reporting.tested_run import TestedRun


def check_same_tasks(first: tuple[str, FixedEpisodes], second: tuple[str, FixedEpisodes]) -> None:
    """Refuses a run whose tasks are of another kind or size than the first run's.

    Args:
        first: of the runs that are compared, its name and the episodes that it would be tested on.
        second: another one.

    Raises:
        UserError: with the names of both.
    """
    (first_name, of_first), (name, tests) = first, second
    kinds = [each.source.target_kind for each in (of_first, tests)]
    if kinds[0] != kinds[1]:
        raise UserError(
            f"{first_name} learns {kinds[0]}, {name} {kinds[1]}; expected runs with the same "
            "targets"
        )
    one, other = (each.shape.protocol() for each in (of_first, tests))
    for size in {**one, **other}:
        if one.get(size) != other.get(size):
            option = size.removeprefix("num_").removeprefix("least_")
            raise UserError(
                f"{first_name} is for tasks with {size}={one.get(size)}, {name} for "
                f"{size}={other.get(size)}; expected the same tasks. Choose them: {option}=... "
                f"(--{option.replace('_', '-')})"
            )


def check_same_episodes(first: TestedRun, other: TestedRun) -> None:
    """Refuses runs that do not see the same examples in the same episodes.

    Raises:
        UserError: with the names of both.
    """
    if first.digest == other.digest:
        return
    given = [digest_as_given(each.tests) for each in (first, other)]
    if given[0] is None or given[0] != given[1]:
        sources = [each.source.name for each in (first, other)]
        raise UserError(
            f"{first.name} and {other.name} have different episodes ({sources[0]}, "
            f"{first.digest[:16]}; {sources[1]}, {other.digest[:16]}), so that their results can't "
            "be compared. Test them on the same data: with pipeline=... and data_dir=... "
            "(--pipeline, --data-dir), or on a file of `tfmeta episodes` (--episodes)"
        )
