"""Episodes from labelled examples: the one sampler of every classification pipeline."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfmeta.episode import Episode
from tfmeta.errors import UserError
from tfmeta.images import ImageFormat, to_unit
from tfmeta.pipelines.episode_source import EpisodeShape, EpisodeSource
from tfmeta.pipelines.random_stream import RandomStream

_LAST = np.iinfo(np.int32).min  # sorts behind every random key


@dataclass(frozen=True)
class ClassIndex:
    """Labelled examples in memory.

    Args:
        examples: `(examples, ...)`, uint8 images or float32 vectors.
        labels: `(examples,)` integer class of each example, from 0.
        splits: class numbers of each split; no class is in two of them.
        class_names: one a class.
        groups: `(classes,)` integer group (alphabet) of each class, or None.

    Raises:
        ValueError: if lengths differ or splits share a class.
    """

    examples: np.ndarray
    labels: np.ndarray
    splits: dict[str, np.ndarray]
    class_names: tuple[str, ...]
    groups: np.ndarray | None = None

    def __post_init__(self):
        if len(self.examples) != len(self.labels):
            raise ValueError(
                f"received {len(self.examples)} examples and {len(self.labels)} labels; "
                "expected as many of one as of the other"
            )
        members = np.concatenate([np.asarray(c) for c in self.splits.values()] or [[]])
        if len(np.unique(members)) != len(members):
            raise ValueError("received splits that share a class; expected each class in one only")
        if self.groups is not None and len(self.groups) != len(self.class_names):
            raise ValueError(
                f"received {len(self.groups)} groups for {len(self.class_names)} classes; expected "
                "the group of each class"
            )

    def classes(self, split: str) -> np.ndarray:
        """The classes of a split; "all" is every split together.

        Raises:
            UserError: if there is no such split.
        """
        if split == "all":
            return np.sort(np.concatenate(list(self.splits.values())))
        if split not in self.splits:
            raise UserError(
                f"unknown split {split!r}; expected one of: {', '.join([*self.splits, 'all'])}"
            )
        return np.asarray(self.splits[split])


class ClassSource(EpisodeSource):
    """Draws classes, then examples of each, all distinct, from a `ClassIndex`.

    An episode's row of random keys sorts the split's classes and each chosen class's examples;
    the first `num_ways` classes, and of each the first `num_shots + num_queries` examples, make
    the episode. So classes are distinct and support and query disjoint by construction.

    Args:
        name: what the command line calls the pipeline.
        index: the examples and their classes.
        image_format: of images; None for vectors.
        rotations: each class turned by 90, 180 and 270 degrees is a class of its own
            (Santoro et al. 2016, https://arxiv.org/abs/1605.06065). Square images only.

    Raises:
        UserError: if rotations are asked of examples that are no square images.
    """

    def __init__(
        self,
        name: str,
        index: ClassIndex,
        *,
        image_format: ImageFormat | None = None,
        rotations: bool = False,
    ):
        self.name = name
        self.index = index
        self.image_format = image_format
        self.input_shape = tuple(index.examples.shape[1:])
        self.num_rotations = 4 if rotations else 1
        if rotations and (len(self.input_shape) != 3 or len(set(self.input_shape[:2])) != 1):
            raise UserError(
                f"rotations need square images; {name} has examples of shape {self.input_shape}. "
                "Use --set pipeline.rotations=false"
            )
        # Examples sorted by class: class c's are order[starts[c] : starts[c] + counts[c]].
        num_classes = len(index.class_names)
        self._order = np.argsort(index.labels, kind="stable").astype(np.int32)
        self._counts = np.bincount(index.labels, minlength=num_classes).astype(np.int32)
        self._starts = (np.cumsum(self._counts) - self._counts).astype(np.int32)
        self._examples = None

    def check(self, split: str, shape: EpisodeShape) -> None:
        classes = self.index.classes(split)
        if len(classes) * self.num_rotations < shape.num_ways:
            raise UserError(
                f"{shape.num_ways} ways need at least {shape.num_ways} classes; the {split} split "
                f"of {self.name} has {len(classes) * self.num_rotations}. Lower --ways"
            )
        needed = shape.num_shots + shape.num_queries
        small = classes[self._counts[classes] < needed]
        if len(small):
            first = small[np.argmin(self._counts[small])]
            raise UserError(
                f"{shape.num_shots} shots and {shape.num_queries} queries need {needed} examples "
                f"a class; {len(small)} of {len(classes)} classes in the {split} split of "
                f"{self.name} have fewer ({self.index.class_names[first]}: "
                f"{self._counts[first]}). Lower --shots or --queries, or add examples"
            )
        if shape.within_group:
            self._check_groups(split, shape)

    def limits(self, split: str, shape: EpisodeShape) -> tuple[int, int]:
        classes = self.index.classes(split)
        ways = len(classes) * self.num_rotations
        if shape.within_group and self.index.groups is not None:
            sizes = self._group_sizes(split)
            # No more than every group has that will do for the task: else it would go unused.
            ways = int(min(sizes[sizes >= shape.num_ways], default=sizes.max()))
        return ways, int(self._counts[classes].min())

    def _check_groups(self, split, shape):
        if self.index.groups is None:
            raise UserError(f"{self.name} has no groups of classes; leave --within-group out")
        largest = self._group_sizes(split).max()
        if largest < shape.num_ways:
            raise UserError(
                f"{shape.num_ways} ways within a group need a group of {shape.num_ways} classes; "
                f"the largest in the {split} split of {self.name} has {largest}. Lower --ways"
            )

    def _group_sizes(self, split):
        return np.bincount(self.index.groups[self.index.classes(split)]) * self.num_rotations

    def draw(self, split: str, shape: EpisodeShape, seed: int):
        choose_classes, choose_examples = self._choosers(split, shape)
        num_classes = len(self.index.classes(split)) * self.num_rotations
        num_keys = shape.num_ways * int(self._counts[self.index.classes(split)].max())
        stream = RandomStream(seed, split, 1 + num_classes + num_keys)
        examples, order = self._resident_examples(), tf.constant(self._order)

        def episodes(first, count):
            keys = tf.maximum(stream.integers(first, count), _LAST + 1)
            group_key, class_keys = keys[:, 0], keys[:, 1 : 1 + num_classes]
            classes, rotations = choose_classes(group_key, class_keys)
            example_keys = keys[:, 1 + num_classes : 1 + num_classes + num_keys]
            chosen = choose_examples(classes, example_keys)
            x = tf.gather(examples, tf.gather(order, chosen))
            if self.num_rotations > 1:
                x = _rotated(x, rotations)
            return _episode(to_unit(x), shape.num_shots)

        return episodes

    def _resident_examples(self):
        if self._examples is None:
            with tf.device("CPU:0"):
                self._examples = tf.constant(self.index.examples)
        return self._examples

    def _choosers(self, split, shape):
        """The two draws of an episode, as functions of its random keys."""
        classes = tf.constant(np.tile(self.index.classes(split), self.num_rotations), tf.int32)
        num_classes = len(self.index.classes(split))
        starts, counts = tf.constant(self._starts), tf.constant(self._counts)
        most = int(self._counts[self.index.classes(split)].max())
        if shape.within_group:
            group_of = tf.gather(tf.constant(self.index.groups, tf.int32), classes)
            large = np.flatnonzero(self._group_sizes(split) >= shape.num_ways).astype(np.int32)

        def choose_classes(group_key, class_keys):
            if shape.within_group:
                group = tf.gather(large, tf.math.floormod(group_key, len(large)))
                class_keys = tf.where(group_of == group[:, tf.newaxis], class_keys, _LAST)
            _, position = tf.math.top_k(class_keys, shape.num_ways)
            return tf.gather(classes, position), position // num_classes

        def choose_examples(classes, keys):
            keys = tf.reshape(keys, (-1, shape.num_ways, most))
            exists = tf.range(most) < tf.gather(counts, classes)[..., tf.newaxis]
            _, position = tf.math.top_k(
                tf.where(exists, keys, _LAST), shape.num_shots + shape.num_queries
            )
            return tf.gather(starts, classes)[..., tf.newaxis] + position

        return choose_classes, choose_examples


def _rotated(x, rotations):
    """Turns `(tasks, ways, examples, h, w, c)` by each class's number of quarter turns."""
    batch = tf.shape(x)
    flat = tf.reshape(x, (-1, *x.shape[3:]))
    turns = tf.repeat(tf.reshape(rotations, [-1]), batch[2])[:, None, None, None]
    for number in (1, 2, 3):
        flat = tf.where(turns == number, tf.image.rot90(flat, number), flat)
    return tf.reshape(flat, batch)


def _episode(x, num_shots) -> Episode:
    """Cuts `(tasks, ways, shots + queries, ...)` into support and query, class by class."""
    tasks, ways, examples = tf.shape(x)[0], x.shape[1], x.shape[2]

    def part(values, number):
        labels = tf.repeat(tf.range(ways), number)
        return (
            tf.reshape(values, (tasks, ways * number, *x.shape[3:])),
            tf.tile(labels[tf.newaxis], (tasks, 1)),
        )

    support = part(x[:, :, :num_shots], num_shots)
    return Episode(*support, *part(x[:, :, num_shots:], examples - num_shots))
