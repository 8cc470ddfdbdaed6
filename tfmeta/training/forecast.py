"""How long a run will take at the speed that was measured, in words."""

from tfmeta.errors import counted
from tfmeta.training.settings import Settings

_NOTHING_TO_SAY = 60.0  # seconds: a run that ends sooner needs no forecast
_LONG = 3600.0
_REMEDY = (
    "To end sooner: --max-minutes M in place of --steps, fewer --steps, a smaller --network, or a "
    "pretrained network whose features are computed once (--train head). A few classes alone are "
    "learned without training by tfmeta learn"
)


def takes_long(seconds_per_step: float, settings: Settings, *, step: int, minutes: float) -> bool:
    """Whether a run will need more than an hour for its steps; see `forecast`."""
    steps, most_minutes = settings.steps, settings.max_minutes
    if steps is None:
        return False
    left = (steps - step) * seconds_per_step
    return left > _LONG and (most_minutes is None or left <= 60 * (most_minutes - minutes))


def forecast(
    seconds_per_step: float, settings: Settings, *, step: int = 0, minutes: float = 0.0
) -> list[str]:
    """Lines that say when a run will end, and what to do if that is hours away.

    Args:
        seconds_per_step: as measured, without validations and checkpoints.
        settings: of the run, resolved.
        step: the steps that it has taken.
        minutes: the training time that it has used.

    Returns:
        No line if it ends within a minute.
    """
    steps, most_minutes = settings.steps, settings.max_minutes
    left = float("inf") if steps is None else (steps - step) * seconds_per_step
    time_left = float("inf") if most_minutes is None else 60 * (most_minutes - minutes)
    if min(left, time_left) < _NOTHING_TO_SAY:
        return []
    speed = f"at {_duration(seconds_per_step)} per step, validations aside,"
    if steps is None or time_left < left:
        reached = step + int(time_left / seconds_per_step)
        of = "" if steps is None else f" of {steps:,}"
        return [f"{speed} max_minutes={most_minutes:g} reaches about step {reached:,}{of}"]
    lines = [f"{speed} the {steps - step:,} steps left take about {_duration(left)}"]
    if takes_long(seconds_per_step, settings, step=step, minutes=minutes):
        reached = step + int(_LONG / seconds_per_step)
        lines.append(
            f"that is more than an hour: --max-minutes 60 reaches about step {reached:,}. {_REMEDY}"
        )
    return lines


def _duration(seconds: float) -> str:
    """Such as "25 ms", "3.2 s", "41 min", "2 h 5 min" and "3 days 4 h"."""
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{counted(days, 'day')} {hours} h"
