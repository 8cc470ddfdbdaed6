"""The numbers of a run named with the episodes that they are of.

Training episodes may have more classes than the task, so that an accuracy of 60 ways and one of 5
stand side by side, and the larger one may be the worse.
"""

from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.training.plan import Plan

_VALIDATION = "validation_"
_OF_NO_EPISODE = ("learning_rate", "progress", "step")


def tag_of(name: str, plan: Plan) -> str:
    """How TensorBoard calls a number of metrics.jsonl, such as "train/accuracy_60way"."""
    if name in _OF_NO_EPISODE:
        return f"train/{name}"
    part = "validation" if name.startswith(_VALIDATION) else "train"
    return f"{part}/{with_ways(name.removeprefix(_VALIDATION), _shape(name, plan), plan)}"


def with_ways(name: str, shape: EpisodeShape, plan: Plan) -> str:
    """A number's name with the ways of its episodes; as it is if targets are values."""
    return name if plan.source.target_kind.are_values else f"{name}_{shape.ways}way"


def in_words(name: str, plan: Plan) -> str:
    """How a number of metrics.jsonl is called to people, such as "60-way accuracy"."""
    words = name.replace("_", " ")
    if plan.source.target_kind.are_values or name in _OF_NO_EPISODE:
        return words
    return f"{_shape(name, plan).ways}-way {words}"


def _shape(name: str, plan: Plan) -> EpisodeShape:
    return plan.task_shape if name.startswith(_VALIDATION) else plan.training_shape
