"""Training goes on with the examples that it began with."""

from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.errors import UserError
from tfmeta.training.run_directory import RunDirectory


def check_examples(run: RunDirectory, source: EpisodeSource) -> None:
    """Raises UserError if a run's data has more or fewer examples than when the run was made.

    Each episode is drawn from all examples of its classes, so that the run would end elsewhere.
    Runs of older versions do not say how many there were.
    """
    before, now = run.source_facts.num_examples, source.num_examples
    if before is None or now is None or dict(before) == dict(now):
        return
    changed = [
        f"{split} has {now.get(split, 0):,} and had {number:,}"
        for split, number in before.items()
        if number != now.get(split, 0)
    ]
    raise UserError(
        f"the data of {run.path} has other numbers of examples than when the run was made: "
        f"{'; '.join(changed)}. Bring the data back, or start a new run"
    )
