"""Support sets and queries as the network takes them."""

from typing import Any

import tensorflow as tf

from tfmeta.errors import UserError
from tfmeta.reading.example_reader import Examples, SupportSet
from tfmeta.reading.graph_messages import in_words
from tfmeta.reading.in_memory import read_support
from tfmeta.reading.input_format import InputFormat


def read_support_arrays(given: Any, facts: Any, *, num_classes: int | None) -> SupportSet:
    """A support set whose x is what the network takes: prepared images, or numbers.

    Args:
        given: a folder with one subfolder of images per class, an NPZ file of x and y, a table, or
            data in memory.
        facts: the SourceFacts of the run.
        num_classes: the most classes that the learner can answer with; None for any number.

    Raises:
        UserError: if it can't be read, or does not fit the learner.
    """
    support = read_support(facts.reader(), given, num_classes=num_classes)
    return support._replace(x=prepared(facts.input_format, support.x, "the support set"))


def prepared(input_format: InputFormat, x: Examples, name: str) -> Any:
    """Examples as the network takes them, prepared as in training.

    Args:
        input_format: of the examples.
        x: what its reader returned.
        name: of the examples, for the refusal.

    Raises:
        UserError: if the graph refuses one that the reader took.
    """
    try:
        return input_format.prepare(x, name=name)
    except tf.errors.InvalidArgumentError as error:
        raise UserError(f"an example is refused: {in_words(error.message)}") from error
