"""Finds equal examples: as they were given, and as the network sees them."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.fixed_episodes import FixedEpisodes
from tfmeta.reading.prepared import Prepared

KINDS = ("across_splits", "across_classes", "within_class")  # the worst first
_TASKS_A_BATCH = 50


def given_digests(index: ClassIndex) -> Any:
    """A digest of each example as it was given if that is known, else as it is stored."""
    return index.origins.digests or digests_of(index.examples)


def digests_of(chunk: np.ndarray) -> Iterator[Any]:
    """A digest of each example in a chunk."""
    for example in chunk:
        yield hashlib.blake2b(np.ascontiguousarray(example).data, digest_size=16).digest()


def alike(index: ClassIndex, digests: Any) -> dict[str, list[list[int]]]:
    """Sets of examples with the same digest, as numbers, each under the worst kind that fits."""
    split_of = {c: split for split, classes in index.splits.items() for c in classes.tolist()}
    numbers_of = defaultdict(list)
    for number, digest in enumerate(digests):
        numbers_of[digest].append(number)
    found: dict[str, list[list[int]]] = {kind: [] for kind in KINDS}
    for numbers in numbers_of.values():
        if len(numbers) > 1:
            classes = set(index.labels[numbers].tolist())
            splits = {split_of.get(c) for c in classes}
            across_classes = "across_classes" if len(classes) > 1 else "within_class"
            found["across_splits" if len(splits) > 1 else across_classes].append(numbers)
    return found


def as_the_network_sees(index: ClassIndex, prepared: Prepared) -> dict[str, Any]:
    """How many examples are the same to the network, and in which classes all examples are.

    Returns:
        `across_splits`, `across_classes` and `within_class` are the shares of examples that equal
        another one; each example counts in one of them. `classes` has the names of classes with two
        or more examples that are all equal.
    """
    digests = [digest for chunk in prepared.chunks() for digest in digests_of(chunk)]
    sets = alike(index, digests)
    of_class = defaultdict(set)
    for label, digest in zip(index.labels.tolist(), digests, strict=True):
        of_class[label].add(digest)
    same = [c for c, found in of_class.items() if len(found) == 1 and index.counts[c] > 1]
    total = max(len(digests), 1)
    return {
        **{kind: sum(map(len, found)) / total for kind, found in sets.items()},
        "classes": [index.class_names[c] for c in sorted(same)],
    }


def digest_as_given(fixed: FixedEpisodes) -> str | None:
    """A digest of which examples and classes are in each episode, before they are prepared.

    Two sources that read the same files in different ways, such as at two sizes, have the same one.

    Args:
        fixed: the episodes.

    Returns:
        None if the source does not know its examples as they were given.
    """
    source, numbered = fixed.source, fixed.source.numbered()
    index = getattr(source, "index", None)
    if numbered is None or index is None or not (known := index.origins.digests):
        return None
    found = hashlib.sha256()
    names = source.names_of_classes(fixed.split, fixed.shape, fixed.seed, fixed.num_tasks) or []
    for batch in fixed.batches(_TASKS_A_BATCH, numbered):
        for x, y in ((batch.support_x, batch.support_y), (batch.query_x, batch.query_y)):
            found.update(np.asarray(y).tobytes())
            for number in np.asarray(x).reshape(-1).tolist():
                found.update(known[number])
    for name in (name for episode in names for name in episode):
        found.update(f"{len(name)} {name}".encode(errors="surrogateescape"))
    return found.hexdigest()
