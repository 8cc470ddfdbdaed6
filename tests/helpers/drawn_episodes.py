"""Episodes that are drawn from a source, their parts, and their comparison."""

import numpy as np
import tensorflow as tf

from tfmeta.episodes.episode_shape import EpisodeShape

_SMALLEST = EpisodeShape(2, 1, 1)


def drawn(source, split, shape, *, seed=0, first=0, count=3):
    return source.draw(split, shape, seed)(tf.constant(first, tf.int64), count)


def same(one, other):
    """Whether two Episode batches are equal bit for bit."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def part_of(episode, start, stop):
    return type(episode)(*(np.asarray(tensor)[start:stop] for tensor in episode))


def episodes_of(source, shape=_SMALLEST, count=20):
    """The first episodes of all classes."""
    return [t.numpy() for t in source.draw("all", shape, 0)(0, count)]
