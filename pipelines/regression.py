"""Many small regressions from a file of your own: one task per user, device or site.

    tfmeta train regression --data-dir ratings.csv --shots 5 --set pipeline.task=user \\
        --set pipeline.target=rating

A CSV or Parquet file has a column with the task, one or several columns of targets, and columns of
features. An NPZ has the arrays `x`, `y` (or `target`) and `task`. Tasks, not rows, are split into
train, validation and test, so that a score is measured on new tasks. Features need no preparation,
as in `arrays`, and targets may have any unit. A learner centres and divides them by the mean and
deviation of the training tasks, which the run records (`learner.target_centre`,
`learner.target_spread`), and answers in the user's unit.
"""

import numpy as np
import tensorflow as tf

from tfmeta.episodes.class_index import ClassIndex
from tfmeta.episodes.episode import Episode
from tfmeta.episodes.episode_shape import EpisodeShape
from tfmeta.episodes.episode_sizes import sized, words_for_sizes
from tfmeta.episodes.episode_source import EpisodeSource
from tfmeta.episodes.random_stream import RandomStream
from tfmeta.episodes.splitting import TEST, VALIDATION, split_tasks
from tfmeta.episodes.target_numbers import scale_of
from tfmeta.errors import UserError, counted, listed
from tfmeta.reading.feature_columns import feature_names, input_scaling, prepared_columns
from tfmeta.reading.prepared_columns import PreparedColumns
from tfmeta.reading.table_options import TableOptions
from tfmeta.reading.tables import find_file, names_in

_LAST = np.iinfo(np.int32).min  # sorts behind every random key


class Regression(EpisodeSource):
    """Draws a task, then different rows of it: first the support set, then the queries.

    An episode's first random word chooses a task of the split; all tasks are equally likely, for
    any number of rows. The other words sort the task's rows.

    Args:
        index: the features of the rows, `(rows, ...)`; the class of each row is its task.
        targets: float32 `(rows, targets)`.

    Raises:
        ValueError: if there are not as many targets as rows.
    """

    name = "regression"

    def __init__(self, index: ClassIndex, targets: np.ndarray):
        if targets.ndim != 2 or len(targets) != len(index.examples):
            raise ValueError(
                f"received targets of shape {targets.shape} for {len(index.examples)} rows; "
                "expected (rows, targets)"
            )
        self.index, self.targets = index, targets
        self.input_shape = tuple(index.examples.shape[1:])
        self.target_size = targets.shape[1]
        self._rows = None
        self.prepared = PreparedColumns(index.examples)

    # What there is

    def check(self, split: str, shape: EpisodeShape) -> None:
        small, tasks = self._small_tasks(split, shape), self.index.classes(split)
        if shape.num_ways != 1 or shape.uses_groups:
            raise UserError("regression has no classes: leave --ways and --within-group out")
        if not len(tasks):
            raise UserError(
                f"the {split} split of regression has no task; add tasks, or give it one of those "
                f"that there are: --set pipeline.{split}=1"
            )
        if small and (not shape.skip_small_classes or len(small) == len(tasks)):
            other = "" if shape.skip_small_classes else ", or leave them out: --skip-small-classes"
            raise UserError(
                f"{_rows_needed(shape)}; {len(small)} of {counted(len(tasks), 'task')} in the "
                f"{split} split of regression {'has' if len(small) == 1 else 'have'} fewer "
                f"({listed(small)}). Lower --shots or --queries, add "
                f"rows{other}"
            )

    def limits(self, split: str, shape: EpisodeShape) -> tuple[int, int]:
        return 1, int(min(self.index.counts[self._tasks(split, shape)], default=0))

    def hopeless(self, split: str) -> str | None:
        return self.prepared.hopeless(self.index.rows(split))

    def left_out(self, shapes: dict[str, EpisodeShape]) -> list[str]:
        lines = []
        for split, shape in shapes.items():
            small = self._small_tasks(split, shape) if shape.skip_small_classes else []
            if small:
                every = listed(small, None)
                why = _rows_needed(shape)
                lines.append(
                    f"{split}: left out {counted(len(small), 'task')}, because {why} ({every})"
                )
        return lines

    def recorded_splits(self) -> dict[str, list[str]]:
        return self.index.named_splits()

    def _small_tasks(self, split, shape):
        """The tasks with too few rows as texts `name: number of rows`, fewest first."""
        small = self.index.small_classes(split, shape.num_examples)
        return [f"{name}: {rows}" for name, rows in small.items()]

    def _tasks(self, split, shape):
        """The tasks of a split from which episodes are drawn."""
        least = shape.num_examples if shape.skip_small_classes else 0
        return self.index.large_classes(split, least)

    # Episodes

    def draw(self, split: str, shape: EpisodeShape, seed: int):
        tasks = self._tasks(split, shape)
        counts, starts = (of_all[tasks] for of_all in (self.index.counts, self.index.starts))
        most = int(counts.max())
        parts = [1, most, words_for_sizes(shape)]
        stream = RandomStream(seed, split, sum(parts))
        order, (x, y) = tf.constant(self.index.order), self._resident_rows()

        def episodes(first, count):
            words = stream.integers(first, count)[:, : sum(parts)]
            task, keys, sizes = tf.split(words, parts, 1)
            task = tf.math.floormod(task[:, 0], len(tasks))
            exists = tf.range(most) < tf.gather(counts, task)[:, tf.newaxis]
            keys = tf.where(exists, tf.maximum(keys, _LAST + 1), _LAST)
            _, position = tf.math.top_k(keys, shape.num_examples)
            rows = tf.gather(order, tf.gather(starts, task)[:, tf.newaxis] + position)
            support, query = tf.split(rows, [shape.num_shots, shape.num_queries], 1)
            parts_of_it = (tf.gather(v, rows) for rows in (support, query) for v in (x, y))
            return sized(Episode(*parts_of_it), shape, sizes)

        return episodes

    def _resident_rows(self):
        if self._rows is None:
            with tf.device("CPU:0"):
                self._rows = tf.constant(self.index.examples), tf.constant(self.targets)
        return self._rows


