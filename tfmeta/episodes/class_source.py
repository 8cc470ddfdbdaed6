"""Episodes from labelled examples, for all pipelines with classes."""

import copy
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import tensorflow as tf

from tfmeta.deprecation import renamed_argument
from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.episode_parts import episode_of, own_labels, turned
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_sizes import sized, words_for_sizes
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.group_choice import GroupChoice, check_groups, remedy
from tfmeta.episodes.random_stream import RandomStream
from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.images import to_unit
from tfmeta.reading.input_format import InputFormat
from tfmeta.reading.prepared import Prepared
from tfmeta.reading.record_file import RecordFile
from tfmeta.reading.row_format import PLAIN

_LAST = np.iinfo(np.int32).min  # sorts behind every random key


class ClassSource(EpisodeSource):
    """Draws classes, then examples of each, all distinct, from a `ClassIndex`.

    An episode's random keys sort the split's classes, and the examples of each chosen class. The
    episode consists of the first `num_ways` classes, and of the first `num_shots + num_queries`
    examples of each. So classes are distinct, and support and query are disjoint. Where the shape
    varies, the largest episode is drawn, and cut to the episode's own size.

    Args:
        name: what the command line calls the pipeline.
        index: the examples and their classes.
        input_format: of the examples; None for plain numbers.
        rotations: whether a class turned by 90, 180 or 270 degrees is another class (Santoro et al.
            2016, https://arxiv.org/abs/1605.06065). Only for square images.

    Raises:
        UserError: if there are to be rotations, and the examples are no square images.
    """

    @renamed_argument("image_format", "input_format", since="0.1", until="0.3")
    def __init__(
        self,
        name: str,
        index: ClassIndex,
        *,
        input_format: InputFormat | None = None,
        rotations: bool = False,
    ):
        self.name = name
        self.index = index
        self.num_examples = {split: len(index.rows(split)) for split in index.splits}
        self.input_format = input_format or PLAIN
        self.input_shape = tuple(index.examples.shape[1:])
        self.num_rotations = 4 if rotations else 1
        if rotations and (len(self.input_shape) != 3 or len(set(self.input_shape[:2])) != 1):
            raise UserError(
                f"rotations need square images; {name} has examples of shape {self.input_shape}. "
                "Use --set pipeline.rotations=false"
            )
        self._examples = None
        self._has_class_numbers, self._turns_examples = False, rotations
        self.prepared = self.input_format.prepared(index.examples)

    # What there is

    def check(self, split: str, shape: EpisodeShape) -> None:
        small = self.small_classes(split, shape)
        self._check_ways(split, shape, small)
        if small and not shape.skip_small_classes:
            raise UserError(
                f"{_examples_needed(shape)}; {len(small)} of "
                f"{counted(len(self.index.classes(split)), 'class')} in the {split} split of "
                f"{self.name} {'has' if len(small) == 1 else 'have'} fewer ({_named(small)}). "
                "Lower --shots or --queries, add examples, or leave those out: --skip-small-classes"
            )
        if shape.uses_groups:
            choice = self._group_choice(self._classes(split, shape), shape)
            check_groups(self.index, choice, shape, split, self.name)

    def _check_ways(self, split: str, shape: EpisodeShape, small: Any) -> None:
        ways = self.num_classes(split, shape)
        if ways < shape.num_ways:
            skips = small and shape.skip_small_classes
            without = f" without its {_small(small)} ({_named(small)})" if skips else ""
            raise UserError(
                f"{shape.num_ways} ways need at least {shape.num_ways} classes; the {split} split "
                f"of {self.name} has {ways}{without}. {remedy(ways)}"
            )

    def small_classes(self, split: str, shape: EpisodeShape) -> dict[str, int]:
        """`{name: number of examples}` of the classes that are too small for such episodes."""
        return self.index.small_classes(split, shape.num_examples)

    def hopeless(self, split: str) -> str | None:
        return cast(Prepared, self.prepared).hopeless(self.index.rows(split))

    def left_out(self, shapes: dict[str, EpisodeShape]) -> list[str]:
        unreadable = self.index.origins.unreadable
        lines = [f"left out {name}: it {problem}" for name, problem in unreadable]
        lines += self.index.origins.notes
        if passed_over := self.index.origins.passed_over:
            others = counted(len(passed_over), "other entry")
            lines.append(f"not used: {others}: {listed(passed_over)}")
        lines += self._cut()
        for split, shape in shapes.items():
            small = self.small_classes(split, shape) if shape.skip_small_classes else {}
            if small:
                named = _named(small, most=None)
                lines.append(f"{split}: left out {named}, because {_examples_needed(shape)}")
        return lines

    def _cut(self) -> Iterator[str]:
        """Says of which examples only a part counts, such as long texts."""
        prepared, names = self.prepared, self.index.origins.names
        rows = [] if prepared is None else np.flatnonzero(prepared.is_cut()).tolist()
        if prepared and rows:
            where = f": {listed([names[row] for row in rows])}" if names else ""
            shown = f"{len(rows):,} of {len(self.index.labels):,} {prepared.noun}"
            yield f"{shown} {prepared.cut_words}{where}"

    def check_embeddable(self) -> None:
        if self.num_rotations > 1:
            raise UserError(
                f"{self.name} turns its classes, so an example has more than one image, and a "
                "network that is partly frozen computes one. Use --set pipeline.rotations=false"
            )

    def for_baselines(self, split: str) -> EpisodeSource:
        rows = self.index.rows(split)
        found = cast(Prepared, self.prepared).for_baselines(rows)
        if found is None or self.num_rotations > 1:
            return self
        source = ClassSource(self.name, self.index.of_examples(found[0], rows))
        source.prepared = found[1]
        return source

    def recorded_splits(self) -> dict[str, list[str]]:
        return self.index.named_splits()

    def limits(self, split: str, shape: EpisodeShape) -> tuple[int, int]:
        classes = self._classes(split, shape)
        ways = len(classes) * self.num_rotations
        if choice := self._group_choice(classes, shape):
            sizes = choice.sizes
            # As many ways as every group has that is large enough for the task, so that none is
            # unused.
            ways = int(min(sizes[sizes >= shape.num_ways], default=max(sizes, default=0)))
        return ways, int(min(self.index.counts[classes], default=0))

    def num_classes(self, split: str, shape: EpisodeShape) -> int:
        return len(self._classes(split, shape)) * self.num_rotations

    def numbered(self) -> "ClassSource":
        numbers = np.arange(len(self.index.labels), dtype=np.int32)[:, np.newaxis]
        numbered = copy.copy(self)
        numbered.index, numbered.input_shape = self.index.of_examples(numbers), (1,)
        numbered.input_format, numbered.prepared, numbered._examples = PLAIN, None, None
        numbered._turns_examples = False
        return numbered

    def with_class_numbers(self) -> "ClassSource":
        numbered = copy.copy(self)
        numbered._has_class_numbers = True
        return numbered

    def _classes(self, split: str, shape: EpisodeShape) -> Any:
        """The classes of a split from which episodes are drawn."""
        least = shape.num_examples if shape.skip_small_classes else 0
        return self.index.large_classes(split, least)

    def _group_choice(self, classes: np.ndarray, shape: EpisodeShape) -> GroupChoice | None:
        return GroupChoice.of(self.index, classes, shape, num_rotations=self.num_rotations)

    # Episodes

    def draw(self, split: str, shape: EpisodeShape, seed: int) -> Callable[..., Any]:
        choose_classes, choose_examples = self._choosers(split, shape)
        keys_of = self._keys(split, shape, seed)
        gather, order = self._gather(), tf.constant(self.index.order)

        @tf.autograph.experimental.do_not_convert  # it takes half a second, and changes nothing
        def episodes(first: Any, count: Any) -> Any:
            group_key, class_keys, example_keys, sizes = keys_of(first, count)
            of_support, of_queries = choose_classes(group_key, class_keys)
            numbers, classes, turns = of_support
            chosen = choose_examples(classes, example_keys)
            if shape.query_other_group:
                others = choose_examples(of_queries[1], example_keys)
                parts = chosen[..., : shape.num_shots], others[..., shape.num_shots :]
                chosen = tf.concat(parts, -1)
            x = gather(tf.gather(order, chosen))
            if self._turns_examples:
                x = turned(x, turns)
            labels = (numbers, of_queries[0])
            labels = labels if self._has_class_numbers else (own_labels(numbers),) * 2
            cut = episode_of(x, labels, shape.num_shots)
            # Only now, because floats take four times the memory of pixels.
            support_x, query_x = to_unit(cut.support_x), to_unit(cut.query_x)
            return sized(cut._replace(support_x=support_x, query_x=query_x), shape, sizes)

        return episodes

    def names_of_classes(
        self, split: str, shape: EpisodeShape, seed: int, count: int
    ) -> list[list[str]]:
        choose_classes, _ = self._choosers(split, shape)
        group_key, class_keys, _, _ = self._keys(split, shape, seed)(0, count)
        of_support, _ = choose_classes(group_key, class_keys)
        _, classes, turns = (each.numpy() for each in of_support)
        return [
            [self._name_of(*each) for each in zip(*episode, strict=True)]
            for episode in zip(classes.tolist(), turns.tolist(), strict=True)
        ]

    def _name_of(self, number: Any, turns: Any) -> Any:
        name = self.index.class_names[number]
        return f"{name}, turned {90 * turns} degrees" if turns else name

    def _keys(self, split: str, shape: EpisodeShape, seed: int) -> Callable[..., Any]:
        """A function `(first, count)` -> random keys of groups, classes, examples and sizes."""
        classes = self._classes(split, shape)
        num_classes = len(classes) * self.num_rotations
        num_keys = shape.num_ways * int(self.index.counts[classes].max())
        parts = [1, num_classes, num_keys, words_for_sizes(shape)]
        stream = RandomStream(seed, split, sum(parts))

        def keys_of(first: Any, count: Any) -> Any:
            words = stream.integers(first, count)[:, : sum(parts)]
            group_key, class_keys, example_keys, sizes = tf.split(words, parts, 1)
            smallest = _LAST + 1
            class_keys, example_keys = (
                tf.maximum(keys, smallest) for keys in (class_keys, example_keys)
            )
            return group_key[:, 0], class_keys, example_keys, sizes

        return keys_of

    def _gather(self) -> Any:
        """A function for a graph: positions `(...)` -> examples `(..., *input_shape)`."""
        if isinstance(self.index.examples, RecordFile):
            return self.index.examples.gather
        if self._examples is None:
            with tf.device("CPU:0"):
                self._examples = tf.constant(self.index.examples)
        return lambda positions: tf.gather(self._examples, positions)

    def _choosers(self, split: str, shape: EpisodeShape) -> Any:
        """The two draws of an episode, as functions of its random keys."""
        usable = self._classes(split, shape)
        classes = tf.constant(np.tile(usable, self.num_rotations), tf.int32)
        starts, counts = tf.constant(self.index.starts), tf.constant(self.index.counts)
        most = int(self.index.counts[usable].max())
        choice = self._group_choice(usable, shape)
        if choice:
            choice = choice.large(shape.num_ways)
            masks, partners = tf.constant(choice.masks), tf.constant(choice.partners)

        def named(numbers: Any) -> Any:
            return numbers, tf.gather(classes, numbers), numbers // len(usable)

        def choose_classes(group_key: Any, class_keys: Any) -> Any:
            """Numbers, classes and turns of the support set's classes, and of the queries'."""
            if not choice:
                _, numbers = tf.math.top_k(class_keys, shape.num_ways)
                return named(numbers), named(numbers)
            chosen = tf.math.floormod(group_key, len(choice.masks))
            class_keys = tf.where(tf.gather(masks, chosen), class_keys, _LAST)
            _, numbers = tf.math.top_k(class_keys, shape.num_ways)
            others = tf.gather(tf.gather(partners, chosen), numbers, batch_dims=1)
            return named(numbers), named(others)

        def choose_examples(classes: np.ndarray, keys: Any) -> Any:
            keys = tf.reshape(keys, (-1, shape.num_ways, most))
            exists = tf.range(most) < tf.gather(counts, classes)[..., tf.newaxis]
            _, position = tf.math.top_k(
                tf.where(exists, keys, _LAST), shape.num_shots + shape.num_queries
            )
            return tf.gather(starts, classes)[..., tf.newaxis] + position

        return choose_classes, choose_examples


def _examples_needed(shape: EpisodeShape) -> str:
    return f"{shape.examples_in_words} need {shape.num_examples} examples per class"


def _small(classes: Any) -> str:
    return counted(len(classes), "small class")


def _named(small: Any, most: int | None = 5) -> Any:
    return listed([f"{name}: {number}" for name, number in small.items()], most)
