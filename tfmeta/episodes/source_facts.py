"""What is recorded of a source beside a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfmeta import typed_fields as typed
from tfmeta.episodes.target_kind import ACTIONS, TargetKind
from tfmeta.reading.example_reader import ExampleReader
from tfmeta.reading.formats import check_shape, from_record, to_record
from tfmeta.reading.input_format import InputFormat

_FACTS = {
    "name": typed.TEXT,
    "input_shape": typed.SHAPE,
    "target_size": typed.or_null(typed.COUNT),
}
_TARGETS = "targets"  # the name of their kind, if it does not follow from their size
_EXAMPLES = "num_examples"
_NEWER = {
    _TARGETS: typed.or_null(typed.one_of(ACTIONS.name)),
    _EXAMPLES: typed.or_null(typed.COUNTS),
}


@dataclass(frozen=True)
class SourceFacts:
    """What a trained learner must know of its source when there is no data.

    Attributes: see `EpisodeSource`.
    """

    name: str
    input_shape: tuple[int, ...]
    input_format: InputFormat
    target_size: int | None
    target_kind_name: str | None = None
    num_examples: Mapping[str, int] | None = None

    @property
    def target_kind(self) -> TargetKind:
        return TargetKind.of_size(self.target_size, self.target_kind_name)

    def to_dict(self) -> dict[str, Any]:
        facts = {
            "name": self.name,
            "input_shape": list(self.input_shape),
            **to_record(self.input_format),
            "target_size": self.target_size,
        }
        if self.target_kind_name is not None:
            facts[_TARGETS] = self.target_kind_name
        if self.num_examples is not None:
            facts[_EXAMPLES] = dict(self.num_examples)
        return typed.with_digest(facts)

    def reader(self) -> ExampleReader:
        """The object that reads a user's support sets and queries for the learner."""
        return self.input_format.reader(self.input_shape, self.target_kind.given_size)

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> "SourceFacts":
        """What `to_dict` made.

        Raises:
            UserError: if it is something else, or contradicts itself.
        """
        what = "what is recorded of the run's source in source.json"
        typed.checked(facts, _FACTS, what)
        typed.checked({_TARGETS: None, _EXAMPLES: None, **facts}, _NEWER, what)
        typed.check_digest(facts, what)
        input_format = from_record(facts, what)
        check_shape(input_format, facts["input_shape"], what)
        shape = tuple(facts["input_shape"])
        others = facts["target_size"], facts.get(_TARGETS), facts.get(_EXAMPLES)
        return cls(facts["name"], shape, input_format, *others)
