"""From which groups of classes an episode draws: from one group, or from two."""

from dataclasses import dataclass

import numpy as np

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.errors import UserError


@dataclass(frozen=True)
class GroupChoice:
    """The groups, or the pairs of groups, of which an episode draws one.

    Attributes:
        masks: bool `(choices, classes)`, the classes that an episode may have.
        partners: int32 `(choices, classes)`, the class that the queries of each class are drawn
            from: the class itself, or the one of the same name in the other group.
    """

    masks: np.ndarray
    partners: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """How many classes each choice has."""
        return self.masks.sum(1)

    def large(self, num_ways: int) -> "GroupChoice":
        """The choices that have this number of classes or more."""
        is_large = self.sizes >= num_ways
        return GroupChoice(self.masks[is_large], self.partners[is_large])

    @classmethod
    def of(
        cls, index: ClassIndex, usable: np.ndarray, shape: EpisodeShape, *, num_rotations: int = 1
    ) -> "GroupChoice | None":
        """The choices of episodes of this shape; None if they draw from all classes.

        Args:
            index: of the examples; it must have groups, if the shape needs them.
            usable: the classes of the split.
            shape: of the episodes.
            num_rotations: how many classes each of them stands for, one after the other.
        """
        if not (shape.within_group or shape.query_other_group) or index.groups is None:
            return None
        group_of = index.groups[usable]
        groups = np.arange(index.groups.max() + 1)
        if shape.within_group:
            masks = group_of == groups[:, np.newaxis]
            partners = np.tile(np.arange(len(usable)), (len(groups), 1))
        else:
            masks, partners = _pairs(group_of, _own_names(index, usable))
        turned = [partners + turn * len(usable) for turn in range(num_rotations)]
        return cls(np.tile(masks, num_rotations), np.concatenate(turned, 1).astype(np.int32))


def _pairs(group_of: np.ndarray, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Masks and partners of each ordered pair of groups."""
    place = {pair: n for n, pair in enumerate(zip(group_of.tolist(), names, strict=True))}
    groups = np.unique(group_of).tolist()
    masks, partners = [], []
    for support in groups:
        for query in groups:
            if support != query:
                found = np.array([place.get((query, name), -1) for name in names])
                masks.append((group_of == support) & (found >= 0))
                partners.append(found)
    size = (len(masks), len(names))
    return np.array(masks, bool).reshape(size), np.array(partners, int).reshape(size)


def _own_names(index: ClassIndex, classes: np.ndarray) -> list[str]:
    """The names of classes without the name of their group before them."""
    names = []
    for number in classes:
        name = index.class_names[number]
        if index.group_names and index.groups is not None:
            name = name.removeprefix(f"{index.group_names[index.groups[number]]}/")
        names.append(name)
    return names


def check_groups(
    index: ClassIndex, choice: GroupChoice | None, shape: EpisodeShape, split: str, name: str
) -> None:
    """Raises UserError if no group, or no pair of groups, has the classes for such episodes.

    Args:
        index: of the examples.
        choice: of the split.
        shape: of the episodes.
        split: its name.
        name: of the source.
    """
    if index.groups is None or choice is None:
        option = "--within-group" if shape.within_group else "--query-other-group"
        raise UserError(f"{name} has no groups of classes; leave {option} out")
    largest = int(max(choice.sizes, default=0))
    if largest >= shape.num_ways:
        return
    ways = shape.num_ways
    if shape.within_group:
        raise UserError(
            f"{ways} ways within a group need a group of {ways} classes; the largest in the "
            f"{split} split of {name} has {largest}. {remedy(largest)}"
        )
    raise UserError(
        f"{ways} ways with queries of another group need two groups that have {ways} classes of "
        f"the same names; in the {split} split of {name} two groups have {largest} at most. "
        f"{remedy(largest)}, or leave --query-other-group out"
    )


def remedy(ways: int) -> str:
    """What helps if there are classes for so many ways only."""
    return "Lower --ways" if ways > 1 else "Add classes"
