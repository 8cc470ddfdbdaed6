"""What a policy did in one task before and after it adapted, drawn."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from tfmeta.environments.attempts import Attempts
from tfmeta.environments.pictures import animation, still, task_in_words
from tfmeta.environments.rollouts import Trajectories
from tfmeta.errors import counted

_MOST = 5  # trajectories in a still picture, because more hide each other


@dataclass(frozen=True)
class TaskDrawing:
    """A task, drawn.

    Attributes:
        words: the task, and what is drawn of it.
        still: a picture.
        moving: a GIF file.
    """

    words: str
    still: Image.Image
    moving: bytes


def task_drawing(environment: str, attempts: Attempts) -> TaskDrawing:
    """Draws what a policy did in one task after each number of inner steps.

    Args:
        environment: its name; see `pictures.can_be_drawn`.
        attempts: in this task alone. The first trajectories are drawn.
    """
    (task,) = np.asarray(attempts.tasks)
    named = {_name(steps): _paths(each) for steps, each in attempts.tried.items()}
    first = {name: each[0] for name, each in named.items()}
    words = f"{task_in_words(environment, task.tolist())}: {', '.join(named)}"
    return TaskDrawing(words, still(environment, named, task), animation(environment, first, task))


def _name(steps: int) -> str:
    return f"after {counted(steps, 'step')}" if steps else "before"


def _paths(found: Trajectories) -> list[np.ndarray]:
    """The observations `(steps, size)` of the first trajectories of one task.

    After its end a trajectory stays where it is, so that the step after it tells where that is.
    """
    observations, happened = (np.asarray(t)[0, :_MOST] for t in (found[0], found.happened))
    lengths = happened.sum(1) + 1
    return [each[:length] for each, length in zip(observations, lengths, strict=True)]