def _rows_needed(shape):
    return f"{shape.examples_in_words} need {shape.num_examples} rows per task"


def build(
    *,
    data_dir=None,
    file=None,
    task: str = "task",
    target="target",
    features=None,
    exclude=None,
    validation: float = VALIDATION,
    test: float = TEST,
    split_seed: int = 0,
    standardise: bool = True,
    missing=None,
    categories=None,
) -> Regression:
    """The pipeline.

    Args:
        data_dir: the file, or a folder that holds exactly one.
        file: its name in the folder, if there are several.
        task: the column (array) that says to which task a row belongs.
        target: the column of the target, or several columns; in an NPZ it may also be `y`.
        features: the columns of the features; None takes all other columns.
        exclude: columns that are no features, in place of naming all others.
        validation, test, split_seed: see `split_tasks`.
        standardise: whether the network brings the features to one scale; see `arrays`.
        missing, categories: for texts and gaps among the features; see `TableOptions`.

    Raises:
        UserError: if the file can't be read, or a value is missing or is no number.
    """
    options = TableOptions(missing, categories)
    table = options.read(find_file("regression", data_dir, file), (str(task),))
    targets = names_in(target)
    if table.is_npz and target == "target" and "target" not in table.columns:
        targets = ["y"]
    used = {str(task): "task", **dict.fromkeys(targets, "target")}
    names, labels = np.unique(table.text(str(task), "task"), return_inverse=True)
    y = table.numbers(targets, "target")
    features = feature_names(table, features, used=used, exclude=exclude)
    options.check(table, features)
    splits = split_tasks(len(names), validation=validation, test=test, seed=split_seed)
    in_training = np.isin(labels, splits["train"])
    x, row_format = options.applied(table, features, in_training, answers=targets, task=str(task))
    index = ClassIndex(x, labels, splits, tuple(names.tolist()))
    source = Regression(index, y)
    source.network_options = input_scaling(x[in_training], standardise)
    if in_training.any():
        source.learner_options = scale_of(y[in_training])
    source.input_format, source.pinned_options = row_format, options.pinned(row_format)
    source.prepared = prepared_columns(x, source.network_options, row_format, y)
    return source
