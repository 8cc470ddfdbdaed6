"""Windows of logged trajectories: a task is to predict what comes next under one condition.

    tfmeta train transitions --data-dir cheetah.npz --shots 16 --queries 16

A file has a row per step. An NPZ has the arrays `observations`, `actions` and perhaps
`next_observations`, each `(rows, size)`; a CSV or Parquet file has columns that begin with
`observation_`, `action_` and `next_observation_`. Beside them, `trajectory` says which rows belong
together, in the order of time, and `condition` under which condition they were logged, such as the
joint that was disabled. Conditions, not rows, are split into train, validation and test, so that a
score is measured under new conditions.

An example is an observation with the action taken in it, and its target is the change of the
observation. An episode is a window of one trajectory: the support set is its first transitions, and
the queries are those that follow. A learner centres and divides targets by the mean and deviation
of the training conditions (Nagabandi et al. 2019, https://arxiv.org/abs/1803.11347, section 4.1).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.episode import Episode
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_sizes import padded, present, words_for_sizes
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.random_stream import RandomStream
from tfmeta.episodes.splitting import TEST, VALIDATION, split_tasks
from tfmeta.episodes.target_numbers import scale_of
from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.feature_columns import input_scaling
from tfmeta.reading.minari_data import minari_columns, minari_folder
from tfmeta.reading.prepared_columns import PreparedColumns
from tfmeta.reading.tables import find_file, names_in
from tfmeta.reading.trajectories import Trajectories, trajectories_of
from tfmeta.reading.trajectory_file import TrajectoryFile, TrajectoryNames, read_columns

_SHARES = {"validation": VALIDATION, "test": TEST}  # by default


class Transitions(EpisodeSource):
    """Draws a condition, then a window of one of its trajectories.

    All conditions of a split are equally likely, and so are all windows of a condition. Of a window
    that varies in size, the support set is the transitions right before the queries.

    Args:
        trajectories: what the file holds.
        splits: the numbers of each split's conditions, in the order of their sorted names.
    """

    name = "transitions"

    def __init__(self, trajectories: Trajectories, splits: dict[str, np.ndarray]):
        names, self._condition = np.unique(trajectories.conditions, return_inverse=True)
        self.trajectories, t = trajectories, trajectories
        examples = np.concatenate([t.observations, t.actions], 1)
        labels = np.repeat(self._condition, t.counts)
        self.index = ClassIndex(examples, labels, splits, tuple(names.tolist()))
        self.input_shape, self.target_size = examples.shape[1:], t.changes.shape[1]
        self.prepared = PreparedColumns(examples)
        self._rows: Any = None

    # What there is

    def check(self, split: str, shape: EpisodeShape) -> None:
        conditions = self.index.classes(split)
        if shape.num_ways != 1 or shape.uses_groups:
            raise UserError("transitions has no classes: leave --ways and --within-group out")
        if not len(conditions):
            raise UserError(
                f"the {split} split of transitions has no condition; give it one of those that "
                f"there are: --set pipeline.{split}=1"
            )
        short = self._short(split, shape)
        if short and not shape.skip_small_classes:
            raise UserError(
                f"{_needed(shape)}; {listed(short)} of the {split} split of transitions have fewer."
                " Lower --shots or --queries, or leave such trajectories out: --skip-small-classes"
            )
        numbers = {c: len(self._first_rows(c, shape.num_examples)) for c in conditions}
        empty = [self.index.class_names[c] for c, number in numbers.items() if not number]
        if empty:
            raise UserError(
                f"{_needed(shape)}; no trajectory of {counted(len(empty), 'condition')} of the "
                f"{split} split has so many ({listed(empty)}). Lower --shots or --queries"
            )

    def limits(self, split: str, shape: EpisodeShape) -> tuple[int, int]:
        counts = self.trajectories.counts[self._of(split)]
        if shape.skip_small_classes:
            counts = counts[counts >= shape.num_examples]
        return 1, int(min(counts, default=0))

    def hopeless(self, split: str) -> str | None:
        return self.prepared.hopeless(self.index.rows(split))

    def left_out(self, shapes: dict[str, EpisodeShape]) -> list[str]:
        return [
            f"{split}: left out {counted(len(short), 'trajectory')}, because {_needed(shape)} "
            f"({listed(short, None)})"
            for split, shape in shapes.items()
            if shape.skip_small_classes and (short := self._short(split, shape))
        ]

    def recorded_splits(self) -> dict[str, list[str]]:
        return self.index.named_splits()

    def _of(self, split: str) -> np.ndarray:
        """The numbers of a split's trajectories."""
        return np.flatnonzero(np.isin(self._condition, self.index.classes(split)))

    def _short(self, split: str, shape: EpisodeShape) -> list[str]:
        t = self.trajectories
        few = [i for i in self._of(split) if t.counts[i] < shape.num_examples]
        return [f"{t.names[i]}: {t.counts[i]}" for i in few]

    # Episodes

    def draw(self, split: str, shape: EpisodeShape, seed: int) -> Any:
        firsts = [self._first_rows(c, shape.num_examples) for c in self.index.classes(split)]
        number = np.array([len(each) for each in firsts])
        begins = tf.constant(np.cumsum(number) - number, tf.int32)
        first_rows = tf.constant(np.concatenate(firsts), tf.int32)
        stream = RandomStream(seed, split, 2 + words_for_sizes(shape))
        x, y = self._resident_rows()

        def episodes(first: Any, count: Any) -> Any:
            words = stream.integers(first, count)
            condition = tf.math.floormod(words[:, 0], len(firsts))
            window = tf.math.floormod(
                words[:, 1], tf.gather(tf.constant(number, tf.int32), condition)
            )
            start = tf.gather(first_rows, tf.gather(begins, condition) + window)
            rows = start[:, tf.newaxis] + tf.range(shape.num_examples)
            support, query = tf.split(rows, [shape.num_shots, shape.num_queries], 1)
            episode = Episode(*(tf.gather(v, rows) for rows in (support, query) for v in (x, y)))
            if not shape.varies:
                return episode
            before, after = present(shape, words[:, 2 : 2 + words_for_sizes(shape)])
            return padded(episode, tf.reverse(before, [-1]), after)

        return episodes

    def _first_rows(self, condition: int, size: int) -> np.ndarray:
        """The row with which each window of a condition begins."""
        t = self.trajectories
        return np.concatenate(
            [
                t.starts[i] + np.arange(max(0, t.counts[i] - size + 1))
                for i in np.flatnonzero(self._condition == condition)
            ]
        )

    def _resident_rows(self) -> Any:
        if self._rows is None:
            with tf.device("CPU:0"):
                self._rows = (
                    tf.constant(self.index.examples),
                    tf.constant(self.trajectories.changes),
                )
        return self._rows


