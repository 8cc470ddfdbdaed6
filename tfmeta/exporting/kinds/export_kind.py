"""What a kind of export is: its signatures, and what each of them takes and returns."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Part(enum.Enum):
    """What a signature may take or return. `contract.py` has the names of its tensors."""

    SUPPORT = enum.auto()  # support sets, one per task
    QUERIES = enum.auto()  # queries, several per task
    EXAMPLES = enum.auto()  # queries of the one task whose support set is in the model
    STATE = enum.auto()  # what the learner keeps of each task, as named tensors
    ANSWER = enum.auto()  # probabilities and labels, or values


@dataclass(frozen=True)
class Signature:
    """One function of a served model.

    It is traced from what it takes and returns: support sets are adapted to, and queries are
    answered with the task state that comes from the support set, the request or the model.
    """

    name: str
    takes: tuple[Part, ...]
    returns: Part


def _check_nothing(learner: Any, task_state: dict[str, Any]) -> None:
    pass


@dataclass(frozen=True)
class ExportKind:
    """One kind of export.

    Attributes:
        name: what `--kind` and the manifest call it.
        summary: a few words for the help of `tfmeta export`.
        description: one sentence for the README of an export.
        signatures: what the model offers. The first one is `serving_default` too.
        check: called with a learner and its task state, nested as `adapt` returns it; raises
            UserError if this learner can't be exported as this kind.
        notes: a paragraph for the README about what is special.
        instead_of_litert: what to do when LiteRT lacks an operation; None if the kind can't be a
            LiteRT file at all.
    """

    name: str
    summary: str
    description: str
    signatures: tuple[Signature, ...]
    check: Callable[[Any, dict[str, Any]], None] = _check_nothing
    notes: str = ""
    instead_of_litert: str | None = None

    @property
    def default(self) -> str:
        """The signature that is `serving_default` too."""
        return self.signatures[0].name

    @property
    def takes_support(self) -> bool:
        """Whether requests bring support sets; if not, one is baked into the model."""
        return any(Part.SUPPORT in signature.takes for signature in self.signatures)

    @property
    def route(self) -> tuple[Signature, ...]:
        """The signatures that lead to an answer, to be called one after the other."""
        answering = [each for each in self.signatures if each.returns is Part.ANSWER]
        at_once = [each for each in answering if Part.STATE not in each.takes]
        if at_once:
            return (at_once[0],)
        adapting = next(each for each in self.signatures if each.returns is Part.STATE)
        return adapting, answering[0]
