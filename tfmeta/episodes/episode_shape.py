"""How large an episode is: its ways, shots and queries, each one number or a range."""

import numbers
from dataclasses import dataclass
from typing import Any

from tfmeta.episodes.target_kind import CLASSES, TargetKind
from tfmeta.errors import UserError, counted
from tfmeta.flags import check_flags

MOST_EXAMPLES = 1_000_000  # of an episode; for more, memory would run out before it is refused
_SIZES = ("ways", "shots", "queries")
_IN_WORDS = {  # flags of a protocol
    "unbalanced": "unbalanced",
    "within_group": "within groups",
    "query_other_group": "of another group",
    "skip_small_classes": "without small classes",
}
_FLAGS = ("within_group", "unbalanced", "skip_small_classes")


@dataclass(frozen=True)
class Range:
    """A range of whole numbers, both ends included; each episode draws its own number."""

    least: int
    most: int

    @classmethod
    def of(cls, value: "int | tuple[int, int] | Range") -> "Range":
        """A range from one number, or from the least and the most.

        Raises:
            UserError: if it is anything else.
        """
        if isinstance(value, Range):
            return value
        ends = value if isinstance(value, tuple) else (value, value)
        if len(ends) != 2 or not all(_is_whole(end) for end in ends):
            raise UserError(
                f"received {value!r}; expected a whole number, or (least, most) of them"
            )
        return cls(*map(int, ends))

    @classmethod
    def up_to(cls, most: int, least: int | None) -> "Range":
        """A range as settings and files have it; `least` is None if it equals `most`."""
        return cls(most if least is None else least, most)

    @property
    def varies(self) -> bool:
        return self.least < self.most

    def __str__(self) -> str:
        return f"{self.least}-{self.most}" if self.varies else f"{self.most}"


def _range_of(name: str, value: Any) -> Range:
    try:
        return Range.of(value)
    except UserError as error:
        raise UserError(f"num_{name}: {error}") from None


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


