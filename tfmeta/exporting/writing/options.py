"""What may be given to an export from Python, beside the learner and the folder."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tfmeta.confidence import Confidence
from tfmeta.errors import UserError, counted, listed
from tfmeta.exporting.kinds import KINDS
from tfmeta.exporting.kinds.export_kind import ExportKind
from tfmeta.exporting.limits import RequestLimits
from tfmeta.reading.input_format import InputFormat
from tfmeta.reading.row_format import PLAIN

_ALWAYS = ("input_format", "confidence")
_BAKED_IN = ("support", "class_names")


@dataclass(frozen=True)
class ExportOptions:
    """The options of an export.

    Attributes:
        input_format: what the learner's examples are; by default numbers without names.
        confidence: returns a Confidence; called once everything that can be refused was checked.
        support: for a kind with its support set baked in: `(x, y)` of that one task, x as the
            network takes it, y labels or values.
        class_names: the names of its classes, in the order of the labels; None for values, and for
            classes that are called "0", "1" and so on.
        padded: support sets may be padded to a common size. An input `support_size` `(tasks,)`
            then says how many examples of each task are its own.
        limits: the most that a request may hold.
        ways: of a LiteRT file: classes of a task, each of which has examples; 1 for values.
        shots: of a LiteRT file: examples per class. A support set has exactly `ways * shots`, in
            any order.

    Raises:
        UserError: if there is not exactly one name per class, and another one for each.
    """

    input_format: InputFormat = PLAIN
    confidence: Callable[[], Confidence] = Confidence
    support: tuple[Any, Any] | None = None
    class_names: list[str] | None = None
    padded: bool = False
    limits: RequestLimits = field(default_factory=RequestLimits)
    ways: int | None = None
    shots: int | None = None

    def __post_init__(self) -> None:
        if self.class_names is None or self.support is None:
            return
        names, num_classes = self.class_names, self._num_classes
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise UserError(f"received class_names={names!r:.80}; expected a list of texts")
        if num_classes != len(names):
            raise UserError(
                f"received {counted(len(names), 'class name')} and labels up to "
                f"{num_classes - 1}; expected a name for each class"
            )
        if twice := sorted(name for name, number in Counter(names).items() if number > 1):
            raise UserError(
                f"received class_names with {listed(twice)} more than once; expected a name of its "
                "own for each class"
            )

    @property
    def _num_classes(self) -> int:
        return 0 if self.support is None else int(np.max(self.support[1], initial=-1)) + 1

    def named(self, *, are_classes: bool) -> "ExportOptions":
        """The same; classes without names are called by their numbers."""
        if not are_classes or self.support is None or self.class_names is not None:
            return self
        return replace(self, class_names=[str(label) for label in range(self._num_classes)])


def kind_and_options(
    name: str, given: dict[str, Any], *, of_format: Collection[str], of_tasks: Collection[str]
) -> tuple[ExportKind, ExportOptions]:
    """The kind of that name, and its options.

    Args:
        name: of the kind.
        given: options by name. `limits` may be a dict of some of the limits.
        of_format: options that the format has for every kind.
        of_tasks: options that the format has for kinds that get support sets in requests.

    Raises:
        UserError: if there is no such kind, or it takes other options.
    """
    if name not in KINDS:
        raise UserError(f"received kind={name!r}; expected one of: {', '.join(KINDS)}")
    kind = KINDS[name]
    known = {*_ALWAYS, *of_format, *(of_tasks if kind.takes_support else _BAKED_IN)}
    if unknown := sorted(given.keys() - known):
        raise UserError(
            f"export of kind {name} received {', '.join(unknown)}; it takes "
            f"{', '.join(sorted(known))}"
        )
    if not kind.takes_support and given.get("support") is None:
        raise UserError(f"export of kind {name} needs support=(x, y), the task that is baked in")
    limits = given.get("limits") or {}
    if not isinstance(limits, RequestLimits):
        limits = RequestLimits.from_dict(limits)
    names = given.get("class_names")
    names = list(names) if isinstance(names, tuple) else names
    options = ExportOptions(**{**given, "limits": limits, "class_names": names})
    limits.of(options.input_format)  # refuses those of other kinds of input
    return kind, options
