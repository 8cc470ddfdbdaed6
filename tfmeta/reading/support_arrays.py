"""A support set as the network takes it."""

from typing import Any

from tfmeta.reading.example_reader import SupportSet
from tfmeta.user_files import AnyPath


def read_support_arrays(path: AnyPath, facts: Any, *, num_classes: int | None) -> SupportSet:
    """A support set whose x is what the network takes: prepared images, or numbers.

    Args:
        path: a folder with one subfolder of images per class, an NPZ file of x and y, or a table.
        facts: the SourceFacts of the run.
        num_classes: the most classes that the learner can answer with; None for any number.

    Raises:
        UserError: if it can't be read, or does not fit the learner.
    """
    support = facts.reader().support(path, num_classes=num_classes)
    return support._replace(x=facts.input_format.prepare(support.x))