@dataclass(frozen=True, init=False)
class EpisodeShape:
    """How large an episode is, and how its classes are drawn.

    Args:
        num_ways: classes per episode; 1 for regression. In place of this and the next two numbers,
            `(least, most)` lets each episode draw its own.
        num_shots: support examples per class.
        num_queries: query examples per class.
        within_group: whether an episode's classes all come from one group (an alphabet).
        unbalanced: whether each class of an episode draws its own number of shots.
        skip_small_classes: whether to leave out classes with too few examples; otherwise the data
            is refused.

    Attributes:
        ways, shots, queries: the ranges; `num_ways`, `num_shots` and `num_queries` are their most.
        query_other_group: whether an episode's support set is of one group (a speaker), and its
            queries are of another one, of the classes that have the same names there; False, and
            `changed` sets it.

    Raises:
        UserError: if a number is not positive, or a range's least is more than its most.

    Example:

    >>> EpisodeShape(num_ways=5, num_shots=(1, 3), num_queries=15).num_shots
    3
    """

    ways: Range
    shots: Range
    queries: Range
    within_group: bool
    unbalanced: bool
    skip_small_classes: bool
    query_other_group: bool = False

    def __init__(
        self,
        num_ways: int | tuple[int, int] | Range = 5,
        num_shots: int | tuple[int, int] | Range = 1,
        num_queries: int | tuple[int, int] | Range = 15,
        within_group: bool = False,
        unbalanced: bool = False,
        skip_small_classes: bool = False,
    ):
        check_flags(
            within_group=within_group, unbalanced=unbalanced, skip_small_classes=skip_small_classes
        )
        given = dict(zip(_SIZES, (num_ways, num_shots, num_queries), strict=True))
        ranges = [_range_of(name, value) for name, value in given.items()]
        flags = {"within_group": within_group, "unbalanced": unbalanced}
        values = {**dict(zip(_SIZES, ranges, strict=True)), **flags}
        for name, value in {**values, "skip_small_classes": skip_small_classes}.items():
            object.__setattr__(self, name, value)  # the object is frozen
        for name, each in self._ranges().items():
            if each.most < 1:
                raise UserError(f"received {name}={each.most}; expected 1 or more")
            if not 1 <= each.least <= each.most:
                raise UserError(
                    f"received {name} from {each.least} to {each.most}; expected 1 <= from <= to"
                )
        if self.size > MOST_EXAMPLES:
            raise UserError(
                f"received an episode of {self.size} examples ({counted(self.num_ways, 'way')}, "
                f"{self.examples_in_words}); expected {MOST_EXAMPLES} at most"
            )

    def changed(self, **arguments: Any) -> "EpisodeShape":
        """This shape with some of the constructor's arguments replaced, or `query_other_group`.

        Raises:
            UserError: if the episodes are to be within one group and of two.
        """
        ranges = {f"num_{name}": each for name, each in self._ranges().items()}
        flags = {name: getattr(self, name) for name in _FLAGS}
        query_other_group = arguments.pop("query_other_group", self.query_other_group)
        shape = EpisodeShape(**{**ranges, **flags, **arguments})
        if query_other_group and shape.within_group:
            raise UserError(
                "received within_group and query_other_group; expected one of them: support and "
                "queries are of one group (--query-same-group), or of two (--across-groups)"
            )
        object.__setattr__(shape, "query_other_group", query_other_group)
        return shape

    def _ranges(self) -> dict[str, Range]:
        return {name: getattr(self, name) for name in _SIZES}

    @property
    def examples_in_words(self) -> str:
        """The most examples of a class: "1 shot and 15 queries"."""
        return f"{counted(self.num_shots, 'shot')} and {counted(self.num_queries, 'query')}"

    @property
    def num_ways(self) -> int:
        """Classes per episode, at most."""
        return self.ways.most

    @property
    def num_shots(self) -> int:
        """Support examples per class, at most."""
        return self.shots.most

    @property
    def num_queries(self) -> int:
        """Query examples per class, at most."""
        return self.queries.most

    @property
    def num_examples(self) -> int:
        """Examples per class, at most."""
        return self.num_shots + self.num_queries

    @property
    def size(self) -> int:
        """Examples per episode, at most."""
        return self.num_ways * self.num_examples

    @property
    def uses_groups(self) -> bool:
        """Whether classes are drawn by their groups."""
        return self.within_group or self.query_other_group

    @property
    def varies(self) -> bool:
        """Whether episodes differ in size."""
        return any(each.varies for each in self._ranges().values())

    def protocol(self) -> dict[str, Any]:
        """What a result must say about the shape."""
        ranges = self._ranges()
        numbers = {f"num_{name}": each.most for name, each in ranges.items()}
        least = {f"least_{name}": each.least for name, each in ranges.items() if each.varies}
        flags = {"unbalanced": True} if self.unbalanced and self.shots.varies else {}
        skips = {"skip_small_classes": True} if self.skip_small_classes else {}
        groups = {"within_group": self.within_group} | self._of_two_groups()
        return {**numbers, **least, **flags, **skips, **groups}

    def _of_two_groups(self) -> dict[str, bool]:
        """The flag, if it is set; files without it are as those of before it existed."""
        return {"query_other_group": True} if self.query_other_group else {}

    def to_dict(self) -> dict[str, Any]:
        """Everything, for a file."""
        ranges = self._ranges()
        return {
            **{f"num_{name}": each.most for name, each in ranges.items()},
            "within_group": self.within_group,
            **{f"least_{n}": each.least if each.varies else None for n, each in ranges.items()},
            "unbalanced": self.unbalanced,
            "skip_small_classes": self.skip_small_classes,
            **self._of_two_groups(),
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> "EpisodeShape":
        """What `to_dict` made; raises TypeError or KeyError if it is something else."""
        facts = dict(facts)
        for name in _SIZES:
            facts[f"num_{name}"] = Range.up_to(facts[f"num_{name}"], facts.pop(f"least_{name}"))
        query_other_group = facts.pop("query_other_group", False)
        return cls(**facts).changed(query_other_group=query_other_group)


def in_words(protocol: dict[str, Any], *, kind: TargetKind = CLASSES) -> str:
    """A protocol in words, `5-way 1-shot, 15 queries`, or `2-5-way ...` if episodes differ.

    Args:
        protocol: has `num_ways`, `num_shots` and `num_queries`, and may have `least_ways` and so
            on, and flags such as `unbalanced`.
        kind: of the targets.
    """
    ways, shots, queries = (
        str(Range.up_to(protocol[f"num_{name}"], protocol.get(f"least_{name}"))) for name in _SIZES
    )
    more = [words for flag, words in _IN_WORDS.items() if protocol.get(flag)]
    return ", ".join([kind.sizes_in_words(ways, shots, queries), *more])
