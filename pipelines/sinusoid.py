"""Sine waves of random amplitude and phase: the regression problem of the MAML paper.

    tfmeta train sinusoid --algorithm maml --shots 10 --inner-steps 1 --max-minutes 2

Finn et al. 2017, https://arxiv.org/abs/1703.03400, section 5.1: amplitude in [0.1, 5], phase in
[0, pi], inputs in [-5, 5], each uniform; the target is amplitude * sin(x - phase).
"""

import math

import tensorflow as tf

from tfmeta.episodes.episode import Episode
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_sizes import sized, words_for_sizes
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.random_stream import RandomStream
from tfmeta.errors import UserError
from tfmeta.pipelines import refuse_data

AMPLITUDE = (0.1, 5.0)
PHASE = (0.0, math.pi)
INPUT = (-5.0, 5.0)
_MOST_POINTS = 10_000  # of a task, which has any number of points


class Sinusoid(EpisodeSource):
    """An endless family of tasks; each split is a different stream of them."""

    name = "sinusoid"
    input_shape = (1,)
    target_size = 1
    splits = ("train", "validation", "test", "all")

    def check(self, split: str, shape: EpisodeShape) -> None:
        if split not in self.splits:
            raise UserError(f"unknown split {split!r}; expected one of: {', '.join(self.splits)}")
        if shape.num_ways != 1 or shape.uses_groups:
            raise UserError("sinusoid is a regression: leave --ways and --within-group out")

    def limits(self, split: str, shape: EpisodeShape) -> tuple[int, int]:
        return 1, _MOST_POINTS

    def draw(self, split: str, shape: EpisodeShape, seed: int):
        num_points = shape.num_shots + shape.num_queries
        stream = RandomStream(seed, split, 2 + num_points)
        sizes = RandomStream(seed, f"{split} sizes", words_for_sizes(shape))

        def episodes(first, count):
            # In float64, because the last bit of a float32 sine differs between the full registers
            # of a batch and its rest, and an episode must not depend on its batch.
            unit = tf.cast(stream.units(first, count), tf.float64)[:, : 2 + num_points, tf.newaxis]
            amplitude = _between(unit[:, :1], *AMPLITUDE)
            phase = _between(unit[:, 1:2], *PHASE)
            x = _between(unit[:, 2:], *INPUT)
            x, y = (tf.cast(v, tf.float32) for v in (x, amplitude * tf.sin(x - phase)))
            shots = shape.num_shots
            episode = Episode(x[:, :shots], y[:, :shots], x[:, shots:], y[:, shots:])
            return sized(episode, shape, sizes.integers(first, count) if shape.varies else None)

        return episodes


def _between(unit, low, high):
    return low + (high - low) * unit


def build(*, data_dir=None) -> Sinusoid:
    """The pipeline. It loads nothing and has no options; raises UserError if it gets `data_dir`."""
    refuse_data("sinusoid", data_dir)
    return Sinusoid()
