"""Sources whose episodes can be read back, and strategies that draw such sources.

An encoded image tells its class, its example and its quarter turns by its pixels.
"""

import numpy as np
from hypothesis import strategies as st

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.class_source import ClassSource
from tfmeta.episodes.episode_shape import EpisodeShape

SPLITS = ("train", "validation", "test")
MARKER = 255  # of the corner that is the upper left one before turning


def encoded_source(counts, splits, *, groups=None, rotations=False, order_seed=0):
    """A source of `counts[c]` 2x2 images of class c, in a mixed order: [[255, c], [example, 0]]."""
    rng = np.random.default_rng(order_seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    images = np.zeros((len(labels), 2, 2, 1), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = MARKER, labels
    images[:, 1, 0, 0] = np.arange(len(labels))
    assert len(labels) < MARKER  # else the marker is not the only one
    names = tuple(chr(ord("a") + c) for c in range(len(counts)))
    return ClassSource(
        "encoded", ClassIndex(images, labels, splits, names, groups), rotations=rotations
    )


def read_back(x, num_ways):
    """`(tasks, ways, examples)` class, example and quarter turns of `(tasks, n, 2, 2, 1)`."""
    pixels = np.rint(np.asarray(x)[..., 0] * 255).astype(int)
    pixels = pixels.reshape(len(pixels), num_ways, -1, 2, 2)
    turned_back = np.stack([np.rot90(pixels, -turns, axes=(-2, -1)) for turns in range(4)])
    upright = turned_back[..., 0, 0] == MARKER
    assert (upright.sum(0) == 1).all()
    turns = upright.argmax(0)
    pixels = np.take_along_axis(turned_back, turns[None, ..., None, None], 0)[0]
    assert (pixels[..., 1, 1] == 0).all()
    return pixels[..., 0, 1], pixels[..., 1, 0], turns


def most_ways(source, split, within_group):
    """What a split can offer, counted one by one."""
    classes = source.index.classes(split).tolist()
    if not within_group:
        return len(classes) * source.num_rotations
    groups = [int(source.index.groups[c]) for c in classes]
    return max((groups.count(g) for g in groups), default=0) * source.num_rotations


@st.composite
def sources(draw, *, grouped=False):
    counts = draw(st.lists(st.integers(2, 9), min_size=1, max_size=10))
    size = len(counts)
    split_of = np.array(draw(st.lists(st.sampled_from(SPLITS), min_size=size, max_size=size)))
    groups = st.lists(st.integers(0, 3), min_size=size, max_size=size).map(np.array)
    return encoded_source(
        counts,
        {split: np.flatnonzero(split_of == split) for split in SPLITS},
        groups=draw(groups if grouped else st.none() | groups),
        rotations=draw(st.booleans()),
        order_seed=draw(st.integers(0, 99)),
    )


@st.composite
def possible_episodes(draw, **options):
    """A source, a split and the shape of episodes that it has."""
    source = draw(sources(**options))
    split = draw(
        st.sampled_from([s for s in (*SPLITS, "all") if len(source.index.classes(s))]),
    )
    within_group = source.index.groups is not None and draw(st.sampled_from((True, True, False)))
    labels, classes = source.index.labels, source.index.classes(split)
    num_examples = min(int((labels == c).sum()) for c in classes)
    num_shots = draw(st.integers(1, num_examples - 1))
    num_queries = draw(st.integers(1, num_examples - num_shots))
    num_ways = draw(st.integers(1, most_ways(source, split, within_group)))
    return source, split, EpisodeShape(num_ways, num_shots, num_queries, within_group)