def _needed(shape: EpisodeShape) -> str:
    return f"{shape.examples_in_words} need {shape.num_examples} transitions per trajectory"


def _splits(
    names: Sequence[str], shares: dict[str, Any], chosen: dict[str, Any], seed: int
) -> dict[str, np.ndarray]:
    """The numbers of each split's conditions: those that are named, and shares of the others.

    Args:
        names: of the conditions.
        shares: `{split: share or number}`, see `split_tasks`; of a split that is not named.
        chosen: `{split: names of conditions, or None}`.
        seed: of the draw.
    """
    wanted = {split: names_in(given) for split, given in chosen.items() if given is not None}
    _check_named(names, wanted, shares)
    every = {name for each in wanted.values() for name in each}
    rest = np.array([number for number, name in enumerate(names) if name not in every])
    drawn = split_tasks(
        len(rest), seed=seed, **{s: 0 if s in wanted else share for s, share in shares.items()}
    )
    splits = {split: rest[numbers] for split, numbers in drawn.items()}
    named = {s: np.array(sorted(map(names.index, each)), int) for s, each in wanted.items()}
    return splits | named


def _check_named(
    names: Sequence[str], wanted: dict[str, list[str]], shares: dict[str, Any]
) -> None:
    every = [name for each in wanted.values() for name in each]
    unknown = [name for name in every if name not in names]
    twice = sorted({name for name in every if every.count(name) > 1})
    both = [split for split in wanted if shares[split] != _SHARES[split]]
    problem = ""
    if unknown or twice:
        problem = f"unknown: {listed(unknown)}" if unknown else f"named twice: {listed(twice)}"
    elif both:
        problem = f"and pipeline.{both[0]}={shares[both[0]]}, which says the same"
    elif set(every) == set(names):
        problem = "none is left for training"
    if problem:
        given = [f"pipeline.{split}_conditions={listed(each)}" for split, each in wanted.items()]
        raise UserError(
            f"received {', '.join(given)} ({problem}); expected some of the conditions "
            f"{listed(names, 20)}, each once"
        )


def build(
    *,
    data_dir=None,
    file=None,
    minari=None,
    observations="observations",
    actions="actions",
    next_observations="next_observations",
    trajectory: str = "trajectory",
    condition: str = "condition",
    terminals: str = "terminals",
    validation: float = VALIDATION,
    test: float = TEST,
    validation_conditions=None,
    test_conditions=None,
    split_seed: int = 0,
    standardise: bool = True,
) -> Transitions:
    """The pipeline.

    Args:
        data_dir: the file, or a folder that holds exactly one.
        file: its name in the folder, if there are several.
        minari: names of Minari's data sets, one for each condition, in place of a file; `data_dir`
            is then the folder that holds them, or None for Minari's own.
        observations, actions, next_observations, trajectory, condition, terminals: what they are
            called in the file; see `TrajectoryNames`.
        validation, test, split_seed: see `split_tasks`; of conditions.
        validation_conditions, test_conditions: names of conditions, in place of these.
        standardise: whether the network brings observations and actions to one scale.

    Raises:
        UserError: see `trajectories_of`; or if the file has one condition, or no such one.
    """
    names = TrajectoryNames(
        observations, actions, next_observations, str(trajectory), str(condition), str(terminals)
    )
    if minari is None:
        path = find_file("transitions", data_dir, file)
        logged = TrajectoryFile(path, read_columns(path, names), names)
    elif file is not None or names != TrajectoryNames():
        raise UserError(
            f"received pipeline.minari={minari} with a file, or with names of a file's parts; "
            "expected one of them, because Minari's data sets have names of their own"
        )
    else:
        path = minari_folder(data_dir)
        columns = minari_columns(names_in(minari), path)
        logged = TrajectoryFile(path, columns, names)
    trajectories = trajectories_of(logged, names)
    conditions = sorted(set(trajectories.conditions.tolist()))
    if len(conditions) == 1:
        raise UserError(
            f"{path} has one condition, {conditions[0]}; expected two or more, because a score is "
            "measured under a condition that was not trained on. Name another array or column of "
            "conditions: --set pipeline.condition=NAME"
        )
    chosen = {"validation": validation_conditions, "test": test_conditions}
    splits = _splits(conditions, {"validation": validation, "test": test}, chosen, split_seed)
    source = Transitions(trajectories, splits)
    rows = source.index.rows("train")
    x, y = source.index.examples, trajectories.changes
    source.network_options = input_scaling(x[rows], standardise)
    source.learner_options = scale_of(y[rows])
    source.pinned_options = logged.pinned(names)
    source.prepared = PreparedColumns(x, source.network_options, answers=y)
    return source
