"""The functions behind the signatures of a served model, traced from `adapt` and `predict_with`.

Dimension 0 of every tensor is tasks (examples, if the support set is baked in), so that a server
may batch. A kind of export says what each of its signatures takes and returns; here is how the one
comes from the other. `encoded_inputs.with_encoded` adds a variant of each for encoded examples.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfmeta.confidence import Confidence
from tfmeta.exporting.contract import LABEL, PREDICTION, PROBABILITIES, UNKNOWN, VARIANCE
from tfmeta.exporting.kinds.export_kind import ExportKind, Part
from tfmeta.exporting.writing.options import ExportOptions
from tfmeta.learners.meta_learner import MetaLearner

OUTPUTS = "outputs"  # of a learner, before they become a response
IS_EMPTY = "is_empty"  # whether queries have no content, likewise
DISTANCE = "distance"  # of queries from the support set, likewise
Tensors = dict[str, tf.Tensor]
Specs = dict[str, tf.TensorSpec]
# What each signature does, and the tensors that it takes, by its name.
Functions = dict[str, tuple[Callable[..., Tensors], Specs]]


class ServedFunctions(ABC):
    """What a learner does in each signature of a kind.

    Args:
        learner: a MetaLearner.
        kind: what is exported of it.
        options: how.
        confidence: how logits become probabilities and a score for unknown queries.

    Attributes:
        specs: the tensors of each part of a request.
        computations: `{(what is taken, what is returned): function}`.
        variables: beside those of the learner, what the model keeps.
    """

    specs: dict[Part, Specs]
    computations: dict[tuple[tuple[Part, ...], Part], Callable[..., Tensors]]
    variables: Any = None

    def __init__(
        self,
        learner: MetaLearner,
        kind: ExportKind,
        options: ExportOptions,
        confidence: Confidence,
    ):
        self.learner, self.kind = learner, kind
        self.options, self.confidence = options, confidence

    @property
    def functions(self) -> Functions:
        """The functions of the kind's signatures, in their order."""
        return {
            each.name: (
                self.computations[each.takes, each.returns],
                {name: spec for part in each.takes for name, spec in self.specs[part].items()},
            )
            for each in self.kind.signatures
        }

    @property
    @abstractmethod
    def num_outputs(self) -> int | None:
        """How many classes or values an answer has; None: as many classes as the support set."""

    @abstractmethod
    def answer(self, answered: Tensors) -> Tensors:
        """What `answered` returned, as a response."""

    def answered(self, state: dict[str, Any], x: tf.Tensor) -> Tensors:
        """The learner's `outputs` for queries, and what else it says of them.

        That is their `variance` if it has one, their `distance` if it measures it, and with classes
        which queries are empty, if the format has such examples.
        """
        learner, encoded = self.learner.task_learner(), self.learner.encoded(x)
        answered = {OUTPUTS: learner.predict_with(state, encoded)}
        if not self.learner.target_kind.are_values:
            is_empty = self.options.input_format.is_empty(x)
            answered |= {} if is_empty is None else {IS_EMPTY: is_empty}
        if learner.has_variance:
            answered[VARIANCE] = learner.variance_with(state, encoded)
        if learner.measures_distance:
            answered[DISTANCE] = learner.distance_with(state, encoded)
        return answered


def classification(
    answered: Tensors,
    label: tf.Tensor,
    confidence: Confidence,
) -> Tensors:
    """A response about classes.

    Args:
        answered: see `ServedFunctions.answered`.
        label: `(...)`, the likeliest class, as a number or a name.
        confidence: see `ServedFunctions`.
    """
    logits, distance, is_empty = (answered.get(name) for name in (OUTPUTS, DISTANCE, IS_EMPTY))
    return {
        PROBABILITIES: confidence.probabilities(logits),
        LABEL: label,
        UNKNOWN: confidence.unknown(logits, distance=distance, is_empty=is_empty),
    }


def values(answered: Tensors) -> Tensors:
    """A response about values: the prediction, and its variance if the learner has one."""
    return {PREDICTION if name == OUTPUTS else name: each for name, each in answered.items()}


def numbered_answer(answered: Tensors, *, are_values: bool, confidence: Confidence) -> Tensors:
    """A response that calls classes by their numbers, as in a request's support set."""
    if are_values:
        return values(answered)
    label = tf.argmax(answered[OUTPUTS], -1, output_type=tf.int32)
    return classification(answered, label, confidence)
